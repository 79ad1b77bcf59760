"""The loads: wrk, and a kill in the midst of creates."""

import concurrent.futures
import contextlib
import http.client
import json
import subprocess
import time

from install import run, say
from servers import Server

CLIENTS = 1_000
CONNECTIONS = 16
LOADS = ["get one", "list all", "create one"]

RESULT = """
done = function(summary)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("result %d %d %d\\n", summary.requests, summary.duration, failed))
end
"""


def write_scripts(peer, folder):
    get_one = f"""
local requests, at = {{}}, 0
init = function()
  for id = 1, {CLIENTS} do requests[id] = wrk.format("GET", "/clients/" .. id) end
end
request = function()
  at = (at + 373) % {CLIENTS}
  return requests[at + 1]
end
"""
    # What JSON makes of a text is the same text to Lua.
    list_all = 'wrk.path = "/clients"\n'
    create_one = f"""
wrk.method, wrk.path = "POST", "/clients"
wrk.headers["Content-Type"] = "{peer.content_type}"
wrk.body = {json.dumps(peer.body("SuprCorp"))}
"""
    for load, script in zip(LOADS, [get_one, list_all, create_one]):
        (folder / f"{peer.name} {load}.lua").write_text(script + RESULT)


def load_rate(server, load, seconds, folder):
    """Requests answered a second."""
    script = folder / f"{server.peer.name} {load}.lua"
    options = ["--threads", 1, "--connections", CONNECTIONS, "--duration", f"{seconds}s", "--timeout", "20s"]
    output = run("wrk", *options, "--script", script, f"http://127.0.0.1:{server.port}", stdout=subprocess.PIPE).stdout
    result = next(line for line in output.splitlines() if line.startswith("result "))
    answered, microseconds, failed = (int(number) for number in result.split()[1:])
    if failed:
        say(f"{server.peer.name}, {load}: {failed} of {answered} requests failed")
    return (answered - failed) / microseconds * 1e6


def lost_in_a_kill(peer, folder):
    """Creates that were answered with 201 and are gone after a kill in their midst, and how many were answered."""
    server = Server(peer, folder)
    created = []

    def create(thread):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(1_000_000):
                name = f"Kept {thread} {number}"
                connection.request("POST", "/clients", peer.body(name), {"Content-Type": peer.content_type})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    created.append(name)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        for thread in range(8):
            threads.submit(create, thread)
        time.sleep(1)
        server.kill()
    with Server(peer, folder, server.data) as again:
        kept = {client["name"] for client in again.records("/clients")}
    return sum(name not in kept for name in created), len(created)
