//! The store as a plain model: maps of records, and every call of the API as the specification
//! describes it. Nothing of the product is used here.

use std::collections::BTreeMap;

use crate::op::{Call, Target};
use crate::read::{Given, flawed};
use crate::schema::Resource;
use crate::values::{moment_text, symbol};

#[derive(Clone, Debug)]
pub struct Record {
    resource: Resource,
    pub values: Vec<Option<String>>,
}

impl Record {
    pub fn new(resource: Resource) -> Self {
        let values = resource.elements().iter().map(|element| element.default.map(str::to_owned)).collect();
        Record { resource, values }
    }

    fn position(&self, name: &str) -> usize {
        self.resource.elements().iter().position(|element| element.name == name).unwrap_or_else(|| panic!("{name}"))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values[self.position(name)].as_deref()
    }

    /// A value that is never nil.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("{:?} has no {name}", self.resource))
    }

    pub fn is(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    pub fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap()
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Some(value.into()));
    }

    pub fn put(&mut self, name: &str, value: Option<String>) {
        let at = self.position(name);
        self.values[at] = value;
    }

    pub fn take(&mut self, given: &Given) {
        for (name, value) in &given.values {
            self.put(name, value.clone());
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Table {
    pub next: i64,
    pub records: BTreeMap<i64, Record>,
}

/// Why a call must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    NotFound,
    /// 400, whose Hint holds all of these.
    Bad(Vec<String>),
    /// 405 with the methods that the path takes.
    Method(&'static [&'static str]),
}

impl Reason {
    pub fn bad(said: &str) -> Self {
        Reason::Bad(vec![said.to_owned()])
    }
}

/// What the answer to a call must be.
#[derive(Clone, Debug)]
pub enum Expected {
    Document(String),
    Created(String),
    Changed(String),
    Deleted,
    /// Where there are several reasons, the specification does not say which comes first.
    Refused(Vec<Reason>),
}

pub type Outcome = Result<Expected, Vec<Reason>>;

pub struct Model {
    pub live: bool,
    /// Whether documents are asked for in JSON.
    pub json: bool,
    /// Seconds from 1970.
    pub now: i64,
    /// The client key of an invoice that is made now.
    pub key: String,
    tables: Vec<Table>,
    /// What was paid elsewhere for the invoices that came from a list and have no lines yet.
    pub elsewhere: BTreeMap<i64, i128>,
}

impl Model {
    pub fn new(live: bool, now: i64) -> Self {
        let tables = Resource::ALL.iter().map(|_| Table { next: 1, ..Table::default() }).collect();
        let mut model = Model { live, json: false, now, key: String::new(), tables, elsewhere: BTreeMap::new() };
        for (name, service, expense) in [("Service", true, false), ("Expense", false, true), ("Product", false, false)]
        {
            let mut record = Record::new(Resource::Categories);
            record.set("name", name);
            record.set("use-as-service", service.to_string());
            record.set("use-as-expense", expense.to_string());
            record.set("created-at", "2008-01-01T00:00:00Z");
            record.set("updated-at", "2008-01-01T00:00:00Z");
            model.insert(Resource::Categories, record);
        }
        for name in ["Admin", "Programming", "Project Management"] {
            let mut record = Record::new(Resource::Tasks);
            record.set("name", name);
            record.set("created-at", "2008-01-01T00:00:00Z");
            record.set("updated-at", "2008-01-01T00:00:00Z");
            model.insert(Resource::Tasks, record);
        }
        for (name, unit) in [("Lodging", None), ("Meals", None), ("Mileage", Some(("mile", "0.55"))), ("Other", None)] {
            let mut record = Record::new(Resource::ExpenseCategories);
            record.set("name", name);
            if let Some((name, price)) = unit {
                record.set("unit-name", name);
                record.set("unit-price", price);
            }
            record.set("created-at", "2008-01-01T00:00:00Z");
            record.set("updated-at", "2008-01-01T00:00:00Z");
            model.insert(Resource::ExpenseCategories, record);
        }
        let mut record = Record::new(Resource::People);
        let names =
            [("email", "admin@example.com"), ("first-name", "Admin"), ("last-name", "User"), ("is-admin", "true")];
        for (name, value) in names {
            record.set(name, value);
        }
        record.set("created-at", "2008-01-01T00:00:00Z");
        record.set("updated-at", "2008-01-01T00:00:00Z");
        model.insert(Resource::People, record);
        model
    }

    pub fn table(&self, resource: Resource) -> &Table {
        &self.tables[resource as usize]
    }

    pub fn table_mut(&mut self, resource: Resource) -> &mut Table {
        &mut self.tables[resource as usize]
    }

    pub fn find(&self, resource: Resource, id: i64) -> Option<&Record> {
        self.table(resource).records.get(&id)
    }

    pub fn now_text(&self) -> String {
        moment_text(self.now).unwrap()
    }

    /// The ids of the records that belong to another.
    pub fn of(&self, resource: Resource, column: &str, id: i64) -> Vec<i64> {
        let id = id.to_string();
        let records = self.table(resource).records.iter();
        records.filter(|(_, record)| record.get(column) == Some(&id)).map(|(id, _)| *id).collect()
    }

    pub fn lines_of(&self, invoice: i64) -> impl Iterator<Item = &Record> {
        let ids = self.of(Resource::Lines, "invoice-id", invoice);
        ids.into_iter().map(|id| &self.table(Resource::Lines).records[&id])
    }

    pub fn insert(&mut self, resource: Resource, mut record: Record) -> i64 {
        let table = self.table_mut(resource);
        let id = table.next;
        table.next += 1;
        record.set("id", id.to_string());
        table.records.insert(id, record);
        id
    }

    /// A new record with its defaults and what is given.
    pub fn made(&self, resource: Resource, given: &Given) -> Record {
        let mut record = Record::new(resource);
        if resource != Resource::Lines {
            record.set("created-at", self.now_text());
            record.set("updated-at", self.now_text());
        }
        let signed = match resource {
            Resource::Messages => Some(["sent-by", "sent-by-email"]),
            Resource::Payments => Some(["recorded-by", "recorded-by-email"]),
            _ => None,
        };
        // Person 1 acts; where another program took them away, the fields say nothing.
        if let Some([name, email]) = signed {
            let actor = self.find(Resource::People, 1);
            record.set(
                name,
                actor
                    .map_or(String::new(), |actor| format!("{} {}", actor.text("first-name"), actor.text("last-name"))),
            );
            record.set(email, actor.map_or("", |actor| actor.text("email")));
        }
        record.take(given);
        record
    }

    /// Counts a write to a record.
    pub fn touch(&mut self, resource: Resource, id: i64) -> &mut Record {
        let now = self.now_text();
        let record = self.table_mut(resource).records.get_mut(&id).unwrap();
        let count = record.number(resource.version()) + 1;
        record.set(resource.version(), count.to_string());
        record.set("updated-at", now);
        record
    }

    pub fn apply(&mut self, call: &Call) -> Expected {
        self.json = call.asks_for_json();
        self.called(call).unwrap_or_else(Expected::Refused)
    }

    fn called(&mut self, call: &Call) -> Outcome {
        let get = matches!(call.method, "GET" | "HEAD");
        let allowed = |methods: &'static [&'static str]| match methods.contains(&call.method) {
            true => Ok(()),
            false => Err(vec![Reason::Method(methods)]),
        };
        match call.target {
            Target::Nowhere(_) => Err(vec![Reason::NotFound]),
            Target::Account => {
                allowed(&["GET", "HEAD"])?;
                Ok(Expected::Document(self.account()))
            }
            Target::List(resource, parent) => {
                allowed(&["GET", "HEAD", "POST"])?;
                if get { self.listed(resource, parent, &call.query) } else { self.create(resource, parent, call) }
            }
            Target::One(resource, parent, id) => {
                let found = self.belongs(resource, parent, id);
                let methods = match resource.updates() {
                    false => allowed(&["GET", "HEAD", "DELETE"]),
                    true => allowed(&["GET", "HEAD", "PUT", "DELETE"]),
                };
                // Where both are wrong, nothing says which is told.
                let wrong: Vec<Reason> = methods.err().into_iter().flatten().chain(found.err()).collect();
                if !wrong.is_empty() && call.method != "PUT" {
                    return Err(wrong);
                }
                match call.method {
                    "DELETE" => self.delete(resource, id),
                    "PUT" => self.update(resource, id, call, wrong),
                    _ => Ok(Expected::Document(self.document(resource, id))),
                }
            }
            Target::Toggle(resource, id) => {
                let missing = self.belongs(resource, None, id).err();
                let methods = allowed(&["POST", "PUT"]).err().into_iter().flatten();
                let wrong: Vec<Reason> = methods.chain(missing).collect();
                if wrong.is_empty() { self.toggle(resource, id) } else { Err(wrong) }
            }
            Target::ContactsOf(client) => {
                allowed(&["GET", "HEAD"])?;
                self.listed(Resource::Contacts, Some(client), &call.query)
            }
            Target::NewTask(project) => {
                allowed(&["POST"])?;
                self.create_with_new_task(project, call)
            }
            Target::Mark(invoice, action) => {
                let missing = self.belongs(Resource::Invoices, None, invoice).err();
                let methods = allowed(&["POST", "PUT"]).err().into_iter().flatten();
                let wrong: Vec<Reason> = methods.chain(missing).collect();
                self.mark(invoice, action, call, wrong)
            }
        }
    }

    pub fn belongs(&self, resource: Resource, parent: Option<i64>, id: i64) -> Result<(), Reason> {
        let parent = parent.map(|id| id.to_string());
        match self.find(resource, id) {
            Some(record) => match resource.parent() {
                Some((_, column)) if parent.is_some() && record.get(column) != parent.as_deref() => {
                    Err(Reason::NotFound)
                }
                _ => Ok(()),
            },
            None => Err(Reason::NotFound),
        }
    }

    fn create(&mut self, resource: Resource, parent: Option<i64>, call: &Call) -> Outcome {
        if let (Some(project), true) = (parent, resource.is_assignment()) {
            return self.create_assignment(resource, project, call);
        }
        let missing = parent.filter(|id| self.find(Resource::Invoices, *id).is_none()).map(|_| Reason::NotFound);
        if flawed(&call.body) {
            return Err(missing.into_iter().chain([Reason::Bad(Vec::new())]).collect());
        }
        let mut given = Given::of(resource, &call.body, true);
        given.faults.extend(missing);
        let id = match resource {
            Resource::Invoices => self.create_invoice(given)?,
            Resource::Messages | Resource::Payments => {
                let (Some(invoice), true) = (parent, given.faults.is_empty()) else { return Err(given.faults) };
                let id = self.create_part(resource, invoice, &given)?;
                return Ok(Expected::Created(format!("/invoices/{invoice}/{}/{id}", resource.path())));
            }
            _ => self.create_plain(resource, given)?,
        };
        Ok(Expected::Created(format!("/{}/{id}", resource.path())))
    }

    fn create_plain(&mut self, resource: Resource, mut given: Given) -> Result<i64, Vec<Reason>> {
        let mut record = self.made(resource, &given);
        match resource {
            Resource::Clients if given.text("currency-symbol").is_none() => {
                record.set("currency-symbol", symbol(record.text("currency")));
            }
            Resource::Projects => {
                if let Some(id) = given.text("client-id") {
                    given.faults.extend(self.project_under(id, record.is("active")));
                }
            }
            Resource::Contacts => {
                if let Some(id) = given.text("client-id") {
                    given.faults.extend(self.project_under(id, false));
                }
            }
            Resource::People => given.faults.extend(self.email_fault(None, &given)),
            _ => {}
        }
        if !given.faults.is_empty() {
            return Err(given.faults);
        }
        let id = self.insert(resource, record);
        if resource == Resource::Projects {
            self.join(id);
        }
        Ok(id)
    }

    /// Whether a client may have a project (`clients.md`, rule 3).
    fn project_under(&self, client: &str, active: bool) -> Option<Reason> {
        match self.find(Resource::Clients, client.parse().unwrap()) {
            None => Some(Reason::bad("client-id")),
            Some(client) if active && !client.is("active") => Some(Reason::bad("inactive")),
            Some(_) => None,
        }
    }

    fn active_projects(&self, client: i64) -> usize {
        let projects = self.of(Resource::Projects, "client-id", client);
        projects.into_iter().filter(|id| self.find(Resource::Projects, *id).unwrap().is("active")).count()
    }

    fn update(&mut self, resource: Resource, id: i64, call: &Call, mut wrong: Vec<Reason>) -> Outcome {
        if !resource.updates() {
            return Err(wrong);
        }
        if flawed(&call.body) {
            wrong.push(Reason::Bad(Vec::new()));
            return Err(wrong);
        }
        let mut given = Given::of(resource, &call.body, false);
        if !wrong.is_empty() {
            wrong.extend(given.faults);
            // With its record missing, what else is wrong with the body may come first as well.
            if call_may_break_a_rule(resource) {
                wrong.push(Reason::Bad(Vec::new()));
            }
            return Err(wrong);
        }
        match resource {
            Resource::Invoices => self.update_invoice(id, given)?,
            Resource::People => self.update_person(id, given)?,
            _ => {
                let record = self.find(resource, id).unwrap();
                if resource == Resource::Clients && given.text("active") == Some("false") {
                    given.faults.extend(self.has_active_projects(id));
                }
                if resource == Resource::Projects && (given.text("client-id").or(given.text("active")).is_some()) {
                    // Making it active is refused as the toggle refuses it; moving it as well.
                    let client = given.text("client-id").unwrap_or(record.text("client-id"));
                    let active = given.text("active").map_or(record.is("active"), |active| active == "true");
                    given.faults.extend(self.project_under(client, active));
                }
                if resource == Resource::Contacts
                    && let Some(client) = given.text("client-id")
                {
                    given.faults.extend(self.project_under(client, false));
                }
                if !given.faults.is_empty() {
                    return Err(given.faults);
                }
                let record = self.touch(resource, id);
                record.take(&given);
                if resource == Resource::Clients
                    && let Some(currency) = given.text("currency")
                    && given.text("currency-symbol").is_none()
                {
                    record.set("currency-symbol", symbol(currency));
                }
            }
        }
        let parent = resource.parent().map(|(_, column)| self.find(resource, id).unwrap().number(column));
        Ok(Expected::Changed(format!("{}/{id}", resource.base(parent))))
    }

    fn has_active_projects(&self, client: i64) -> Option<Reason> {
        let count = self.active_projects(client);
        (count > 0).then(|| Reason::Bad(vec![format!("{count} active project")]))
    }

    fn toggle(&mut self, resource: Resource, id: i64) -> Outcome {
        if resource == Resource::People {
            return self.toggle_person(id);
        }
        let record = self.find(resource, id).unwrap();
        if resource == Resource::ExpenseCategories {
            let archived = record.is("deactivated");
            self.touch(resource, id).set("deactivated", (!archived).to_string());
            return Ok(Expected::Changed(format!("/{}/{id}", resource.path())));
        }
        let active = record.is("active");
        let refused = match resource {
            Resource::Clients if active => self.has_active_projects(id),
            Resource::Projects if !active => self.project_under(record.text("client-id"), true),
            _ => None,
        };
        if let Some(refused) = refused {
            return Err(vec![refused]);
        }
        self.touch(resource, id).set("active", (!active).to_string());
        Ok(Expected::Changed(format!("/{}/{id}", resource.path())))
    }

    fn delete(&mut self, resource: Resource, id: i64) -> Outcome {
        match resource {
            Resource::Clients => {
                let counts = [(Resource::Projects, "project"), (Resource::Invoices, "invoice")]
                    .map(|(resource, name)| (self.of(resource, "client-id", id).len(), name));
                let standing = counts.iter().filter(|(count, _)| *count > 0);
                let said: Vec<String> = standing.map(|(count, name)| format!("{count} {name}")).collect();
                if !said.is_empty() {
                    return Err(vec![Reason::Bad(said)]);
                }
            }
            Resource::Categories if id <= 2 => return Err(vec![Reason::bad("default")]),
            Resource::Invoices => self.parts_go(id),
            Resource::Messages | Resource::Payments => return self.delete_part(resource, id),
            Resource::People => self.may_delete_person(id)?,
            Resource::TaskAssignments => self.may_unassign(resource, id)?,
            _ => {}
        }
        self.children_go(resource, id);
        let record = self.table_mut(resource).records.remove(&id).unwrap();
        if resource == Resource::Invoices {
            self.newest_kind(record.number("client-id"));
        }
        Ok(Expected::Deleted)
    }
}

/// Whether a body of the resource can be refused for what stands elsewhere in the store.
fn call_may_break_a_rule(resource: Resource) -> bool {
    matches!(resource, Resource::Projects | Resource::Invoices | Resource::People | Resource::Contacts)
}
