// Runs that are parallel, that are killed, that forget to stop, and installations that are not whole.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(import.meta.url);
const PACKAGE = path.dirname(require.resolve("@clientstore/testing/package.json"));

// A suite that says which server it has; `then` is what its test does after that.
const suite = (then) => `
  import { writeFileSync } from "node:fs";
  import { before, after, test } from "node:test";
  import { start } from "@clientstore/testing";
  let server;
  before(async () => {
    server = await start();
    writeFileSync(server.pid + ".server", "");
  });
  test("one", async () => { ${then} });
  ${then.includes("forget") ? "" : "after(() => server.stop());"}
`;

let folder;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "clientstore-"));
  await mkdir(path.join(folder, "node_modules/@clientstore"), { recursive: true });
  await symlink(PACKAGE, path.join(folder, "node_modules/@clientstore/testing"));
});
afterEach(() => rm(folder, { recursive: true }));

const add = (name, text) => writeFile(path.join(folder, name), text);

async function servers() {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith(".server")).map((name) => parseInt(name));
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until something holds, with a limit that no machine is too slow for. */
async function until(what, holds) {
  const begun = Date.now();
  while (!(await holds())) {
    assert.ok(Date.now() - begun < 60_000, what);
    await sleep(5);
  }
}

// What the runner of this test tells its own children in the environment is not for these.
const env = { ...process.env };
delete env.NODE_TEST_CONTEXT;

const nodeWith = (env, ...words) => spawnSync(process.execPath, words, { cwd: folder, env, encoding: "utf8" });
const node = (...words) => nodeWith(env, ...words);

test("files that run at the same time have a server each, and leave none", async () => {
  const names = ["a.test.mjs", "b.test.mjs", "c.test.mjs"];
  for (const name of names) await add(name, suite("await server.reset();"));
  const { status, stdout } = node("--test", ...names);
  assert.equal(status, 0, stdout);
  assert.equal((await servers()).length, 3);
  for (const pid of await servers()) await until("it is gone", () => !isRunning(pid));
});

test("a runner that is killed leaves no server", async () => {
  await add("a.test.mjs", suite("await new Promise((resolve) => setTimeout(resolve, 600_000));"));
  const runner = spawn(process.execPath, ["a.test.mjs"], { cwd: folder, env, stdio: "ignore" });
  await until("the suite runs", async () => (await servers()).length === 1);
  const [pid] = await servers();
  assert.ok(isRunning(pid));
  runner.kill("SIGKILL");
  await until("it is gone", () => !isRunning(pid));
});

test("a server that nobody stops keeps no runner from its end, and ends with it", async () => {
  await add("a.mjs", `import { start } from "@clientstore/testing"; console.log((await start()).pid);`);
  const { status, stdout } = node("a.mjs");
  assert.equal(status, 0);
  await until("it is gone", () => !isRunning(parseInt(stdout)));
});

test("where the optional dependency is left out, the error says what to do", async () => {
  await rm(path.join(folder, "node_modules/@clientstore/testing"));
  await cp(PACKAGE, path.join(folder, "node_modules/@clientstore/testing"), { recursive: true });
  const without = (...words) => nodeWith({ ...env, PATH: "" }, ...words);
  for (const words of [
    ["--input-type=module", "-e", `import { start } from "@clientstore/testing"; await start();`],
    ["node_modules/@clientstore/testing/bin.cjs", "--version"],
  ]) {
    const { status, stderr } = without(...words);
    assert.equal(status, 1);
    assert.match(stderr, /optional dependency of @clientstore\/testing: install again without --omit=optional/);
  }
  const other = `Object.defineProperty(process, "arch", { value: "mips" }); require("@clientstore/testing").program();`;
  assert.match(without("-e", other).stderr, /there is no program for linux-mips, only for linux-x64/);
});

test("npx runs the program, and gives its status", () => {
  assert.match(node(path.join(PACKAGE, "bin.cjs"), "--version").stdout, /^clientstore /);
  assert.equal(node(path.join(PACKAGE, "bin.cjs"), "no-such-command").status, 2);
});
