"""The fixtures and the client, against the server itself."""

import datetime
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import clientstore as package

SUPR = "<client><name>SuprCorp</name></client>"


def post(url, document=SUPR):
    """Adds a client; gives the status and where it is."""
    request = urllib.request.Request(f"{url}/clients", document.encode(), {"Content-Type": "application/xml"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Location"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_an_empty_account(clientstore, turn):
    assert clientstore.state()["records"]["clients"] == 0
    assert clientstore.journal() == [] and clientstore.faults() == []
    clientstore.faults({"nth": 2, "drop": "request"})
    clientstore.clock.freeze("2012-03-01T00:00:00Z")
    assert post(clientstore.url) == (201, "/clients/1")


def test_documents_are_seeded_from_text_bytes_and_files(clientstore, tmp_path):
    path = tmp_path / "clients.xml"
    path.write_text(f"<clients>{SUPR}{SUPR}</clients>")
    assert clientstore.seed(SUPR, SUPR.encode(), path) == 4
    assert clientstore.state()["records"]["clients"] == 4


def test_a_document_that_is_refused_is_told_with_its_place(clientstore):
    with pytest.raises(package.ControlError) as refused:
        clientstore.seed("<client><name>A</name><active>perhaps</active></client>")
    assert refused.value.at == "line 1" and refused.value.hint
    assert str(refused.value).startswith('line 1: active "perhaps" is not a boolean')


def test_the_journal_has_the_requests_that_are_asked_for(clientstore):
    post(clientstore.url)
    get(f"{clientstore.url}/clients?updated_since=2009-12-31")
    get(f"{clientstore.url}/clients/1")
    assert [entry["method"] for entry in clientstore.journal()] == ["POST", "GET", "GET"]
    (entry,) = clientstore.journal("GET", "/clients")
    assert entry["query"] == "updated_since=2009-12-31" and entry["status"] == 200
    assert len(clientstore.journal(after=1, limit=5)) == 2


def test_verify_counts_and_tells_what_came_nearest(clientstore):
    post(clientstore.url)
    assert clientstore.verify("POST", "/clients", body={"name": "SuprCorp"}, count=1) == 1
    assert clientstore.verify("DELETE", count=0) == 0
    with pytest.raises(AssertionError, match='expected "Company LLC", found "SuprCorp"'):
        clientstore.verify("POST", body={"name": "Company LLC"})


def test_faults_fire_and_count_and_are_removed(clientstore):
    clientstore.faults({"method": "POST", "times": 1, "answer": {"status": 503, "headers": {"Retry-After": "0"}}})
    assert [post(clientstore.url)[0] for _ in range(2)] == [503, 201]
    (rule,) = clientstore.faults()
    assert rule["fired"] == 1
    clientstore.faults({"answer": {"status": 500}})
    clientstore.clear_faults()
    assert post(clientstore.url)[0] == 201


def test_the_clock_is_set_stopped_and_moved(clientstore):
    utc = datetime.timezone.utc
    assert clientstore.clock.freeze("2012-03-01T00:00:00Z") == datetime.datetime(2012, 3, 1, tzinfo=utc)
    assert clientstore.clock.advance(60) == datetime.datetime(2012, 3, 1, 0, 1, tzinfo=utc)
    clientstore.clock.advance(datetime.timedelta(days=1))
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert clientstore.clock.now == datetime.datetime(2012, 3, 2, 2, 1, tzinfo=zone)
    assert clientstore.clock.set(datetime.datetime(2013, 1, 1, tzinfo=zone)).hour == 22
    with pytest.raises(ValueError, match="no zone"):
        clientstore.clock.set(datetime.datetime(2013, 1, 1))
    clientstore.clock.resume()
    assert clientstore.clock.reset().year > 2020


def test_a_reset_goes_back_to_a_snapshot(clientstore):
    clientstore.seed(SUPR)
    clientstore.snapshot("one-client")
    post(clientstore.url)
    assert clientstore.reset("one-client")["records"]["clients"] == 1
    assert clientstore.reset()["records"]["clients"] == 0


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


JANE = "<user><email>jane@example.com</email><first-name>Jane</first-name><last-name>Doe</last-name></user>"


def test_every_call_acts_as_the_person_until_another_or_a_reset(clientstore):
    clientstore.seed(JANE)
    invoices, me = f"{clientstore.url}/invoices", f"{clientstore.url}/account/who_am_i"
    assert status(invoices) == 200
    clientstore.as_person(2)
    assert status(invoices) == 404, "a regular user sees no invoices"
    assert "<email>jane@example.com</email>" in get(me)
    clientstore.as_person(None)
    assert status(invoices) == 200 and "jane@example.com" not in get(me)
    clientstore.as_person(2)
    clientstore.reset()
    assert status(invoices) == 200


def test_a_person_who_is_not_there_is_told(clientstore):
    with pytest.raises(package.ControlError, match="There is no person 9") as refused:
        clientstore.as_person(9)
    assert refused.value.at == "id"


def test_the_throttle_is_the_services(clientstore):
    clientstore.throttle()
    assert clientstore.state()["throttle"]["on"]
    clientstore.throttle(False)
    assert not clientstore.state()["throttle"]["on"]


def test_a_server_of_its_own_takes_options(clientstore, clientstore_start):
    server = clientstore_start("--dialect", "live", "--deterministic", "7")
    assert server.url != clientstore.url
    assert get(f"{server.url}/clients").startswith("<?xml")
    assert server.clock.now.year == 2010


def test_a_connection_that_the_server_closed_is_opened_again(clientstore_start):
    server = clientstore_start("--idle-timeout", "1")
    until("the server closes the connection", server._control._is_stale)
    assert server.state()["records"]["clients"] == 0


def test_a_server_that_is_stopped_is_gone():
    with package.Server.start() as server:
        assert post(server.url)[0] == 201
    with pytest.raises(urllib.error.URLError):
        get(server.url)
    server.stop()


def test_a_server_that_does_not_start_is_told(capfd):
    with pytest.raises(package.StartError, match="status 2"):
        package.Server.start("--no-such-option")
    assert "--no-such-option" in capfd.readouterr().err


def test_variables_of_the_program_under_test_do_not_change_the_server(monkeypatch):
    monkeypatch.setenv("CLIENTSTORE_AUTH", "me:secret")
    monkeypatch.setenv("CLIENTSTORE_DIALECT", "live")
    with package.Server.start() as server:
        assert get(f"{server.url}/clients").startswith("<clients")


def test_the_program_itself_can_be_run():
    said = subprocess.run([sys.executable, "-m", "clientstore", "--version"], stdout=subprocess.PIPE, check=True)
    assert said.stdout.startswith(b"clientstore ")


def until(what, holds):
    """Waits until something holds, with a limit that no machine is too slow for."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 60, what
        time.sleep(0.005)
