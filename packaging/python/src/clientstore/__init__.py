"""The classic Harvest time-tracking API as a fake backend for tests.

With pytest, ask for the fixture ``clientstore``. Elsewhere::

    with clientstore.Server.start() as server:
        add_client(server.url, "Company LLC")  # the program under test
        server.verify("POST", "/clients", body={"name": "Company LLC"}, count=1)
"""

from ._control import Answer, Clock, ControlError, Entry, Rule, VerifyError
from ._server import Server, StartError, program

__all__ = [
    "Answer",
    "Clock",
    "ControlError",
    "Entry",
    "Rule",
    "Server",
    "StartError",
    "VerifyError",
    "program",
]
