// Snapshots, clock, throttle and faults: how the server is set, and how it is set otherwise.

import { call, confirmed, count, find, json, make, on } from "./common.js";

let clock = { now: "", frozen: false };
let throttle = { on: false };
let known = { snapshots: "", faults: "" };
let hasTyped = false;

/** `again` reads the state, and shows all of it. */
export function start(again) {
  const does = (element, event, run) =>
    on(element, event, async (happened) => {
      await run(happened);
      await again();
    });
  does(find("reset"), "click", async () => {
    const text = "The records, the next ids and the clock are as they were when the server started; the journal and the faults go. Snapshots stay.";
    if (await confirmed("Reset to the start?", text, "Reset")) await call("POST", "reset");
  });
  does(find("snapshot-form"), "submit", async () => {
    await call("POST", `snapshots/${encodeURIComponent(find("snapshot-name").value.trim())}`);
    find("snapshot-name").value = "";
  });
  does(find("clock-freeze"), "click", () => json("PUT", "clock", { frozen: !clock.frozen }));
  does(find("clock-restart"), "click", () => call("DELETE", "clock"));
  for (const button of document.querySelectorAll("[data-advance]")) {
    does(button, "click", () => json("PUT", "clock", { advance_seconds: Number(button.dataset.advance) }));
  }
  does(find("clock-form"), "submit", async () => {
    await json("PUT", "clock", { now: find("clock-input").value.trim() });
    find("clock-input").value = "";
  });
  does(find("throttle-switch"), "click", () => json("PUT", "throttle", { on: !throttle.on }));
  does(find("faults-form"), "submit", async () => {
    // As it was typed, so that the server tells what is wrong with it.
    await call("PUT", "faults", `{"rules": ${find("faults-rules").value}}`);
    hasTyped = false;
  });
  does(find("faults-clear"), "click", async () => {
    await call("DELETE", "faults");
    hasTyped = false;
  });
  find("faults-rules").addEventListener("input", () => (hasTyped = true));
  for (const button of document.querySelectorAll("[data-example]")) {
    on(button, "click", () => {
      const text = find("faults-rules").value.trim().replace(/^\[|\]$/g, "").trim();
      find("faults-rules").value = `[\n${text ? `  ${text},\n` : ""}  ${button.dataset.example}\n]`;
      hasTyped = true;
    });
  }
  async function restore(name) {
    const text = "Records, next ids and clock are as they were in it; the journal and the faults go.";
    if (await confirmed(`Restore ${name}?`, text, "Restore")) await json("POST", "reset", { snapshot: name });
  }
  return async function show(state) {
    find("snapshots-memory").hidden = !state.resettable;
    find("snapshots-file").hidden = state.resettable;
    const { snapshots } = state.resettable ? await json("GET", "snapshots") : { snapshots: [] };
    if (JSON.stringify(snapshots) !== known.snapshots) {
      const rows = snapshots.map(({ name, bytes }) => {
        const button = make("button", { type: "button", "aria-label": `Restore ${name}` }, "Restore");
        does(button, "click", () => restore(name));
        return make("li", {}, make("span", { class: "name" }, name), make("span", { class: "quiet" }, size(bytes)), button);
      });
      find("snapshots-list").replaceChildren(...rows);
      find("snapshots-empty").hidden = rows.length > 0;
      known.snapshots = JSON.stringify(snapshots);
    }
    showClock(state.clock);
    showThrottle(state.throttle);
    showFaults((await json("GET", "faults")).rules);
  };
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3).toLocaleString("en")} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function showClock(set) {
  clock = set;
  find("clock-now").textContent = set.now.replace("T", " ").replace("Z", " UTC");
  find("clock-now").setAttribute("datetime", set.now);
  find("clock-frozen").textContent = set.frozen ? "stands still" : "runs";
  find("clock-freeze").textContent = set.frozen ? "Let it run" : "Freeze";
}

function showThrottle(set) {
  throttle = set;
  const { on, calls, max_calls: most, seconds, lockout_seconds: lockout } = set;
  find("throttle-calls").textContent = `${calls.toLocaleString("en")} of ${count(most, "call")} in ${seconds} s`;
  find("throttle-state").textContent = lockout > 0 ? `locked for ${lockout} s` : on ? "on" : "off";
  find("throttle-state").className = `pill ${lockout > 0 ? "bad" : on ? "good" : ""}`;
  find("throttle-says").textContent = on
    ? "What is more gets 503 with Retry-After, as from the real service."
    : "Calls are counted, and all of them are answered.";
  find("throttle-switch").textContent = on ? "Switch off" : "Switch on";
}

function showFaults(rules) {
  const now = JSON.stringify(rules);
  if (now === known.faults && hasTyped) return;
  if (now !== known.faults) {
    const rows = rules.map(({ matched, fired, ...rule }) =>
      make("li", {}, make("code", {}, JSON.stringify(rule)), make("span", { class: "quiet" }, `${count(matched, "request")} matched, ${fired.toLocaleString("en")} fired`)),
    );
    find("faults-list").replaceChildren(...rows);
    find("faults-empty").hidden = rows.length > 0;
    known.faults = now;
  }
  // What is being typed stays.
  if (!hasTyped && document.activeElement !== find("faults-rules")) {
    const lines = rules.map(({ matched, fired, ...rule }) => `  ${JSON.stringify(rule)}`);
    find("faults-rules").value = lines.length ? `[\n${lines.join(",\n")}\n]` : "[]";
  }
}
