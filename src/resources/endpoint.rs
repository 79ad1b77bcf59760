//! Endpoints: the API's paths, a row each. Routing, `Allow`, the journal's patterns and the tests' paths
//! all come from these rows.

use chrono::NaiveDate;

use super::methods::Methods;
use crate::error::{Error, Result};
use crate::format::{Format, Node, Purpose, RequestBody, tree};
use crate::record::Values;
use crate::store::{Action, Actor, ClientStore, Command, Entity, Files, Reach, Role, Selection};
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
    /// Who may call it.
    pub(crate) by: Caller,
    /// The longest body that it takes, in bytes, where that is more than others take.
    pub(crate) max_body: usize,
    /// The part of a form in parts that has the file which it takes.
    pub(crate) file_part: Option<&'static str>,
}

/// Who may call an endpoint. To others it is not there; an administrator may call each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Administrator,
    /// Project managers too, for the records that they [manage](Entity::managed).
    Manager,
    /// Everybody who has signed in, for the records that they [see](Entity::seen).
    Anybody,
    /// Everybody, also without signing in. It shows no records.
    Stranger,
}

impl Caller {
    /// Which records a call by the person reaches; none where they may not call.
    pub(crate) fn reach(self, actor: Actor) -> Option<Reach> {
        match (actor.role, self) {
            (Role::Open, _) => Some(Reach::All),
            (Role::Administrator, _) => Some(Reach::Administrator(actor.id)),
            (_, Caller::Anybody | Caller::Stranger) => Some(Reach::Seen(actor.id)),
            (Role::ProjectManager, Caller::Manager) => Some(Reach::Managed(actor.id)),
            (Role::Regular, Caller::Manager) | (_, Caller::Administrator) => None,
        }
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
        Endpoint {
            methods,
            path,
            also: &[],
            operation,
            is_limited: true,
            by: Caller::Administrator,
            max_body: 0,
            file_part: None,
        }
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

    /// `GET path` changes something, which no other GET does.
    pub(crate) const fn changing_get(path: &'static str, plan: fn(&Call<'_>) -> Result<Plan>) -> Self {
        Self::new(Methods::CHANGING_GET, path, Operation::Other(plan))
    }

    /// `DELETE path` deletes in a way of its own.
    pub(crate) const fn remove(path: &'static str, plan: fn(&Call<'_>) -> Result<Plan>) -> Self {
        Self::new(Methods::DELETE, path, Operation::Other(plan))
    }

    /// PUT does what POST does.
    pub(crate) const fn or_put(mut self) -> Self {
        self.methods = self.methods.and(Methods::PUT);
        self
    }

    /// `POST path` makes a record in a way of its own.
    pub(crate) const fn make(path: &'static str, plan: fn(&Call<'_>) -> Result<Plan>) -> Self {
        Self::new(Methods::POST, path, Operation::Make(plan))
    }

    /// Takes a file, in a part of this name, in a body of up to this many bytes.
    pub(crate) const fn takes_file(mut self, part: &'static str, bytes: usize) -> Self {
        self.file_part = Some(part);
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

    /// Others than administrators may call it, too.
    pub(crate) const fn by(mut self, caller: Caller) -> Self {
        self.by = caller;
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
    /// Who acts. The commands of a call get it from here, also those that a plan of its own makes.
    pub(crate) actor: Actor,
    /// Which records the call reaches; to what it reads and writes, the others are not there.
    pub(crate) reach: Reach,
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
    /// A small document: its root in XML, and its members.
    Tree(&'static str, Vec<Node>),
    /// The same, where it is long: it is made once there is room for it.
    Long(LongTree),
    /// The document that says how the limit on calls stands.
    RateLimit,
    /// The token that programs send in place of a password, where there is one.
    Token,
    /// Nothing; the path of the record.
    Unchanged { location: String },
    /// A write, and what to answer once it is on disk.
    Write { command: Box<Command>, answer: Answer },
}

/// A long document that belongs to no table.
pub(crate) struct LongTree {
    /// Its root in XML.
    pub(crate) root: &'static str,
    /// What it takes at most while it is made, in bytes.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only tasks wait for room"))]
    pub(crate) most: usize,
    /// Makes its members.
    pub(crate) make: MakeMembers,
}

/// Makes the members of a document from what the store has.
pub(crate) type MakeMembers = Box<dyn FnOnce(&ClientStore) -> Result<Vec<Node>> + Send>;

impl LongTree {
    /// The document.
    pub(crate) fn written(self, store: &ClientStore, format: Format) -> Result<Vec<u8>> {
        Ok(tree::write(self.root, &(self.make)(store)?, format))
    }
}

/// The answer to a write.
pub(crate) enum Answer {
    /// 201; the record's path is what its resource says for the new id.
    Created { resource: &'static Resource, parent: Option<i64> },
    /// 200, with the path of the record.
    Changed { location: String },
    /// 200, or with a Hint where the record was archived instead.
    Deleted,
    /// What a procedure tells, as a document.
    Told(Telling),
}

/// How a procedure is answered.
#[derive(Clone, Copy)]
pub(crate) struct Telling {
    /// The document's root in XML.
    pub(crate) root: &'static str,
    /// 201, else 200.
    pub(crate) created: bool,
    /// What the record's path has before its id, where the answer has a `Location`.
    pub(crate) location: Option<&'static str>,
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
        let resource = self.records()?;
        let entity = resource.entity;
        match (self.operation, self.id) {
            (Operation::List, _) => self.list(entity),
            (Operation::Create, _) => {
                let purpose = match (entity.parent, parent) {
                    (Some(named), Some(_)) => Purpose::CreateUnder(named.column),
                    _ => Purpose::Create,
                };
                let values = self.body.read(entity.document, purpose)?;
                let command = store.creation(entity, parent, values)?;
                Ok(Plan::Write { command: Box::new(command), answer: Answer::Created { resource, parent } })
            }
            (Operation::Get, Some(id)) => Ok(Plan::Record { entity, parent, id }),
            (Operation::Update, Some(id)) => {
                let values = self.body.read(entity.document, Purpose::Update)?;
                let command = store.update(entity, parent, id, values);
                Ok(Plan::Write { command: Box::new(command), answer: self.changed(resource, id) })
            }
            (Operation::Delete, Some(id)) => {
                Ok(Plan::Write { command: Box::new(store.deletion(entity, parent, id)), answer: Answer::Deleted })
            }
            (Operation::Act(action, keeper), Some(id)) => {
                let keeper = keeper.filter(|_| !self.body.is_none());
                let body = keeper.map(|keeper| Ok::<(&Entity, Values), Error>((keeper, self.read_new(keeper)?)));
                let command = store.action(entity, id, action, body.transpose()?)?;
                Ok(Plan::Write { command: Box::new(command), answer: self.changed(resource, id) })
            }
            _ => Err(no_record()),
        }
    }

    /// The resource whose endpoint is called.
    pub(super) fn records(&self) -> Result<&'static Resource> {
        self.resource.ok_or_else(no_record)
    }

    /// The id of the record that the path names.
    pub(super) fn record_id(&self) -> Result<i64> {
        self.id.ok_or_else(no_record)
    }

    /// The id of the record that the path names before its end.
    pub(super) fn parent_id(&self) -> Result<i64> {
        self.parent.ok_or_else(no_record)
    }

    /// The day that the path names.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where no year has it, or not this one.
    pub(super) fn date(&self) -> Result<NaiveDate> {
        let named = self.day.unwrap_or_default();
        named.date().ok_or(Error::NotFound { record: "day", id: named.day })
    }

    /// The parameters of the query. A second `?`, which the documentation printed, counts as `&`.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.query.replace('?', "&");
        form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>().into_iter()
    }

    /// The plan of a call that changes nothing of its record.
    fn stay(&self) -> Result<Plan> {
        let (resource, id) = (self.records()?, self.record_id()?);
        self.store.must_exist(resource.entity, id, self.reach)?;
        Ok(Plan::Unchanged { location: resource.location(self.parent, &id.to_string()) })
    }

    fn list(&self, entity: &'static Entity) -> Result<Plan> {
        let mut selection = entity.unfiltered(self.store.today());
        selection.within(entity, self.reach);
        if let (Some(named), Some(id)) = (entity.parent, self.parent) {
            self.store.must_exist(named.entity, id, self.reach)?;
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

fn no_record() -> Error {
    Error::storage("answering a call", "its endpoint names no record")
}
