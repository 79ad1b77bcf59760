//! The API in process: a request in, a response out, no socket and no runtime.

mod account;
#[cfg(feature = "tower")]
mod apart;
mod auth;
mod body;
mod budget;
mod encoding;
mod lists;
mod respond;
mod route;
#[cfg(feature = "tower")]
mod service;
mod throttle;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
#[cfg(feature = "server")]
use http::{HeaderMap, Method};
use http::{Request, Response};

#[cfg(feature = "server")]
pub(crate) use auth::{same, sent_pair};
pub use body::Body;
#[cfg(feature = "server")]
pub(crate) use budget::{Budget, Charge, Guest};
#[cfg(feature = "server")]
pub(crate) use encoding::is_encoded;
#[cfg(feature = "server")]
pub(crate) use respond::{answer, done};
#[cfg(feature = "server")]
pub(crate) use route::pattern;
#[cfg(feature = "tower")]
pub use service::HandleFuture;
#[cfg(feature = "server")]
pub(crate) use service::LIST;
#[cfg(feature = "server")]
pub(crate) use throttle::{MAX_CALLS, Standing, WINDOW};

#[cfg(feature = "tower")]
use self::apart::{Lane, LongRecord};
use self::auth::Credentials;
use self::body::Stream;
use self::lists::Lists;
use self::route::{Call, Route, Target};
use self::throttle::Throttle;
use crate::error::{Error, Result};
use crate::record::Values;
use crate::store::{ClientStore, Command, Document, Ended, ListDocument, Outcome, PIECE, Resource, Selection};
use crate::value::is_space;
use crate::xml::{Dialect, Purpose, is_utf8_name, read_for};

/// The classic Harvest API over a store.
///
/// It is cheap to clone; call [`handle`](Self::handle) from as many threads as you like.
///
/// ```
/// use clientstore::{Api, ClientStore};
/// use http::Request;
///
/// let api = Api::new(ClientStore::open_in_memory()?);
/// let created = api.handle(
///     Request::post("/clients").body("<client><name>SuprCorp</name></client>").unwrap(),
/// );
/// assert_eq!(created.status(), 201);
/// assert_eq!(created.headers()["location"], "/clients/1");
///
/// let list = api.handle(Request::get("/clients").body("").unwrap());
/// assert!(list.into_body().into_bytes()?.starts_with(b"<clients>\n  <client>\n"));
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    store: ClientStore,
    dialect: Dialect,
    credentials: Option<Credentials>,
    throttle: Arc<Throttle>,
    lists: Arc<Lists>,
    /// Where tasks begin to read a list.
    #[cfg(feature = "tower")]
    beginnings: Lane,
    /// Where long records are written.
    #[cfg(feature = "tower")]
    longs: Lane,
}

/// The longest body, decoded, in bytes; but a body that is not encoded may be longer in [`Api::handle`].
const MAX_BODY: usize = 1024 * 1024;

/// The number of lists that begin to be read at the same time; each takes a thread and a reader of the file.
#[cfg(feature = "tower")]
const BEGINNINGS: usize = 4;
/// The number of long records that are written at the same time.
#[cfg(feature = "tower")]
const LONGS: usize = 2;

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("store", &self.inner.store)
            .field("dialect", &self.inner.dialect)
            .field("asks_for_credentials", &self.inner.credentials.is_some())
            .finish_non_exhaustive()
    }
}

/// What is left to do for a request.
enum Plan {
    Answered(Response<Body>),
    /// One record.
    Record {
        resource: &'static dyn Resource,
        id: i64,
        parent: Option<i64>,
    },
    /// A list, whose beginning may take a while to find.
    List {
        resource: &'static dyn Resource,
        selection: Selection,
    },
    /// A write, and the call that it answers.
    Write {
        command: Command,
        target: Target,
    },
}

/// A list whose beginning was read.
enum Begun {
    Whole(Bytes),
    /// To be read while it is sent.
    Long(Box<Stream>),
}

impl Api {
    /// The API in the `documented` dialect, open to everybody.
    pub fn new(store: ClientStore) -> Self {
        let (throttle, lists) = Default::default();
        let inner = Inner {
            store,
            dialect: Dialect::default(),
            credentials: None,
            throttle,
            lists,
            #[cfg(feature = "tower")]
            beginnings: Lane::of(BEGINNINGS),
            #[cfg(feature = "tower")]
            longs: Lane::of(LONGS),
        };
        Api { inner: Arc::new(inner) }
    }

    /// Answers in the dialect; `documented` by default. Requests may use either.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        Arc::make_mut(&mut self.inner).dialect = dialect;
        self
    }

    /// Asks every request for these credentials by HTTP Basic; by default nobody is asked.
    #[must_use]
    pub fn auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).credentials = Some(Credentials::new(user.into(), password.into()));
        self
    }

    /// The store behind the API.
    pub fn store(&self) -> &ClientStore {
        &self.inner.store
    }

    /// Whether a request carries the credentials; none where nobody is asked for any.
    #[cfg(feature = "server")]
    pub(crate) fn admits(&self, headers: &HeaderMap) -> Option<bool> {
        Some(self.inner.credentials.as_ref()?.admit(headers).is_ok())
    }

    /// The limit on calls, which every clone shares.
    #[cfg(feature = "server")]
    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    /// Answers a request; the body may be any bytes, encoded as its `Content-Encoding` says: with `gzip` or
    /// `deflate` it is at most 1 MiB long once it is decoded.
    ///
    /// Every failure is an answer, by the table of `wire.md`. The [`Error`] behind an answer of 400
    /// or more is among the response's extensions. A long list is read while its body is.
    pub fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Body> {
        let response = match self.plan(&request, MAX_BODY) {
            Plan::Answered(response) => response,
            Plan::Record { resource, id, parent } => self.record(resource, id, parent),
            Plan::List { resource, selection } => {
                let begun = self.kept(resource, &selection).map(|kept| Ok(Begun::Whole(kept)));
                self.listed(begun.unwrap_or_else(|| self.begin(resource, selection)))
            }
            Plan::Write { command, target } => self.written(self.inner.store.run(command), target),
        };
        respond::to(request.method(), response)
    }

    /// Answers a GET of a list or a record for those who look on: whole documents in the `live` dialect,
    /// of a list the part that the window shows. Nobody is asked
    /// for credentials, nothing is counted. None where the path has no records.
    #[cfg(feature = "server")]
    pub(crate) fn look(&self, path: &str, (skip, limit): (i64, i64)) -> Option<Result<Response<Body>>> {
        let Route::Found(Target { resource, parent, call }) = route::find(&Method::GET, path) else { return None };
        let store = &self.inner.store;
        let read = || match call {
            Call::List => {
                let mut selection = Selection { window: Some((skip, limit)), ..Selection::default() };
                if let (Some(named), Some(id)) = (resource.parent(), parent) {
                    store.must_exist(named.resource, id)?;
                    selection.belonging_to(named.column, id);
                }
                let mut list = ListDocument::new(store.snapshot()?, resource, selection, Dialect::Live);
                let mut first = Vec::new();
                let ended = list.short_piece(&mut first)?;
                Ok(Body::list(Stream::new(first.into(), list, ended).with(&self.inner.longs)))
            }
            Call::Get(id) => Ok(match store.document(resource, id, parent, Dialect::Live)? {
                Document::Short(document) => Body::from(document),
                Document::Long => Body::late(self.long((resource, id, parent), Dialect::Live)),
            }),
            Call::Create | Call::Update(_) | Call::Act(..) | Call::Delete(_) => Ok(Body::from(Vec::new())),
        };
        Some(read().map(respond::document))
    }

    /// What is held of long requests and answers counts here, lists that are kept included.
    #[cfg(feature = "server")]
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.inner.lists.budget
    }

    /// Has whoever waits for room get it, where something can be let go of for that.
    #[cfg(feature = "server")]
    pub(crate) fn make_room(&self) {
        self.inner.lists.forget();
        self.budget().make_room();
    }

    fn plan<B: AsRef<[u8]>>(&self, request: &Request<B>, max_body: usize) -> Plan {
        let dialect = self.inner.dialect;
        if let Some(credentials) = &self.inner.credentials
            && let Err(message) = credentials.admit(request.headers())
        {
            return Plan::Answered(respond::unauthorized(message, dialect));
        }
        let route = route::find(request.method(), request.uri().path());
        if !matches!(route, Route::RateLimit)
            && let Err(seconds) = self.inner.throttle.admit(self.inner.store.time())
        {
            return Plan::Answered(respond::throttled(seconds, dialect));
        }
        let target = match route {
            Route::Found(target) => target,
            Route::Account => {
                let document = account::who_am_i(self.inner.store.account(), dialect);
                return Plan::Answered(respond::document(document));
            }
            Route::RateLimit => {
                let standing = self.inner.throttle.standing(self.inner.store.time());
                return Plan::Answered(respond::document(account::rate_limit(&standing, dialect)));
            }
            Route::WrongMethod(allowed) => return Plan::Answered(respond::wrong_method(allowed, dialect)),
            Route::Unknown => return Plan::Answered(respond::unknown_path(request.uri().path(), dialect)),
        };
        let body = match target.call {
            Call::Create | Call::Update(_) | Call::Act(..) => {
                match encoding::decoded(request.headers(), request.body().as_ref(), max_body) {
                    Ok(body) => body,
                    Err(refusal) => return Plan::Answered(refusal.answer(dialect)),
                }
            }
            Call::List | Call::Get(_) | Call::Delete(_) => Cow::default(),
        };
        let planned = self.planned(request, &body, target);
        planned.unwrap_or_else(|error| Plan::Answered(respond::error(error, dialect)))
    }

    fn planned<B>(&self, request: &Request<B>, body: &[u8], target: Target) -> Result<Plan> {
        let store = &self.inner.store;
        let Target { resource, parent, call } = target;
        let command = match call {
            Call::List => {
                let mut selection = resource.unfiltered();
                if let (Some(named), Some(id)) = (resource.parent(), parent) {
                    store.must_exist(named.resource, id)?;
                    selection.belonging_to(named.column, id);
                }
                let today = store.today();
                let query = request.uri().query().unwrap_or_default();
                for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                    // An empty filter is none, whichever it is (`wire.md`).
                    if !value.chars().all(is_space) {
                        resource.filter(&mut selection, &name, &value, today)?;
                    }
                }
                return Ok(Plan::List { resource, selection });
            }
            Call::Get(id) => return Ok(Plan::Record { resource, id, parent }),
            Call::Create => store.creation(resource, read(request, body, resource, creating(resource))?, parent),
            Call::Update(id) => store.change(resource, id, read(request, body, resource, Purpose::Update)?),
            Call::Act(id, action) => {
                let blank = body.trim_ascii().is_empty();
                let body = match action.under.filter(|_| !blank) {
                    Some(under) => Some(read(request, body, under, creating(under))?),
                    None => None,
                };
                store.action(resource, id, action, body)
            }
            Call::Delete(id) => {
                store.must_belong(resource, id, parent)?;
                store.deletion(resource, id)
            }
        };
        Ok(Plan::Write { command, target })
    }

    fn record(&self, resource: &'static dyn Resource, id: i64, parent: Option<i64>) -> Response<Body> {
        let Inner { store, dialect, .. } = &*self.inner;
        let document = store.document(resource, id, parent, *dialect).and_then(|document| match document {
            Document::Short(document) => Ok(document),
            Document::Long => store.long_document((resource, id, parent), *dialect, 0),
        });
        self.documented(document)
    }

    /// The answer with a record.
    fn documented(&self, document: Result<impl Into<Body>>) -> Response<Body> {
        match document {
            Ok(document) => respond::document(document),
            Err(error) => respond::error(error, self.inner.dialect),
        }
    }

    #[cfg(feature = "tower")]
    fn long(&self, record: (&'static dyn Resource, i64, Option<i64>), dialect: Dialect) -> LongRecord {
        LongRecord { lane: self.inner.longs.clone(), store: self.inner.store.clone(), record, dialect }
    }

    /// A whole list that was kept and is still what the store holds.
    fn kept(&self, resource: &'static dyn Resource, selection: &Selection) -> Option<Bytes> {
        let Inner { store, dialect, lists, .. } = &*self.inner;
        let version = store.version().ok().filter(|_| selection.is_whole())?;
        lists.get((resource.table().list, *dialect), version)
    }

    /// Reads a list: to its end where it is short, or whole and can be kept.
    fn begin(&self, resource: &'static dyn Resource, selection: Selection) -> Result<Begun> {
        let Inner { store, dialect, lists, .. } = &*self.inner;
        let list = (resource.table().list, *dialect);
        let turn = if selection.is_whole() { lists.turn() } else { None };
        // Before it begins to be read: what is written meanwhile makes it outdated.
        let version = store.version()?;
        if selection.is_whole()
            && let Some(kept) = lists.get(list, version)
        {
            // Another has written it meanwhile.
            return Ok(Begun::Whole(kept));
        }
        let begin = |selection| {
            let document = ListDocument::new(store.snapshot()?, resource, selection, *dialect);
            Ok::<_, Error>(document)
        };
        if let Some(mut room) = turn.as_ref().and_then(|_| lists.room(list)) {
            let mut document = begin(selection.clone())?;
            loop {
                let more = document.piece(&mut room.document)?;
                if !room.fits() {
                    // It is begun anew, and not kept.
                    if room.is_too_long() {
                        lists.measured(list, room.document.len());
                    }
                    break;
                }
                if !more {
                    return Ok(Begun::Whole(lists.keep(list, room, version, store.version()?)));
                }
            }
        }
        drop(turn);
        let mut document = begin(selection)?;
        let mut first = Vec::with_capacity(PIECE + PIECE / 8);
        let ended = document.short_piece(&mut first)?;
        if ended == Ended::Whole && first.len() <= PIECE {
            return Ok(Begun::Whole(first.into()));
        }
        document.keep_little()?;
        Ok(Begun::Long(Box::new(Stream::new(first.into(), document, ended))))
    }

    /// The answer with a list.
    fn listed(&self, begun: Result<Begun>) -> Response<Body> {
        match begun {
            Ok(Begun::Whole(document)) => respond::document(document),
            Ok(Begun::Long(list)) => respond::document(Body::list(*list)),
            Err(error) => respond::error(error, self.inner.dialect),
        }
    }

    fn written(&self, outcome: Result<Outcome>, target: Target) -> Response<Body> {
        match (outcome, target.call) {
            (Ok(Outcome::Created(id)), _) => respond::created(&path(target, id)),
            (Ok(_), Call::Update(id) | Call::Act(id, _)) => respond::changed(&path(target, id)),
            (Ok(_), _) => respond::done(),
            (Err(error), _) => respond::error(error, self.inner.dialect),
        }
    }
}

/// The path of a record, without suffix or trailing slash.
fn path(target: Target, id: i64) -> String {
    let own = |resource: &dyn Resource| resource.paths().first().copied().unwrap_or_default();
    match (target.resource.parent(), target.parent) {
        (Some(parent), Some(parent_id)) => {
            format!("/{}/{parent_id}/{}/{id}", own(parent.resource), own(target.resource))
        }
        _ => format!("/{}/{id}", own(target.resource)),
    }
}

/// What a body that makes a record may set; whose part the record is, the path says.
fn creating(resource: &dyn Resource) -> Purpose {
    resource.parent().map_or(Purpose::Create, |parent| Purpose::CreateUnder(parent.column))
}

/// The fields of a request's body, which is decoded.
fn read<B>(request: &Request<B>, body: &[u8], resource: &dyn Resource, purpose: Purpose) -> Result<Values> {
    let content_type = request.headers().get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
    let content_type = String::from_utf8_lossy(content_type);
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    if let Some(charset) = charset.filter(|charset| !is_utf8_name(charset)) {
        let shown = crate::value::quoted(charset);
        return Err(Error::Xml { line: 1, reason: format!("the body's charset is {shown}; send UTF-8") });
    }
    let table = resource.table();
    let values = read_for(body, table, purpose).map_err(|error| match (error, other_format(&content_type, body)) {
        (Error::Xml { line, reason }, Some(format)) => {
            let reason = format!("{reason}; the body is {format}, send XML: <{0}>...</{0}>", table.element);
            Error::Xml { line, reason }
        }
        (error, _) => error,
    })?;
    #[cfg(feature = "server")]
    if !values.unknown.is_empty() {
        let named: Vec<String> = values.unknown.met().iter().map(ToString::to_string).collect();
        let (method, path) = (request.method(), request.uri().path());
        tracing::info!("{method} {path:?} has elements that are not known and ignored: {}", named.join(", "));
    }
    Ok(values)
}

/// What a body is that is no XML, where its type or its first byte tells.
fn other_format(content_type: &str, body: &[u8]) -> Option<&'static str> {
    let says = |part| content_type.to_ascii_lowercase().contains(part);
    match body.trim_ascii_start().first()? {
        b'<' => None,
        b'{' | b'[' => Some("JSON"),
        _ if says("json") => Some("JSON"),
        _ if says("form-urlencoded") || says("form-data") => Some("a form"),
        _ => None,
    }
}
