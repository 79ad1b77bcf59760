"""A server that is started, and stopped with the program that started it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from types import TracebackType
from typing import Dict, Optional, Type

from ._control import Controlled

# How long a server may take to stop before it is killed, in seconds.
PATIENCE = 10


class StartError(Exception):
    """The server did not start, or its program is not there."""


def program() -> str:
    """Where the program ``clientstore`` is: in this environment, or else on the path.

    Raises StartError where it is neither.
    """
    name = "clientstore" + (sysconfig.get_config_var("EXE") or "")
    user = "nt_user" if os.name == "nt" else "osx_framework_user" if sys.platform == "darwin" else "posix_user"
    packages = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", scheme=user) if user in sysconfig.get_scheme_names() else None,
        os.path.join(packages, "bin"),  # pip install --target
    ]
    for folder in folders:
        if folder and os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    found = shutil.which(name)
    if found is None:
        raise StartError(f"there is no program {name} in {folders[0]} nor on the path; reinstall the package clientstore")
    return found


class Server(Controlled):
    """A server on a free port of this machine, with its records in memory; gone when it is stopped.

    It ends with the program that started it, however that ends.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        super().__init__(url)
        self._process = process

    @classmethod
    def start(cls, *options: str) -> Server:
        """Starts a server; it is ready when this returns.

        Options are those of ``clientstore serve``, such as ``"--dialect", "live"``. Raises StartError where it does not
        start; standard error then says why.
        """
        command = [program(), "serve", "--memory", "--listen", "127.0.0.1:0", "--control", "--quiet"]
        command += ["--exit-on-stdin-end", *options]
        if os.name == "posix":
            # A process that is forked from this one keeps the pipe open.
            command.append("--exit-with-parent")
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True, env=_environment()
        )
        assert process.stdout is not None
        said = process.stdout.readline()  # listening on http://127.0.0.1:49152
        if not said:
            status = process.wait()
            _close(process)
            raise StartError(f"clientstore ended with status {status}; what it said is on standard error")
        server = cls(process, said.split()[-1])
        try:
            server.control("GET", "health")
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def stop(self) -> None:
        """Stops it, and waits until it is gone. Stopping it twice is no error."""
        self._control.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _close(self._process)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()


def _environment() -> Dict[str, str]:
    """Without the variables that would change a server in ways that tests do not expect."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CLIENTSTORE_")}


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
