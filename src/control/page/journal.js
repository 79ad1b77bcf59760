// The journal: asked for what is new, again and again, by a call that waits for it.

import { confirmed, count, find, json, make, on } from "./common.js";

const SHOWN = 200;
const WAIT = 20;

const list = find("journal-list");
let entries = [];
/** How far the journal is known; not at all at first. */
let extent = null;
let rows = new Map();

export function start(changed) {
  for (const id of ["journal-method", "journal-status", "journal-path"]) {
    find(id).addEventListener("input", show);
  }
  on(find("journal-clear"), "click", async () => {
    if (await confirmed("Clear the journal?", "All entries go; records, faults and clock stay.", "Clear")) {
      take(await json("DELETE", "journal"));
    }
  });
  return async function follow() {
    const known = extent;
    const from = known ? `&after=${known.last}&wait=${WAIT}` : "";
    const answer = await json("GET", `journal?limit=${SHOWN}${from}`);
    // While it waited, the journal may have been cleared from here.
    if (extent === known) take(answer);
    changed(answer.entries);
  };
}

/** For a server that has started anew, whose journal counts from 1 again. */
export function restart() {
  extent = null;
  entries = [];
  rows = new Map();
}

function take(answer) {
  if (extent && (answer.cleared !== extent.cleared || answer.last < extent.last)) restart();
  extent = { last: answer.last, cleared: answer.cleared };
  entries = [...entries, ...answer.entries].slice(-SHOWN);
  show();
}

function fits({ method, path, query, status, fault }) {
  const wanted = find("journal-method").value;
  const kind = find("journal-status").value;
  const part = find("journal-path").value.trim();
  return (
    (!wanted || method === wanted) &&
    (!kind || (kind === "fault" ? fault !== null : `${status}`.startsWith(kind))) &&
    target({ path, query }).includes(part)
  );
}

const target = ({ path, query }) => (query === null ? path : `${path}?${query}`);

function show() {
  if (!extent) return;
  const fitting = entries.filter(fits).reverse();
  const kept = new Map();
  fitting.forEach((entry, at) => {
    const row = rows.get(entry.number) ?? line(entry);
    kept.set(entry.number, row);
    // Rows that stand where they belong are not touched: one may be open, or have the focus.
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
  while (list.children.length > fitting.length) list.lastElementChild.remove();
  rows = kept;
  const narrowed = fitting.length < entries.length ? `${fitting.length.toLocaleString("en")} of ` : "";
  const all = entries.length < extent.last ? `the newest ${count(entries.length, "request")} of ${extent.last.toLocaleString("en")}` : count(entries.length, "request");
  find("journal-count").textContent = narrowed + all;
  find("journal-clear").disabled = extent.last === 0;
  const empty = find("journal-empty");
  empty.hidden = fitting.length > 0;
  empty.textContent =
    entries.length > 0
      ? "No request fits these filters."
      : `No requests yet. Send one, and it shows here: curl ${location.origin}/clients`;
}

function kind(status) {
  if (status === null) return "bad";
  return status < 400 ? "good" : status < 500 ? "warn" : "bad";
}

function line(entry) {
  const { number, method, status, duration_ms: took, fault } = entry;
  const summary = make(
    "summary",
    {},
    make("span", { class: "number" }, `${number}`),
    make("span", { class: "method" }, method),
    make("span", { class: "path" }, target(entry)),
    make("span", { class: `status ${kind(status)}` }, status === null ? "dropped" : `${status}`),
    make("span", { class: "took" }, fault === null ? `${took.toFixed(1)} ms` : `fault: ${fault}`),
  );
  const details = make("details", {}, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(opened(entry));
  });
  return make("li", {}, details);
}

/// JSON with a member or an element a line; its values are left as they were written. What is not JSON stays as it is.
function indented(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = "";
  let depth = 0;
  let before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const token of text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opens = before === "{" || before === "[";
    if (before === "," || opens !== closes) out += line();
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return out;
}

function opened(entry) {
  const facts = make("dl", { class: "facts" });
  const fact = (name, value) => facts.append(make("dt", {}, name), make("dd", {}, value));
  fact("Time", entry.time);
  fact("Route", entry.route ?? "none: the path leads nowhere");
  if (entry.fault !== null) fact("Fault", entry.fault);
  fact("Duration", `${entry.duration_ms} ms`);
  const headers = Object.entries(entry.headers).map(([name, value]) => `${name}: ${value}`);
  const body = entry.body ?? entry.body_base64 ?? "";
  const parts = [facts, make("h3", {}, "Headers"), make("pre", { tabindex: "0" }, headers.join("\n") || "none")];
  if (body !== "") {
    const how = entry.body === null ? ", no UTF-8, in Base64" : "";
    parts.push(make("h3", {}, `Body, ${count(entry.body_bytes, "byte")}${how}`), make("pre", { tabindex: "0" }, indented(body)));
  } else {
    parts.push(make("p", { class: "quiet" }, entry.body_bytes ? `A body of ${count(entry.body_bytes, "byte")} that is not kept.` : "No body."));
  }
  return make("div", { class: "opened" }, ...parts);
}
