"""Fixtures for pytest: a fake of the service, as new in each test."""

from __future__ import annotations

import pathlib
from typing import Callable, Iterator, List

import pytest

from ._server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("clientstore_options", "arguments of clientstore serve, for the server of all tests", type="args")
    parser.addini("clientstore_seed", "files that the server of all tests begins with", type="args")


@pytest.fixture(scope="session")
def clientstore_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A fake of the service for all tests; pytest-xdist has one in each of its workers."""
    config = request.config
    folder = pathlib.Path(config.inipath).parent if config.inipath else pathlib.Path.cwd()
    seed = [str(folder / name) for name in config.getini("clientstore_seed")]
    options: List[str] = list(config.getini("clientstore_options"))
    with Server.start(*options, *(["--seed", *seed] if seed else [])) as server:
        yield server


@pytest.fixture
def clientstore(clientstore_server: Server) -> Server:
    """A fake of the service as new: records, ids, journal, faults and clock as at the start."""
    clientstore_server.reset()
    return clientstore_server


@pytest.fixture
def clientstore_start() -> Iterator[Callable[..., Server]]:
    """A function that starts a fake of its own for this test, with options of ``clientstore serve``."""
    servers: List[Server] = []

    def start(*options: str) -> Server:
        servers.append(Server.start(*options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
