"""What a test asks of a server that runs: its control paths."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import json
import os
import select
import threading
import urllib.parse
from typing import Any, Dict, Iterator, List, Mapping, Optional, TypedDict, Union

Document = Union[str, bytes, "os.PathLike[str]"]
Count = Union[int, Mapping[str, int]]


class Answer(TypedDict, total=False):
    """An answer in place of the API's."""

    status: int
    headers: Dict[str, str]
    body: str


class Rule(TypedDict, total=False):
    """Which requests fail, and how."""

    method: str
    path: str
    nth: int
    times: int
    probability: float
    seed: int
    delay_ms: int
    answer: Answer
    drop: str
    cut: int
    # told by the server: how many requests it matched, and for how many it fired
    matched: int
    fired: int


class Entry(TypedDict, total=False):
    """A request that the server got."""

    number: int
    time: str
    method: str
    path: str
    query: Optional[str]
    headers: Dict[str, str]
    body: Optional[str]
    body_base64: str
    body_bytes: int
    route: Optional[str]
    status: Optional[int]
    fault: Optional[str]
    duration_ms: float


class ControlError(Exception):
    """A control path refused a call. ``at`` is where in the body the mistake is, ``hint`` what to do about it."""

    def __init__(self, message: str, at: Optional[str] = None, hint: Optional[str] = None) -> None:
        place = f"{at}: " if at and not message.startswith(at) else ""
        super().__init__(place + message + (f"\n{hint}" if hint else ""))
        self.at = at
        self.hint = hint


class VerifyError(AssertionError):
    """Requests did not come as expected."""


class Control:
    """Calls control paths over one connection; threads take turns."""

    def __init__(self, url: str) -> None:
        address = urllib.parse.urlsplit(url)
        # A proxy is never asked, whatever the environment says: the server is on this machine.
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._turn = threading.Lock()

    def call(self, method: str, path: str, body: Union[None, bytes, object] = None) -> Any:
        """Calls a control path; a body that is no bytes is sent as JSON.

        Raises ControlError, or VerifyError for an expectation that is not met.
        """
        __tracebackhide__ = True
        sent = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        with self._turn, self._closed_after_errors():
            if self._is_stale():
                self._connection.close()
            self._connection.request(method, f"/_clientstore/{path}", sent)
            answer = self._connection.getresponse()
            text = answer.read()
        try:
            said = json.loads(text)
        except ValueError:
            raise ControlError(f"{method} {path}: no control path answered, status {answer.status}") from None
        if 200 <= answer.status < 300:
            return said
        if "verified" in said:
            raise VerifyError(said["message"])
        raise ControlError(said["message"], said.get("at"), said.get("hint"))

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def _is_stale(self) -> bool:
        """Whether the server has closed the connection; it sends nothing unasked."""
        socket = self._connection.sock
        if socket is None:
            return False
        if hasattr(select, "poll"):  # also for descriptors from 1,024
            poll = select.poll()
            poll.register(socket, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([socket], [], [], 0)[0])

    @contextlib.contextmanager
    def _closed_after_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._connection.close()
            raise


class Clock:
    """The server's time: what timestamps, due dates and the ``Date`` header come from."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        return self._told(self._control.call("GET", "clock"))

    def set(self, now: Union[str, datetime.datetime]) -> datetime.datetime:
        """Sets the time, as ``2012-03-01T00:00:00Z`` or a datetime with a zone; it goes on or stands still as before."""
        return self._put(now=self._text(now))

    def freeze(self, now: Union[None, str, datetime.datetime] = None) -> datetime.datetime:
        """Stops the clock, at this time where one is given."""
        return self._put(frozen=True) if now is None else self._put(now=self._text(now), frozen=True)

    def resume(self) -> datetime.datetime:
        """Lets a clock that was stopped go on."""
        return self._put(frozen=False)

    def advance(self, by: Union[int, datetime.timedelta]) -> datetime.datetime:
        """Moves the time by this many seconds, or by a timedelta."""
        seconds = by.total_seconds() if isinstance(by, datetime.timedelta) else by
        return self._put(advance_seconds=int(seconds))

    def reset(self) -> datetime.datetime:
        """Sets the clock back to how it started."""
        return self._told(self._control.call("DELETE", "clock"))

    def _put(self, **keys: Any) -> datetime.datetime:
        return self._told(self._control.call("PUT", "clock", keys))

    @staticmethod
    def _text(now: Union[str, datetime.datetime]) -> str:
        if isinstance(now, str):
            return now
        if now.tzinfo is None:
            raise ValueError("the datetime has no zone; add tzinfo=datetime.timezone.utc")
        return now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def _told(said: Dict[str, Any]) -> datetime.datetime:
        return datetime.datetime.fromisoformat(said["now"].replace("Z", "+00:00"))


class Controlled:
    """A server that can be called at its control paths."""

    #: What the program under test is pointed at.
    url: str
    #: The server's time.
    clock: Clock

    def __init__(self, url: str) -> None:
        self.url = url
        self._control = Control(url)
        self.clock = Clock(self._control)

    def control(self, method: str, path: str, body: Union[None, bytes, object] = None) -> Any:
        """Calls any control path, such as ``control("GET", "snapshots")``; returns what it answers."""
        __tracebackhide__ = True
        return self._control.call(method, path, body)

    def reset(self, snapshot: Optional[str] = None) -> Dict[str, Any]:
        """Sets records, ids, journal, faults and clock back to the start, or to a snapshot; returns the state."""
        state: Dict[str, Any] = self.control("POST", "reset", {"snapshot": snapshot} if snapshot else {})
        return state

    def snapshot(self, name: str) -> None:
        """Keeps all of that under a name, for ``reset(name)``."""
        self.control("POST", f"snapshots/{name}")

    def seed(self, *documents: Document) -> int:
        """Loads documents of the API: as XML text, as bytes, or from the file that a path names.

        Returns how many records there were. A document is loaded wholly or not at all.
        """
        __tracebackhide__ = True
        return sum(self.control("POST", "seed", _bytes(document))["records"] for document in documents)

    def journal(
        self,
        method: Optional[str] = None,
        path: Optional[str] = None,
        *,
        status: Optional[int] = None,
        after: Optional[int] = None,
        limit: Optional[int] = None,
        wait: Optional[int] = None,
    ) -> List[Entry]:
        """The requests that the server got, in the order of their answers: those that fit all that is given.

        In a path ``*`` stands for any characters but ``/``, and ``**`` for any. ``wait`` waits for a request for at most
        this many seconds, where there is none yet.
        """
        given = dict(method=method, path=path, status=status, after=after, limit=limit, wait=wait)
        query = urllib.parse.urlencode({key: value for key, value in given.items() if value is not None})
        entries: List[Entry] = self.control("GET", f"journal?{query}" if query else "journal")["entries"]
        return entries

    def verify(
        self,
        method: Optional[str] = None,
        path: Optional[str] = None,
        *,
        body: Optional[Mapping[str, Any]] = None,
        query: Optional[Mapping[str, str]] = None,
        headers: Optional[Mapping[str, str]] = None,
        status: Optional[int] = None,
        count: Optional[Count] = None,
    ) -> int:
        """Fails the test where requests did not come as expected, and tells which one came nearest.

        ``body`` names elements of the body and what they hold. ``count`` is a number, or such as ``{"at_least": 1,
        "at_most": 3}``; without it at least one request must fit. Returns how many did.
        """
        __tracebackhide__ = True
        given = dict(method=method, path=path, body=body, query=query, headers=headers, status=status, count=count)
        expected = {key: value for key, value in given.items() if value is not None}
        found: int = self.control("POST", "journal/verify", expected)["count"]
        return found

    def faults(self, *rules: Rule) -> List[Rule]:
        """Makes requests fail by these rules alone; without any, only tells how often each rule has fired.

        A rule is like ``{"method": "POST", "path": "/clients", "times": 2, "answer": {"status": 503}}``.
        """
        __tracebackhide__ = True
        said = self.control("PUT", "faults", {"rules": rules}) if rules else self.control("GET", "faults")
        found: List[Rule] = said["rules"]
        return found

    def clear_faults(self) -> None:
        """Lets all requests through again."""
        self.control("DELETE", "faults")

    def throttle(self, on: bool = True) -> None:
        """Switches the service's own limit on or off: 100 calls in 15 seconds."""
        self.control("PUT", "throttle", {"on": on})

    def as_person(self, id: Optional[int]) -> None:
        """Lets every call of the API act as this person, with no more rights than theirs, until a reset.

        The program under test needs no other credentials. ``None`` lets everybody act as who they are again. Raises
        ControlError where there is no such person.
        """
        __tracebackhide__ = True
        if id is None:
            self.control("DELETE", "person")
        else:
            self.control("PUT", "person", {"id": id})

    def state(self) -> Dict[str, Any]:
        """How many records there are of each kind, and how everything is set."""
        state: Dict[str, Any] = self.control("GET", "state")
        return state


def _bytes(document: Document) -> bytes:
    if isinstance(document, str):
        return document.encode()
    if isinstance(document, bytes):
        return document
    with open(document, "rb") as file:
        return file.read()
