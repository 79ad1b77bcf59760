// Tests of a program that speaks the classic Harvest API, against a fake of it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

// The program under test; yours stands elsewhere, and has the address of the API in its settings.
// It adds a client and returns where that is, and waits where the service is busy.
async function addClient(base, document) {
  for (;;) {
    const headers = { "Content-Type": "application/xml" };
    const answer = await fetch(`${base}/clients`, { method: "POST", headers, body: document });
    if (answer.status === 201) return answer.headers.get("Location");
    if (answer.status !== 503) throw new Error(`adding a client: status ${answer.status}`);
    await sleep(1000 * Number(answer.headers.get("Retry-After")));
  }
}

let server;
let url; // what the program under test is pointed at

// Calls a control path; fails the test with what the server says is wrong.
async function control(method, path, body) {
  const sent = typeof body === "object" ? JSON.stringify(body) : body;
  const answer = await fetch(`${url}/_clientstore/${path}`, { method, body: sent });
  const json = await answer.json();
  assert.ok(answer.ok, `${method} ${path}: ${json.message}`);
  return json;
}

before(async () => {
  const options = ["--memory", "--listen", "127.0.0.1:0", "--control", "--quiet"];
  server = spawn("clientstore", ["serve", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit").then(([status]) => assert.fail(`clientstore did not start: status ${status}`));
  const [said] = await Promise.race([once(createInterface(server.stdout), "line"), ended]);
  url = said.split(" ").at(-1); // listening on http://127.0.0.1:49152
  await control("GET", "health");
  await control("POST", "seed", "<client><name>SuprCorp</name></client>");
  await control("POST", "snapshots/one-client");
});

beforeEach(() => control("POST", "reset", { snapshot: "one-client" }));

after(async () => {
  if (server.kill()) await once(server, "exit");
});

test("a client is added beside those there are", async () => {
  assert.equal(await addClient(url, "<client><name>Company LLC</name></client>"), "/clients/2");

  const answer = await fetch(`${url}/clients/2`);
  assert.match(await answer.text(), /<name>Company LLC<\/name>/);
  await control("POST", "journal/verify", { method: "POST", path: "/clients", count: 1 });
});

test("nothing is left of the test before", async () => {
  assert.equal(await addClient(url, "<client><name>Company LLC</name></client>"), "/clients/2");
  assert.equal((await control("GET", "state")).records.clients, 2);
});

test("a busy service is asked again", async () => {
  const busy = { status: 503, headers: { "Retry-After": "0" } };
  await control("PUT", "faults", { rules: [{ method: "POST", times: 2, answer: busy }] });

  assert.equal(await addClient(url, "<client><name>Company LLC</name></client>"), "/clients/2");

  await control("POST", "journal/verify", { method: "POST", body: { name: "Company LLC" }, count: 3 });
});
