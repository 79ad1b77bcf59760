// Tests of a program that speaks the classic Harvest API, against a fake of it.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { start } from "@clientstore/testing";

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

let harvest;

before(async () => {
  harvest = await start();
  await harvest.seed("<client><name>SuprCorp</name></client>");
  await harvest.snapshot("one-client");
});

beforeEach(() => harvest.reset("one-client"));

after(() => harvest?.stop());

test("a client is added beside those there are", async () => {
  assert.equal(await addClient(harvest.url, "<client><name>Company LLC</name></client>"), "/clients/2");

  await harvest.verify({ method: "POST", path: "/clients", body: { name: "Company LLC" }, count: 1 });
});

test("nothing is left of the test before", async () => {
  assert.equal(await addClient(harvest.url, "<client><name>Company LLC</name></client>"), "/clients/2");
  assert.equal((await harvest.state()).records.clients, 2);
});

test("a busy service is asked again", async () => {
  await harvest.faults({ method: "POST", times: 2, answer: { status: 503, headers: { "Retry-After": "0" } } });

  assert.equal(await addClient(harvest.url, "<client><name>Company LLC</name></client>"), "/clients/2");

  const statuses = (await harvest.journal({ method: "POST" })).map((entry) => entry.status);
  assert.deepEqual(statuses, [503, 503, 201]);
});
