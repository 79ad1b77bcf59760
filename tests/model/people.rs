//! People, contacts and assignments (`people.md`).

use crate::op::{Body, Call, Content};
use crate::read::{Given, flawed, typed};
use crate::schema::{Kind, Resource};
use crate::state::{Expected, Model, Outcome, Reason, Record};

/// Who acts.
const ACTOR: i64 = 1;

impl Model {
    fn is_administrator(record: &Record) -> bool {
        record.is("is-admin") && record.is("is-active")
    }

    /// Why a person cannot become what they would be; none for what they would be where they would be gone.
    fn people_without(&self, id: i64, after: Option<&Record>, reasons: &mut Vec<Reason>) {
        if id == ACTOR && !after.is_some_and(|record| record.is("is-active")) {
            reasons.push(Reason::bad("acting"));
        }
        let others = self.table(Resource::People).records.iter().filter(|(other, _)| **other != id);
        let has_other = others.map(|(_, record)| record).any(Self::is_administrator);
        if !has_other && !after.is_some_and(Self::is_administrator) {
            reasons.push(Reason::bad("last active administrator"));
        }
    }

    /// What is wrong with a person's address.
    pub fn email_fault(&self, id: Option<i64>, given: &Given) -> Option<Reason> {
        let email = given.text("email")?;
        let mut others = self.table(Resource::People).records.iter().filter(|(other, _)| Some(**other) != id);
        others.any(|(_, record)| record.text("email").eq_ignore_ascii_case(email)).then(|| Reason::bad("email"))
    }

    pub fn update_person(&mut self, id: i64, mut given: Given) -> Result<(), Vec<Reason>> {
        let fault = self.email_fault(Some(id), &given);
        given.faults.extend(fault);
        let mut after = self.find(Resource::People, id).unwrap().clone();
        after.take(&given);
        if given.values.contains_key("is-active") || given.values.contains_key("is-admin") {
            self.people_without(id, Some(&after), &mut given.faults);
        }
        if !given.faults.is_empty() {
            return Err(given.faults);
        }
        self.touch(Resource::People, id).take(&given);
        Ok(())
    }

    pub fn toggle_person(&mut self, id: i64) -> Outcome {
        let mut after = self.find(Resource::People, id).unwrap().clone();
        let active = (!after.is("is-active")).to_string();
        after.set("is-active", &*active);
        let mut reasons = Vec::new();
        self.people_without(id, Some(&after), &mut reasons);
        if !reasons.is_empty() {
            return Err(reasons);
        }
        self.touch(Resource::People, id).set("is-active", active);
        Ok(Expected::Changed(format!("/people/{id}")))
    }

    pub fn may_delete_person(&self, id: i64) -> Result<(), Vec<Reason>> {
        let mut reasons = Vec::new();
        self.people_without(id, None, &mut reasons);
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// What a deleted record takes along.
    pub fn children_go(&mut self, resource: Resource, id: i64) {
        let children: &[(Resource, &str)] = match resource {
            Resource::Clients => &[(Resource::Contacts, "client-id")],
            Resource::Projects => {
                &[(Resource::TaskAssignments, "project-id"), (Resource::UserAssignments, "project-id")]
            }
            Resource::Tasks => &[(Resource::TaskAssignments, "task-id")],
            Resource::People => &[(Resource::UserAssignments, "user-id")],
            _ => &[],
        };
        for (child, column) in children {
            for gone in self.of(*child, column, id) {
                self.table_mut(*child).records.remove(&gone);
            }
        }
    }

    /// What follows from a new project.
    pub fn join(&mut self, project: i64) {
        let people = self.table(Resource::People).records.iter();
        let joins = |record: &Record| record.is("has-access-to-all-future-projects") && record.is("is-active");
        let people: Vec<i64> =
            people.filter(|(id, record)| **id == ACTOR || joins(record)).map(|(id, _)| *id).collect();
        let tasks = self.table(Resource::Tasks).records.iter();
        let tasks = tasks.filter(|(_, record)| record.is("is-default") && !record.is("deactivated"));
        let tasks: Vec<i64> = tasks.map(|(id, _)| *id).collect();
        for id in people {
            self.pair(Resource::UserAssignments, project, id);
        }
        for id in tasks {
            self.pair(Resource::TaskAssignments, project, id);
        }
    }

    /// A new assignment, with what it takes from its task or person.
    fn pair(&mut self, resource: Resource, project: i64, id: i64) -> i64 {
        let mut record = self.made(resource, &Given::default());
        let (of, column) = assigned(resource);
        let found = self.find(of, id).unwrap();
        record.put("hourly-rate", found.get("default-hourly-rate").map(str::to_owned));
        if of == Resource::Tasks {
            record.set("billable", found.text("billable-by-default"));
        }
        record.set("project-id", project.to_string());
        record.set(column, id.to_string());
        self.insert(resource, record)
    }

    /// Assigns a task or a person; one that is assigned already becomes active again.
    fn assign(&mut self, resource: Resource, project: i64, id: i64) -> Outcome {
        let (of, column) = assigned(resource);
        let mut wrong: Vec<Reason> =
            self.find(Resource::Projects, project).is_none().then_some(Reason::NotFound).into_iter().collect();
        match self.find(of, id) {
            None => wrong.push(Reason::bad(column)),
            Some(record) if of == Resource::Tasks && record.is("deactivated") => wrong.push(Reason::bad("archived")),
            Some(record) if of == Resource::People && !record.is("is-active") => wrong.push(Reason::bad("archived")),
            Some(_) => {}
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let pairs = self.of(resource, "project-id", project);
        let known = pairs.into_iter().find(|pair| self.find(resource, *pair).unwrap().number(column) == id);
        let pair = match known {
            Some(pair) if self.find(resource, pair).unwrap().is("deactivated") => {
                self.touch(resource, pair).set("deactivated", "false");
                pair
            }
            Some(pair) => pair,
            None => self.pair(resource, project, id),
        };
        Ok(Expected::Created(format!("/projects/{project}/{}/{pair}", resource.path())))
    }

    /// POST of a task or a person, or of an assignment, to a project.
    pub fn create_assignment(&mut self, resource: Resource, project: i64, call: &Call) -> Outcome {
        let missing = self.find(Resource::Projects, project).is_none().then_some(Reason::NotFound);
        let bad = |reason: Reason| Err(missing.clone().into_iter().chain([reason]).collect());
        let Body::Document(document) = &call.body else { return bad(Reason::Bad(Vec::new())) };
        if flawed(&call.body) {
            return bad(Reason::Bad(Vec::new()));
        }
        let (_, column) = assigned(resource);
        let element = if document.root == resource.roots().0 { column } else { "id" };
        let fields = document.fields.iter().filter(|field| field.element == element);
        let mut named = Ok(None);
        for field in fields {
            let Content::Text(text) = &field.content else { continue };
            named = match typed(Kind::Integer, text) {
                _ if field.nil || crate::values::blank(text) => Ok(None),
                Some(number) => Ok(Some(number.parse().unwrap()).filter(|id: &i64| *id != 0)),
                None => Err(()),
            };
            if named.is_err() {
                break;
            }
        }
        match named {
            Ok(Some(id)) => self.assign(resource, project, id),
            Ok(None) => bad(Reason::bad("is required")),
            Err(()) => bad(Reason::Bad(Vec::new())),
        }
    }

    /// Makes a task and assigns it, or assigns the active one of the name.
    pub fn create_with_new_task(&mut self, project: i64, call: &Call) -> Outcome {
        let missing = self.find(Resource::Projects, project).is_none().then_some(Reason::NotFound);
        if flawed(&call.body) {
            return Err(missing.into_iter().chain([Reason::Bad(Vec::new())]).collect());
        }
        let mut given = Given::of(Resource::Tasks, &call.body, true);
        given.faults.extend(missing);
        if !given.faults.is_empty() {
            return Err(given.faults);
        }
        let name = given.text("name").unwrap();
        let mut tasks = self.table(Resource::Tasks).records.iter();
        let known = tasks.find(|(_, record)| record.text("name") == name && !record.is("deactivated"));
        if let Some((id, _)) = known {
            let id = *id;
            return self.assign(Resource::TaskAssignments, project, id);
        }
        let task = self.made(Resource::Tasks, &given);
        // An archived one is assigned to nothing, and then it was not made either.
        if task.is("deactivated") {
            return Err(vec![Reason::bad("archived")]);
        }
        let id = self.insert(Resource::Tasks, task);
        self.assign(Resource::TaskAssignments, project, id)
    }

    /// The last active task of a project stays.
    pub fn may_unassign(&self, resource: Resource, id: i64) -> Result<(), Vec<Reason>> {
        let record = self.find(resource, id).unwrap();
        if resource != Resource::TaskAssignments || record.is("deactivated") {
            return Ok(());
        }
        let others = self.of(resource, "project-id", record.number("project-id"));
        let active = |other: &i64| *other != id && !self.find(resource, *other).unwrap().is("deactivated");
        if others.iter().any(active) { Ok(()) } else { Err(vec![Reason::bad("at least one task")]) }
    }
}

/// What an assignment assigns, and the element that names it.
fn assigned(resource: Resource) -> (Resource, &'static str) {
    match resource {
        Resource::TaskAssignments => (Resource::Tasks, "task-id"),
        _ => (Resource::People, "user-id"),
    }
}
