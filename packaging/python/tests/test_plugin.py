"""pytest with the plugin: its settings, parallel runs, and runs that are killed."""

import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest

needs_xdist = pytest.mark.skipif(
    importlib.util.find_spec("xdist") is None and not os.environ.get("CLIENTSTORE_SKIPS_NOTHING"),
    reason="pytest-xdist is not installed",
)

# Each test says which server it has, and then adds what the next one must not see.
SUITE = """
    import os, pathlib, pytest, time, urllib.request

    @pytest.mark.parametrize("number", range(8))
    def test_one(clientstore, number):
        assert clientstore.state()["records"]["clients"] == CLIENTS
        pathlib.Path(f"{clientstore.pid}.server").touch()
        document = b"<client><name>A</name></client>"
        headers = {"Content-Type": "application/xml"}
        request = urllib.request.Request(f"{clientstore.url}/clients", document, headers)
        assert urllib.request.urlopen(request).headers["Location"] == f"/clients/{CLIENTS + 1}"
        THEN
"""


def suite(pytester, clients=0, then="pass"):
    return pytester.makepyfile(SUITE.replace("CLIENTS", str(clients)).replace("THEN", then))


def servers(pytester):
    return [int(path.stem) for path in pytester.path.glob("*.server")]


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until(what, holds):
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 60, what
        time.sleep(0.005)


def test_one_server_serves_all_tests_and_is_stopped(pytester):
    suite(pytester)
    pytester.runpytest_subprocess().assert_outcomes(passed=8)
    (server,) = servers(pytester)
    until("the server is gone", lambda: not is_running(server))


@needs_xdist
def test_each_worker_of_xdist_has_a_server_of_its_own(pytester):
    suite(pytester)
    pytester.runpytest_subprocess("-n", "3").assert_outcomes(passed=8)
    found = servers(pytester)
    assert len(found) == 3
    until("the servers are gone", lambda: not any(map(is_running, found)))


def test_settings_give_options_and_what_the_server_begins_with(pytester):
    suite(pytester, clients=1, then="assert clientstore.clock.now.year == 2010")
    pytester.makefile(".xml", clients="<client><name>SuprCorp</name></client>")
    pytester.makeini("[pytest]\nclientstore_options = --deterministic 7\nclientstore_seed = clients.xml\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=8)


def test_a_server_that_does_not_start_fails_the_tests_and_says_why(pytester):
    suite(pytester)
    pytester.makeini("[pytest]\nclientstore_options = --no-such-option\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=8)
    assert "unexpected argument '--no-such-option'" in result.stdout.str()


def test_a_failed_expectation_is_told_without_the_plugins_own_code(pytester):
    suite(pytester, then='clientstore.verify("DELETE")')
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=8)
    said = result.stdout.str()
    assert "Expected at least 1 request DELETE" in said and "_control.py" not in said


def killed(pytester, *options):
    """Runs a suite that hangs once all its servers are there, and kills the runner."""
    suite(pytester, then="time.sleep(600)")
    command = [sys.executable, "-m", "pytest", *options]
    runner = subprocess.Popen(command, cwd=str(pytester.path), stdout=subprocess.DEVNULL)
    workers = int(options[-1]) if options else 1
    until("the suite runs", lambda: len(servers(pytester)) == workers)
    found = servers(pytester)
    assert all(map(is_running, found))
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    until("the servers are gone", lambda: not any(map(is_running, found)))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_runner_that_is_killed_leaves_no_server(pytester):
    killed(pytester)


@needs_xdist
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_parallel_runner_that_is_killed_leaves_no_server(pytester):
    killed(pytester, "-n", "2")
