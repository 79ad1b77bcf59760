// The classic Harvest time-tracking API as a fake backend for tests. README.md has whole suites, index.d.cts what each
// function takes and gives.
"use strict";

const { AssertionError } = require("node:assert");
const { spawn } = require("node:child_process");
const { accessSync, constants } = require("node:fs");
const { readFile } = require("node:fs/promises");
const http = require("node:http");
const path = require("node:path");

/** The platforms that a package with the program is made for. */
const PLATFORMS = Object.keys(require("./package.json").optionalDependencies).map((name) => name.split("/")[1]);

/** How long a server may take to stop before it is killed, in milliseconds. */
const PATIENCE = 10_000;

class StartError extends Error {
  name = "StartError";
}

class ControlError extends Error {
  name = "ControlError";
  constructor({ message, at, hint }) {
    const place = at && !message.startsWith(at) ? `${at}: ` : "";
    super(place + message + (hint ? `\n${hint}` : ""));
    this.at = at;
    this.hint = hint;
  }
}

class VerifyError extends AssertionError {
  constructor(message) {
    super({ message });
  }
}

/** Where the program is: in the package for this platform, or else on the path. */
function program() {
  const platform = `${process.platform}-${process.arch}`;
  const name = process.platform === "win32" ? "clientstore.exe" : "clientstore";
  if (PLATFORMS.includes(platform)) {
    try {
      return require.resolve(`@clientstore/${platform}/${name}`);
    } catch {
      // told below, where it is nowhere else either
    }
  }
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(folder, name);
    // A package manager's own folder has what runs this function.
    if (path.isAbsolute(folder) && !folder.endsWith(path.join("node_modules", ".bin")) && isProgram(file)) return file;
  }
  throw new StartError(
    PLATFORMS.includes(platform)
      ? `the package @clientstore/${platform}, which has the program, is not installed. It is an optional dependency of ` +
          "@clientstore/testing: install again without --omit=optional or --no-optional, on the machine that runs the " +
          "tests, or put clientstore on the path"
      : `there is no program for ${platform}, only for ${PLATFORMS.join(", ")}; put clientstore on the path`,
  );
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a server; it is ready when the promise is fulfilled. */
async function start(...options) {
  const own = ["--memory", "--listen", "127.0.0.1:0", "--control", "--quiet", "--exit-on-stdin-end"];
  if (process.platform !== "win32") own.push("--exit-with-parent");
  // Variables for the program under test must not change the server.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CLIENTSTORE_")));
  const child = spawn(program(), ["serve", ...own, ...options], { stdio: ["pipe", "pipe", "inherit"], env });
  const said = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.split("\n")[0]); // listening on http://127.0.0.1:49152
    });
    child.once("error", (error) => reject(new StartError(`cannot start clientstore: ${error.message}`)));
    child.once("exit", (status) =>
      reject(new StartError(`clientstore ended with status ${status}; what it said is on standard error`)),
    );
  });
  // A server that nobody stopped keeps no runner from its end, and ends with it.
  for (const held of [child, child.stdin, child.stdout]) held.unref();
  const server = new Server(child, said.split(" ").at(-1));
  try {
    await server.control("GET", "health");
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Clock {
  #control;
  constructor(control) {
    this.#control = control;
  }
  now() {
    return this.#told("GET");
  }
  set(now) {
    return this.#told("PUT", { now: text(now) });
  }
  freeze(now) {
    return this.#told("PUT", now === undefined ? { frozen: true } : { now: text(now), frozen: true });
  }
  resume() {
    return this.#told("PUT", { frozen: false });
  }
  advance(seconds) {
    return this.#told("PUT", { advance_seconds: seconds });
  }
  reset() {
    return this.#told("DELETE");
  }
  async #told(method, body) {
    return new Date((await this.#control(method, "clock", body)).now);
  }
}

const text = (now) => (now instanceof Date ? `${now.toISOString().slice(0, 19)}Z` : now);

class Server {
  #child;
  #ended;
  #agent = new http.Agent({ keepAlive: true });

  constructor(child, url) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("exit", resolve));
    this.url = url;
    this.pid = child.pid;
    this.clock = new Clock((...call) => this.control(...call));
  }

  async control(method, path, body) {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    const { status, said } = await this.#exchange(method, path, isRaw ? body : JSON.stringify(body));
    if (status < 300) return said;
    throw "verified" in said ? new VerifyError(said.message) : new ControlError(said);
  }

  reset(snapshot) {
    return this.control("POST", "reset", snapshot === undefined ? {} : { snapshot });
  }

  async snapshot(name) {
    await this.control("POST", `snapshots/${name}`);
  }

  async seed(...documents) {
    let records = 0;
    for (const document of documents) {
      const read = document instanceof URL ? await readFile(document) : document;
      records += (await this.control("POST", "seed", read)).records;
    }
    return records;
  }

  async journal(query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    return (await this.control("GET", `journal?${new URLSearchParams(given)}`)).entries;
  }

  async verify(expected = {}) {
    return (await this.control("POST", "journal/verify", expected)).count;
  }

  async faults(...rules) {
    const call = rules.length > 0 ? ["PUT", "faults", { rules }] : ["GET", "faults"];
    return (await this.control(...call)).rules;
  }

  async clearFaults() {
    await this.control("DELETE", "faults");
  }

  async throttle(on = true) {
    await this.control("PUT", "throttle", { on });
  }

  async asPerson(id) {
    await (id === null ? this.control("DELETE", "person") : this.control("PUT", "person", { id }));
  }

  state() {
    return this.control("GET", "state");
  }

  async stop() {
    this.#agent.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.ref();
    this.#child.kill();
    const killing = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    await this.#ended;
    clearTimeout(killing);
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.stop();
  }

  /** One call over a connection that is kept; a proxy is never asked, since the server is on this machine. */
  #exchange(method, path, body, again = false) {
    return new Promise((resolve, reject) => {
      const headers = { "Content-Length": Buffer.byteLength(body ?? "") };
      const request = http.request(`${this.url}/_clientstore/${path}`, { method, agent: this.#agent, headers });
      request.once("response", (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.once("error", reject);
        answer.once("end", () => {
          const status = answer.statusCode;
          try {
            resolve({ status, said: JSON.parse(Buffer.concat(parts).toString()) });
          } catch {
            reject(new ControlError({ message: `${method} ${path}: no control path answered, status ${status}` }));
          }
        });
      });
      request.once("error", (error) => {
        // The server closed a connection that was idle just when it was to be used again.
        const isStale = request.reusedSocket && error.code === "ECONNRESET" && !again;
        if (isStale) resolve(this.#exchange(method, path, body, true));
        else reject(error);
      });
      request.end(body);
    });
  }
}

module.exports = { ControlError, Server, StartError, VerifyError, program, start };
