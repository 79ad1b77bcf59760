// What the parts of the page share: elements, calls of the control paths, and how their failures are told.

export const find = (id) => document.getElementById(id);

/** Makes an element; strings among the children become text, whatever they hold. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }
  element.append(...children);
  return element;
}

/** Why a call did not succeed, in words for the page. */
export class Failure extends Error {
  constructor(message, hint = "", status = 0) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** Calls a control path, and gives the answer's text. */
export async function call(method, path, body, signal) {
  let response;
  let text;
  try {
    // By the origin, since the page's own address may hold a password.
    response = await fetch(new URL(`/_clientstore/${path}`, location.origin), { method, body, signal, cache: "no-store" });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("The server does not answer.", "Start it again, or look at its log; this page goes on by itself.");
  }
  if (response.ok) return text;
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // An answer of something in between.
  }
  const at = told.at ? ` (at ${told.at})` : "";
  throw new Failure(`${told.message ?? `The server answered ${response.status}`}${at}.`, told.hint ?? "", response.status);
}

export async function json(method, path, value, signal) {
  return JSON.parse(await call(method, path, value === undefined ? undefined : JSON.stringify(value), signal));
}

export function tell(failure) {
  find("alert-message").textContent = failure.message;
  find("alert-hint").textContent = failure.hint ?? "";
  find("alert").hidden = false;
}

export function untell() {
  find("alert").hidden = true;
}

/** Lets a control do something that may fail. */
export function on(element, event, run) {
  element.addEventListener(event, async (happened) => {
    if (event === "submit") happened.preventDefault();
    untell();
    try {
      await run(happened);
    } catch (failure) {
      tell(failure);
    }
  });
}

/** Asks before something is lost. */
export function confirmed(title, text, yes) {
  const dialog = find("confirm");
  find("confirm-title").textContent = title;
  find("confirm-text").textContent = text;
  find("confirm-yes").textContent = yes;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
