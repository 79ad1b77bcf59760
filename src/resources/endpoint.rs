//! Endpoints: the API's paths, a row each. Routing, `Allow`, the journal's patterns and the tests' paths
//! all come from these rows.

use chrono::NaiveDate;

use crate::error::{Error, Result};
use crate::format::{Node, Purpose, RequestBody};
use crate::record::Values;
use crate::store::Selection;
use crate::store::{Action, ClientStore, Command, Entity, Files};
use crate::value::in_range;

/// A kind of record as the API shows it: the entity, and the paths that lead to it.
pub(crate) struct Resource {
    pub(crate) entity: &'static Entity,
    pub(crate) endpoints: &'static [Endpoint],
}

impl Resource {
    /// The path of a record, without suffix or trailing slash, as `Location` has it: that of the GET of one.
    pub(crate) fn location(&self, parent: Option<i64>, id: &str) -> String {
        let one = self.endpoints.iter().find(|endpoint| matches!(endpoint.operation, Operation::Get));
        let mut path = String::new();
        for segment in one.map_or("", |endpoint| endpoint.path).split('/').skip(1) {
            path.push('/');
            match (segment, parent) {
                ("{id}", _) => path.push_str(id),
                (segment, Some(parent)) if segment.starts_with('{') => path.push_str(&parent.to_string()),
                (segment, _) => path.push_str(segment),
            }
        }
        path
    }
}

/// A path with the methods that it takes, and what they do.
pub(crate) struct Endpoint {
    pub(crate) methods: Methods,
    /// The path. `{id}` is the record's id; another parameter is the id of the record's parent.
    pub(crate) path: &'static str,
    /// Other spellings of the path.
    pub(crate) also: &'static [&'static str],
    pub(crate) operation: Operation,
    /// Whether calls count against the limit on calls.
    pub(crate) is_limited: bool,
    /// The longest body that it takes, in bytes, where that is more than others take.
    pub(crate) max_body: usize,
}

/// Methods of HTTP. GET brings HEAD along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Methods(u8);

impl Methods {
    pub(crate) const NONE: Methods = Methods(0);
    const GET: Methods = Methods(1);
    const POST: Methods = Methods(2);
    const PUT: Methods = Methods(4);
    const DELETE: Methods = Methods(8);

    pub(crate) const fn and(self, other: Methods) -> Methods {
        Methods(self.0 | other.0)
    }

    pub(crate) fn has(self, method: &http::Method) -> bool {
        let bit = match *method {
            http::Method::GET | http::Method::HEAD => Methods::GET,
            http::Method::POST => Methods::POST,
            http::Method::PUT => Methods::PUT,
            http::Method::DELETE => Methods::DELETE,
            _ => return false,
        };
        self.0 & bit.0 != 0
    }

    /// The names, as `Allow` lists them.
    pub(crate) fn names(self) -> String {
        let names =
            [(Methods::GET, "GET, HEAD"), (Methods::POST, "POST"), (Methods::PUT, "PUT"), (Methods::DELETE, "DELETE")];
        let names: Vec<&str> = names.iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, name)| *name).collect();
        names.join(", ")
    }
}

/// What a call does. The first six are written once, for every resource.
pub(crate) enum Operation {
    List,
    Get,
    Create,
    Update,
    Delete,
    /// A named change; the second, where there is one, keeps the body as a record of its own.
    Act(&'static Action, Option<&'static Entity>),
    /// One of its own with a body.
    Make(fn(&Call<'_>) -> Result<Plan>),
    /// One of its own without a body.
    Other(fn(&Call<'_>) -> Result<Plan>),
}

impl Operation {
    /// Whether a body means something; that of a GET or a DELETE is ignored, whatever it is.
    pub(crate) fn reads_body(&self) -> bool {
        matches!(self, Operation::Create | Operation::Update | Operation::Act(..) | Operation::Make(_))
    }
}

impl Endpoint {
    const fn new(methods: Methods, path: &'static str, operation: Operation) -> Self {
        Endpoint { methods, path, also: &[], operation, is_limited: true, max_body: 0 }
    }

    /// `GET path` lists.
    pub(crate) const fn list(path: &'static str) -> Self {
        Self::new(Methods::GET, path, Operation::List)
    }

    /// `GET path` gives one.
    pub(crate) const fn get(path: &'static str) -> Self {
        Self::new(Methods::GET, path, Operation::Get)
    }

    /// `POST path` creates.
    pub(crate) const fn create(path: &'static str) -> Self {
        Self::new(Methods::POST, path, Operation::Create)
    }

    /// `PUT path` updates.
    pub(crate) const fn update(path: &'static str) -> Self {
        Self::new(Methods::PUT, path, Operation::Update)
    }

    /// `DELETE path` deletes.
    pub(crate) const fn delete(path: &'static str) -> Self {
        Self::new(Methods::DELETE, path, Operation::Delete)
    }

    /// `POST path` or `PUT path` does a named change.
    pub(crate) const fn act(path: &'static str, action: &'static Action) -> Self {
        Self::new(Methods::POST.and(Methods::PUT), path, Operation::Act(action, None))
    }

    /// `POST path` makes a record in a way of its own.
    pub(crate) const fn make(path: &'static str, plan: fn(&Call<'_>) -> Result<Plan>) -> Self {
        Self::new(Methods::POST, path, Operation::Make(plan))
    }

    /// Takes bodies of up to this many bytes, where others take less.
    pub(crate) const fn takes(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// `POST path` or `PUT path` changes nothing of the record.
    pub(crate) const fn stay(path: &'static str) -> Self {
        Self::new(Methods::POST.and(Methods::PUT), path, Operation::Other(|call| call.stay()))
    }

    /// `GET path` does something of its own.
    pub(crate) const fn read(path: &'static str, plan: fn(&Call<'_>) -> Result<Plan>) -> Self {
        Self::new(Methods::GET, path, Operation::Other(plan))
    }

    /// Other spellings of the path.
    pub(crate) const fn also(mut self, paths: &'static [&'static str]) -> Self {
        self.also = paths;
        self
    }

    /// The body of a named change is a record of the entity, which keeps it.
    pub(crate) const fn keeping(mut self, keeper: &'static Entity) -> Self {
        if let Operation::Act(action, None) = self.operation {
            self.operation = Operation::Act(action, Some(keeper));
        }
        self
    }

    /// Calls do not count against the limit on calls.
    pub(crate) const fn unlimited(mut self) -> Self {
        self.is_limited = false;
        self
    }
}

/// A call of an endpoint.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a ClientStore,
    /// None for an endpoint that shows no records.
    pub(crate) resource: Option<&'static Resource>,
    pub(crate) operation: &'static Operation,
    /// The ids of the path: the record's, and its parent's.
    pub(crate) id: Option<i64>,
    pub(crate) parent: Option<i64>,
    /// The day that the path names.
    pub(crate) day: Option<PathDay>,
    pub(crate) query: &'a str,
    pub(crate) body: RequestBody<'a>,
}

/// A day in a path: the day of the year from 1, and the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathDay {
    pub(crate) day: i64,
    pub(crate) year: i64,
}

impl PathDay {
    /// The day; none where no year has it, or not this one.
    pub(crate) fn date(self) -> Option<NaiveDate> {
        let date = NaiveDate::from_yo_opt(i32::try_from(self.year).ok()?, u32::try_from(self.day).ok()?)?;
        in_range(date)
    }
}

/// What a call comes to; nothing was written yet.
pub(crate) enum Plan {
    /// The document of a record.
    Record { entity: &'static Entity, parent: Option<i64>, id: i64 },
    /// The document of a list.
    List { entity: &'static Entity, selection: Selection },
    /// The file that is kept with the record of the id.
    File(&'static Files, i64),
    /// A small document.
    Tree(Vec<Node>),
    /// The document that says how the limit on calls stands.
    RateLimit,
    /// Nothing; the path of the record.
    Unchanged { location: String },
    /// A write, and what to answer once it is on disk.
    Write { command: Command, answer: Answer },
}

/// The answer to a write.
pub(crate) enum Answer {
    /// 201; the record's path is what its resource says for the new id.
    Created { resource: &'static Resource, parent: Option<i64> },
    /// 200, with the path of the record.
    Changed { location: String },
    /// 200.
    Deleted,
}

impl Call<'_> {
    /// What the call comes to.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::Xml`], [`Error::Json`] and [`Error::Form`] where query or body cannot be read, [`Error::NotFound`] where the
    /// parent of a list is not there, [`Error::Storage`].
    pub(crate) fn plan(&self) -> Result<Plan> {
        if let Operation::Make(plan) | Operation::Other(plan) = self.operation {
            return plan(self);
        }
        let Call { store, parent, .. } = *self;
        let Some(resource) = self.resource else { return Err(no_record()) };
        let entity = resource.entity;
        match (self.operation, self.id) {
            (Operation::List, _) => self.list(entity),
            (Operation::Create, _) => {
                let purpose = match (entity.parent, parent) {
                    (Some(named), Some(_)) => Purpose::CreateUnder(named.column),
                    _ => Purpose::Create,
                };
                let values = self.body.read(entity.document, purpose)?;
                let command = store.creation(entity, parent, values);
                Ok(Plan::Write { command, answer: Answer::Created { resource, parent } })
            }
            (Operation::Get, Some(id)) => Ok(Plan::Record { entity, parent, id }),
            (Operation::Update, Some(id)) => {
                let values = self.body.read(entity.document, Purpose::Update)?;
                let command = store.update(entity, parent, id, values);
                Ok(Plan::Write { command, answer: self.changed(resource, id) })
            }
            (Operation::Delete, Some(id)) => {
                Ok(Plan::Write { command: store.deletion(entity, parent, id), answer: Answer::Deleted })
            }
            (Operation::Act(action, keeper), Some(id)) => {
                let keeper = keeper.filter(|_| !self.body.is_none());
                let body = keeper.map(|keeper| Ok::<(&Entity, Values), Error>((keeper, self.read_new(keeper)?)));
                let command = store.action(entity, id, action, body.transpose()?);
                Ok(Plan::Write { command, answer: self.changed(resource, id) })
            }
            _ => Err(no_record()),
        }
    }

    /// The plan of a call that changes nothing of its record.
    fn stay(&self) -> Result<Plan> {
        let (Some(resource), Some(id)) = (self.resource, self.id) else { return Err(no_record()) };
        self.store.must_exist(resource.entity, id)?;
        Ok(Plan::Unchanged { location: resource.location(self.parent, &id.to_string()) })
    }

    fn list(&self, entity: &'static Entity) -> Result<Plan> {
        let mut selection = entity.unfiltered(self.store.today());
        if let (Some(named), Some(id)) = (entity.parent, self.parent) {
            self.store.must_exist(named.entity, id)?;
            selection.belonging_to(named.column, id);
        }
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            entity.filter(&mut selection, &name, &value)?;
        }
        Ok(Plan::List { entity, selection })
    }

    /// The fields of a body that makes a record; whose part the record is, the path says.
    fn read_new(&self, entity: &'static Entity) -> Result<Values> {
        let purpose = entity.parent.map_or(Purpose::Create, |parent| Purpose::CreateUnder(parent.column));
        self.body.read(entity.document, purpose)
    }

    fn changed(&self, resource: &Resource, id: i64) -> Answer {
        Answer::Changed { location: resource.location(self.parent, &id.to_string()) }
    }
}

pub(super) fn no_record() -> Error {
    Error::storage("answering a call", "its endpoint names no record")
}
