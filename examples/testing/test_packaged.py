"""Tests of a program that speaks the classic Harvest API, against a fake of it."""

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


def test_a_client_is_added_beside_those_there_are(clientstore):
    clientstore.seed("<client><name>SuprCorp</name></client>")

    assert add_client(clientstore.url, "<client><name>Company LLC</name></client>") == "/clients/2"

    clientstore.verify("POST", "/clients", body={"name": "Company LLC"}, count=1)


def test_nothing_is_left_of_the_test_before(clientstore):
    assert add_client(clientstore.url, "<client><name>Company LLC</name></client>") == "/clients/1"
    assert clientstore.state()["records"]["clients"] == 1


def test_a_busy_service_is_asked_again(clientstore):
    busy = {"status": 503, "headers": {"Retry-After": "0"}}
    clientstore.faults({"method": "POST", "times": 2, "answer": busy})

    assert add_client(clientstore.url, "<client><name>SuprCorp</name></client>") == "/clients/1"

    assert [entry["status"] for entry in clientstore.journal("POST")] == [503, 503, 201]


@pytest.fixture
def service_of_2010(clientstore_start):
    """A fake of its own for a test that needs other options."""
    return clientstore_start("--dialect", "live", "--deterministic", "7")


def test_a_client_is_created_now(service_of_2010):
    service_of_2010.clock.advance(60)
    where = add_client(service_of_2010.url, "<client><name>SuprCorp</name></client>")
    with urllib.request.urlopen(service_of_2010.url + where) as answer:
        assert b">2010-01-01T00:01:00Z</created-at>" in answer.read()
