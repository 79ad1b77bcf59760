// The client, against the server itself.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { ControlError, StartError, VerifyError, program, start } from "@clientstore/testing";

const SUPR = "<client><name>SuprCorp</name></client>";

let server;
before(async () => (server = await start()));
beforeEach(() => server.reset());
after(() => server.stop());

async function post(url = server.url) {
  const headers = { "Content-Type": "application/xml" };
  const answer = await fetch(`${url}/clients`, { method: "POST", headers, body: SUPR });
  return [answer.status, answer.headers.get("Location")];
}

const get = async (url) => (await fetch(url)).text();

for (const turn of [1, 2]) {
  test(`each test finds an empty account, turn ${turn}`, async () => {
    assert.equal((await server.state()).records.clients, 0);
    assert.deepEqual([await server.journal(), await server.faults()], [[], []]);
    await server.faults({ nth: 2, drop: "request" });
    await server.clock.freeze("2012-03-01T00:00:00Z");
    assert.deepEqual(await post(), [201, "/clients/1"]);
  });
}

test("documents are seeded from text, bytes and files", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "clientstore-"));
  const file = path.join(folder, "clients.xml");
  await writeFile(file, `<clients>${SUPR}${SUPR}</clients>`);
  assert.equal(await server.seed(SUPR, Buffer.from(SUPR), pathToFileURL(file)), 4);
  assert.equal((await server.state()).records.clients, 4);
  await rm(folder, { recursive: true });
});

test("a document that is refused is told with its place", async () => {
  const refused = server.seed("<client><name>A</name><active>perhaps</active></client>");
  await assert.rejects(refused, (error) => {
    assert.match(error.message, /^line 1: active "perhaps" is not a boolean/);
    return error instanceof ControlError && error.at === "line 1" && error.hint.length > 0;
  });
});

test("the journal has the requests that are asked for", async () => {
  await post();
  await get(`${server.url}/clients?updated_since=2009-12-31`);
  await get(`${server.url}/clients/1`);
  assert.deepEqual((await server.journal()).map((entry) => entry.method), ["POST", "GET", "GET"]);
  const [entry] = await server.journal({ method: "GET", path: "/clients", status: undefined });
  assert.deepEqual([entry.query, entry.status], ["updated_since=2009-12-31", 200]);
  assert.equal((await server.journal({ after: 1, limit: 5 })).length, 2);
});

test("verify counts, and tells what came nearest", async () => {
  await post();
  assert.equal(await server.verify({ method: "POST", path: "/clients", body: { name: "SuprCorp" }, count: 1 }), 1);
  assert.equal(await server.verify({ method: "DELETE", count: 0 }), 0);
  await assert.rejects(server.verify({ method: "POST", body: { name: "Company LLC" } }), (error) => {
    assert.match(error.message, /expected "Company LLC", found "SuprCorp"/);
    return error instanceof VerifyError && error instanceof assert.AssertionError;
  });
});

test("faults fire and count and are removed", async () => {
  const answer = { status: 503, headers: { "Retry-After": "0" } };
  await server.faults({ method: "POST", times: 1, answer });
  assert.deepEqual([(await post())[0], (await post())[0]], [503, 201]);
  assert.equal((await server.faults())[0].fired, 1);
  await server.faults({ answer: { status: 500 } });
  await server.clearFaults();
  assert.equal((await post())[0], 201);
});

test("the clock is set, stopped and moved", async () => {
  assert.deepEqual(await server.clock.freeze("2012-03-01T00:00:00Z"), new Date("2012-03-01T00:00:00Z"));
  assert.deepEqual(await server.clock.advance(60), new Date("2012-03-01T00:01:00Z"));
  assert.deepEqual(await server.clock.set(new Date("2013-01-01T00:00:00.5Z")), new Date("2013-01-01T00:00:00Z"));
  assert.deepEqual(await server.clock.now(), new Date("2013-01-01T00:00:00Z"));
  await server.clock.resume();
  assert.ok((await server.clock.reset()).getUTCFullYear() > 2020);
});

test("a reset goes back to a snapshot", async () => {
  await server.seed(SUPR);
  await server.snapshot("one-client");
  await post();
  assert.equal((await server.reset("one-client")).records.clients, 1);
  assert.equal((await server.reset()).records.clients, 0);
});

test("every call acts as the person until another or a reset", async () => {
  await server.seed(
    "<user><email>jane@example.com</email><first-name>Jane</first-name><last-name>Doe</last-name></user>",
  );
  const seesInvoices = async () => (await fetch(`${server.url}/invoices`)).status;
  assert.equal(await seesInvoices(), 200);
  await server.asPerson(2);
  assert.equal(await seesInvoices(), 404, "a regular user sees no invoices");
  assert.match(await get(`${server.url}/account/who_am_i`), /<email>jane@example\.com</);
  await server.asPerson(null);
  assert.equal(await seesInvoices(), 200);
  await server.asPerson(2);
  await server.reset();
  assert.equal(await seesInvoices(), 200);
});

test("a person who is not there is told", async () => {
  await assert.rejects(server.asPerson(9), (error) => {
    assert.match(error.message, /There is no person 9/);
    return error instanceof ControlError && error.at === "id";
  });
});

test("the throttle is the service's", async () => {
  await server.throttle();
  assert.equal((await server.state()).throttle.on, true);
  await server.throttle(false);
  assert.equal((await server.state()).throttle.on, false);
});

test("a server of its own takes options, and is gone when it is stopped", async () => {
  const own = await start("--dialect", "live", "--deterministic", "7");
  assert.notEqual(own.url, server.url);
  assert.match(await get(`${own.url}/clients`), /^<\?xml/);
  assert.equal((await own.clock.now()).getUTCFullYear(), 2010);
  await own.stop();
  await assert.rejects(get(`${own.url}/clients`));
  await own.stop();
});

test("a connection that the server closed is opened again", async () => {
  const own = await start("--idle-timeout", "1");
  // The server drops what it no longer keeps for reuse; the control call after that must not notice.
  await sleep(1500);
  assert.equal((await own.state()).records.clients, 0);
  await own.stop();
});

test("a server that does not start is told", async () => {
  await assert.rejects(start("--no-such-option"), (error) => error instanceof StartError && /status 2/.test(error.message));
});

test("variables of the program under test do not change the server", async () => {
  Object.assign(process.env, { CLIENTSTORE_AUTH: "me:secret", CLIENTSTORE_DIALECT: "live" });
  const own = await start();
  delete process.env.CLIENTSTORE_AUTH;
  delete process.env.CLIENTSTORE_DIALECT;
  assert.match(await get(`${own.url}/clients`), /^<clients/);
  await own.stop();
});

test("the program itself can be run", () => {
  assert.match(spawnSync(program(), ["--version"]).stdout.toString(), /^clientstore /);
});
