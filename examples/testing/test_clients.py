"""Tests of a program that speaks the classic Harvest API, against a fake of it."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest


def add_client(base, document):
    """The program under test; yours stands elsewhere, and has the address of the API in its settings.

    It adds a client and returns where that is, and waits where the service is busy.
    """
    while True:
        request = urllib.request.Request(f"{base}/clients", document.encode(), {"Content-Type": "application/xml"})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.headers["Location"]
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(int(error.headers["Retry-After"]))


class Harvest:
    """A fake that runs; `url` is what the program under test is pointed at."""

    def __init__(self, url):
        self.url = url

    def control(self, method, path, body=None):
        """Calls a control path; fails the test with what the server says is wrong."""
        body = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_clientstore/{path}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            pytest.fail(f"{method} {path}: {json.load(error)['message']}", pytrace=False)


@contextlib.contextmanager
def running(*options):
    """Starts a fake on a free port, and stops it."""
    command = ["clientstore", "serve", "--memory", "--listen", "127.0.0.1:0", "--control", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()  # listening on http://127.0.0.1:49152
            if not said:
                raise RuntimeError("clientstore did not start; what it says is above")
            harvest = Harvest(said.split()[-1])
            harvest.control("GET", "health")
            yield harvest
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def shared_harvest():
    with running() as harvest:
        yield harvest


@pytest.fixture
def harvest(shared_harvest):
    """The one fake of all tests, as new; a reset takes less than a start."""
    shared_harvest.control("POST", "reset")
    return shared_harvest


@pytest.fixture
def harvest_of_2010():
    """A fake of its own for a test that needs other options."""
    with running("--dialect", "live", "--deterministic", "7") as harvest:
        yield harvest


def test_a_client_is_added_beside_those_there_are(harvest):
    harvest.control("POST", "seed", b"<client><name>SuprCorp</name></client>")

    assert add_client(harvest.url, "<client><name>Company LLC</name></client>") == "/clients/2"

    with urllib.request.urlopen(f"{harvest.url}/clients/2") as answer:
        assert b"<name>Company LLC</name>" in answer.read()
    harvest.control("POST", "journal/verify", {"method": "POST", "path": "/clients", "count": 1})


def test_nothing_is_left_of_the_test_before(harvest):
    assert add_client(harvest.url, "<client><name>Company LLC</name></client>") == "/clients/1"
    assert harvest.control("GET", "state")["records"]["clients"] == 1


def test_a_busy_service_is_asked_again(harvest):
    busy = {"status": 503, "headers": {"Retry-After": "0"}}
    harvest.control("PUT", "faults", {"rules": [{"method": "POST", "times": 2, "answer": busy}]})

    assert add_client(harvest.url, "<client><name>SuprCorp</name></client>") == "/clients/1"

    harvest.control("POST", "journal/verify", {"method": "POST", "body": {"name": "SuprCorp"}, "count": 3})


def test_a_client_is_created_now(harvest_of_2010):
    harvest_of_2010.control("PUT", "clock", {"advance_seconds": 60})
    where = add_client(harvest_of_2010.url, "<client><name>SuprCorp</name></client>")
    with urllib.request.urlopen(harvest_of_2010.url + where) as answer:
        assert b">2010-01-01T00:01:00Z</created-at>" in answer.read()
