// The same module for `require`.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { start, Server } = require("@clientstore/testing");

test("a server is started and stopped", async () => {
  const server = await start();
  assert.ok(server instanceof Server);
  assert.equal((await server.state()).records.clients, 0);
  await server.stop();
});

test("both kinds of module are one", async () => {
  const imported = await import("@clientstore/testing");
  assert.equal(imported.start, start);
  assert.equal(imported.Server, Server);
});
