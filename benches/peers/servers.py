"""The servers that are compared: what each makes of the same records, and how it is started."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from install import CORES, HERE, run


class Peer:
    """A server, its data as it was before any load, and how it is started on a copy of that."""

    content_type = "application/json"

    def __init__(self, tools):
        self.tools = tools

    def body(self, name):
        return json.dumps({"name": name, "details": "1 Main Street\nSpringfield, MA 01101"})

    def records(self, body):
        """The records of a list or the one of a single answer, alike for all servers."""
        return json.loads(body)


class Clientstore(Peer):
    name = "clientstore"
    content_type = "application/xml"
    answers = "once the record is in the file and synced (`synchronous=FULL`); waiting creates share a sync"

    def prepare(self, data, _records):
        shutil.copy(self.tools / "clients.db", data / "clients.db")

    def command(self, data, port):
        # The service's own documents, which have all of a record.
        options = ["--listen", f"127.0.0.1:{port}", "--dialect", "live", "--quiet"]
        return [self.tools / "clientstore", "serve", data / "clients.db", *options]

    def body(self, name):
        return f"<client><name>{name}</name><details>1 Main Street\nSpringfield, MA 01101</details></client>"

    def records(self, body):
        root = ElementTree.fromstring(body)
        return record(root) if root.tag == "client" else [record(client) for client in root]


class JsonServer(Peer):
    name = "json-server"
    answers = "once the record is in memory; the whole file is written anew afterwards, and not synced"

    def prepare(self, data, records):
        (data / "db.json").write_text(json.dumps({"clients": records}, indent=2))

    def command(self, data, port):
        program = self.tools / "json-server/node_modules/json-server/lib/cli/bin.js"
        return ["node", program, "--quiet", "--host", "127.0.0.1", "--port", port, data / "db.json"]


class Flask(Peer):
    name = "Flask"
    answers = "once the record is in the file and synced (SQLite's default, with a log)"

    def prepare(self, data, records):
        script = "import flask_app, json, sys; flask_app.fill(sys.argv[1], json.load(sys.stdin))"
        run(self.tools / "flask/bin/python", "-c", script, data / "clients.db", input=json.dumps(records), cwd=HERE)

    def command(self, data, port):
        # As many workers as gunicorn's documentation advises; threads, because without them it closes every connection.
        workers = ["--workers", 2 * CORES + 1, "--worker-class", "gthread", "--threads", 4]
        quiet = ["--log-level", "warning", "--no-control-socket"]
        place = ["--chdir", HERE, "--env", f"DATABASE={data / 'clients.db'}", "--bind", f"127.0.0.1:{port}"]
        return [self.tools / "flask/bin/python", "-m", "gunicorn", *workers, *quiet, *place, "flask_app:app"]


def record(client):
    """A client's element as what JSON has for it."""

    def value(element):
        if element.get("nil") == "true":
            return None
        text = element.text or ""
        return {"integer": int, "boolean": "true".__eq__}.get(element.get("type"), str)(text)

    return {element.tag.replace("-", "_"): value(element) for element in client}


class Server:
    """A process, or a few, started on a copy of a peer's data; gone at the end."""

    def __init__(self, peer, folder, data=None):
        self.peer = peer
        self.data = data or folder / f"{peer.name}-{time.monotonic_ns()}"
        if data is None:
            shutil.copytree(folder / peer.name, self.data)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [str(part) for part in peer.command(self.data, self.port)]
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        self.start_up = self.first_answer(started) - started

    def first_answer(self, started):
        while True:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/clients/1")[0] == 200:
                    return time.monotonic()
            if self.process.poll() is not None or time.monotonic() - started > 30:
                self.kill()
                raise SystemExit(f"{self.peer.name} does not answer")
            time.sleep(0.001)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": self.peer.content_type} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def records(self, path):
        return self.peer.records(self.ask("GET", path)[1])

    def memory(self):
        """Resident, in MB; a page that several of its processes share counts once."""
        pids, found = [self.process.pid], 0
        for pid in pids:
            children = Path(f"/proc/{pid}/task").glob("*/children")
            pids += [int(child) for list in children for child in list.read_text().split()]
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            found += next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
        return found / 1e6

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.kill()
        shutil.rmtree(self.data)
