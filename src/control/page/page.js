// The page at `/_clientstore/`. It is a client of the control paths, and goes on when the server is started anew.

import { count, find, json, on, tell, untell } from "./common.js";
import * as journal from "./journal.js";
import * as records from "./records.js";
import * as settings from "./settings.js";

const EVERY = 2000;
const RETRY = 1500;

let seen = "";
let isLost = false;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const showSettings = settings.start(refresh);
const follow = journal.start((entries) => {
  if (entries.some(({ method }) => method !== "GET" && method !== "HEAD")) {
    seen = "";
  }
  if (entries.length > 0) refresh().catch(lose);
});
records.start();
on(find("alert-close"), "click", untell);

/** Reads the state and shows it; the records only where they may have changed. */
async function refresh() {
  const state = await json("GET", "state");
  regain();
  const { clients, projects, invoices } = state.records;
  find("summary").textContent = `${count(clients, "client")}, ${count(projects, "project")}, ${count(invoices, "invoice")}; ${state.resettable ? "in memory" : "in a file"}`;
  records.counted(state.records);
  const now = JSON.stringify([state.records, state.next_ids, state.journal.cleared]);
  if (now !== seen) {
    seen = now;
    await records.show();
  }
  await showSettings(state);
}

function lose(failure) {
  if (failure.status === 0) {
    isLost = true;
    find("connection").textContent = "lost";
    find("connection").className = "pill bad";
  }
  tell(failure);
}

function regain() {
  if (isLost) {
    // Perhaps it is another server: everything is read anew.
    isLost = false;
    seen = "";
    journal.restart();
    untell();
  }
  find("connection").textContent = "live";
  find("connection").className = "pill good";
}

async function repeat(run, pause) {
  for (;;) {
    try {
      if (!document.hidden) await run();
      await sleep(document.hidden ? EVERY : pause);
    } catch (failure) {
      lose(failure);
      await sleep(RETRY);
    }
  }
}

json("GET", "health").then(({ version }) => (find("version").textContent = version), lose);
repeat(refresh, EVERY);
repeat(follow, 50);
