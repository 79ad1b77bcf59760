#!/usr/bin/env node
// Runs the program: `npx clientstore serve`.
"use strict";

const { spawn } = require("node:child_process");
const { program } = require("./index.cjs");

let path;
try {
  path = program();
} catch (error) {
  console.error(`clientstore: ${error.message}`);
  process.exit(1);
}
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`clientstore: ${error.message}`);
  process.exit(1);
});
child.on("exit", (status, signal) => process.exit(status ?? (signal ? 1 : 0)));
