// The records, read by the control path that leaves no trace in the journal, as the API's own documents.

import { call, count, find, make, on, tell } from "./common.js";

const PAGE = 50;

const KINDS = [
  { name: "clients", title: "Clients", columns: ["id", "name", "active", "currency", "updated-at"], label: "name" },
  {
    name: "projects",
    title: "Projects",
    columns: ["id", "name", "client-id", "code", "active", "billable", "updated-at"],
    label: "name",
  },
  {
    name: "invoices",
    title: "Invoices",
    columns: ["id", "number", "client-id", "subject", "state", "amount", "due-amount", "issued-at"],
    label: "number",
    children: ["messages", "payments"],
  },
  { name: "invoice_item_categories", title: "Item categories", columns: ["id", "name", "use-as-service", "use-as-expense"], label: "name" },
  {
    name: "tasks",
    title: "Tasks",
    columns: ["id", "name", "billable-by-default", "is-default", "default-hourly-rate", "deactivated", "updated-at"],
    label: "name",
  },
  {
    name: "people",
    title: "People",
    columns: ["id", "email", "first-name", "last-name", "is-active", "is-admin", "is-project-manager", "updated-at"],
    label: "email",
  },
  {
    name: "contacts",
    title: "Contacts",
    columns: ["id", "client-id", "first-name", "last-name", "email", "phone-office", "title", "updated-at"],
    label: "last-name",
  },
  {
    name: "expense_categories",
    title: "Expense categories",
    columns: ["id", "name", "unit-name", "unit-price", "deactivated", "updated-at"],
    label: "name",
  },
];

const EMPTY = {
  clients: "No clients yet. Make one: curl ORIGIN/clients -d '<client><name>SuprCorp</name></client>', or load documents with --seed.",
  projects: "No projects yet. Make one: curl ORIGIN/projects -d '<project><client-id>1</client-id><name>Website</name></project>'",
  invoices: "No invoices yet. Make one: curl ORIGIN/invoices -d '<invoice><client-id>1</client-id><subject>March</subject></invoice>'",
  invoice_item_categories: "No item categories.",
  tasks: "No tasks.",
  people: "No people.",
  contacts: "No contacts yet. Make one: curl ORIGIN/contacts -d '<contact><client-id>1</client-id><first-name>Jo</first-name><last-name>Doe</last-name></contact>'",
  expense_categories: "No expense categories.",
};

let kind = KINDS[0];
let skip = 0;
let counts = {};
let latest = 0;

export function start() {
  for (const each of KINDS) {
    const button = make("button", { type: "button", "aria-pressed": `${each === kind}` }, each.title, " ", make("span", { class: "count" }, ""));
    each.button = button;
    find("records-kinds").append(button);
    on(button, "click", async () => {
      kind = each;
      skip = 0;
      for (const { button } of KINDS) button.setAttribute("aria-pressed", `${button === each.button}`);
      find("records-scroll").scrollLeft = 0;
      await show();
    });
  }
  on(find("records-refresh"), "click", show);
  on(find("records-previous"), "click", () => turn(-PAGE));
  on(find("records-next"), "click", () => turn(PAGE));
  on(find("detail-close"), "click", () => find("detail").close());
}

async function turn(by) {
  skip = Math.max(0, skip + by);
  await show();
}

export function counted(records) {
  counts = records;
  for (const { name, button } of KINDS) {
    button.querySelector(".count").textContent = (records[name] ?? 0).toLocaleString("en");
  }
}

async function read(path) {
  const parsed = new DOMParser().parseFromString(await call("GET", `records/${path}`), "application/xml");
  if (parsed.querySelector("parsererror")) throw new Error("The document cannot be read.");
  return parsed.documentElement;
}

/** The fields of a record's element, by name, null where they are nil. */
function fields(element) {
  return new Map(
    [...element.children].map((field) => [
      field.localName.replaceAll("_", "-"),
      field.getAttribute("nil") === "true" ? null : field.textContent,
    ]),
  );
}

/** Shows the page of records that is chosen, as it is now. */
export async function show() {
  const mine = ++latest;
  const list = await read(`${kind.name}?skip=${skip}&limit=${PAGE}`);
  // Another one was chosen meanwhile.
  if (mine !== latest) return;
  const records = [...list.children].map(fields);
  const total = Math.max(counts[kind.name] ?? 0, skip + records.length);
  if (records.length === 0 && skip > 0) {
    skip = Math.max(0, Math.floor((total - 1) / PAGE) * PAGE);
    if (total <= skip) skip = 0;
    return show();
  }
  const head = kind.columns.map((column) => make("th", { scope: "col" }, column.replaceAll("-", " ")));
  find("records-head").replaceChildren(...head);
  const focused = document.activeElement?.dataset?.record;
  find("records-body").replaceChildren(...records.map(row));
  // What had the focus is another element now.
  if (focused) find("records-body").querySelector(`[data-record="${focused}"]`)?.focus();
  find("records-scroll").hidden = records.length === 0;
  find("records-empty").hidden = records.length > 0;
  find("records-empty").textContent = EMPTY[kind.name].replaceAll("ORIGIN", location.origin);
  find("records-pages").hidden = total <= PAGE;
  find("records-previous").disabled = skip === 0;
  find("records-next").disabled = skip + records.length >= total;
  find("records-range").textContent = `${(skip + 1).toLocaleString("en")}–${(skip + records.length).toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

function row(record) {
  const cells = kind.columns.map((column) => {
    const value = record.get(column);
    const shown = value ?? "–";
    if (column === kind.label) {
      const id = record.get("id");
      const button = make("button", { type: "button", class: "link", "data-record": `${kind.name}-${id}` }, shown || `(no ${column})`);
      const { name, children } = kind;
      on(button, "click", () => detail(name, id, children));
      return make("td", { class: "text" }, button);
    }
    if (value === "true" || value === "false") {
      return make("td", {}, make("span", { class: value === "true" ? "yes" : "no" }, value === "true" ? "yes" : "no"));
    }
    if (column === "subject") return make("td", { class: "text" }, shown);
    const isNumber = ["id", "client-id", "amount", "due-amount"].includes(column);
    // Short: the time is in UTC as everywhere, and the currency's code is the end of its name.
    const text = column === "updated-at" ? shown.replace("T", " ").replace("Z", "") : column === "currency" ? shown.split(" - ").at(-1) : shown;
    return make("td", { class: isNumber ? "digits" : "whole" }, text);
  });
  return make("tr", {}, ...cells);
}

async function detail(name, id, children = []) {
  const element = await read(`${name}/${id}`);
  find("detail-title").textContent = `/${name}/${id}`;
  const body = find("detail-body");
  body.replaceChildren(shown(fields(element)));
  const dialog = find("detail");
  dialog.showModal();
  dialog.scrollTop = 0;
  for (const child of children) {
    try {
      const list = await read(`${name}/${id}/${child}?limit=1000`);
      const records = [...list.children].map(fields);
      body.append(make("h3", {}, `${count(records.length, child.slice(0, -1))}`), ...records.map(shown));
    } catch (failure) {
      dialog.close();
      tell(failure);
    }
  }
}

function shown(record) {
  const list = make("dl", { class: "facts" });
  for (const [name, value] of record) {
    const text = value || make("span", { class: "none" }, value === null ? "nil" : "empty");
    list.append(make("dt", {}, name), make("dd", {}, text));
  }
  return list;
}
