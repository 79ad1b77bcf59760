//! The API in process: a request in, a response out, no socket and no runtime.

mod account;
mod auth;
mod body;
mod choose;
mod lists;
mod respond;
mod route;
#[cfg(feature = "tower")]
mod service;
mod throttle;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
#[cfg(feature = "server")]
use http::Method;
use http::{HeaderMap, Request, Response, Uri};
#[cfg(feature = "tower")]
use tokio::sync::Semaphore;

#[cfg(feature = "server")]
pub(crate) use auth::{same, sent_password};
pub use body::Body;
pub(crate) use body::Held;
#[cfg(feature = "server")]
pub(crate) use respond::{answer, done};
#[cfg(feature = "server")]
pub(crate) use route::pattern;
#[cfg(feature = "tower")]
pub use service::HandleFuture;
#[cfg(feature = "server")]
pub(crate) use throttle::{MAX_CALLS, Standing, WINDOW};

use self::auth::Credentials;
use self::body::Stream;
use self::lists::{KEPT, Lists};
use self::route::{Route, Target};
use self::throttle::Throttle;
use crate::error::Result;
use crate::format::{self, Dialect, Format, RequestBody};
use crate::resources::{Answer, Call, Plan};
use crate::store::{ClientStore, Command, Entity, ListDocument, Outcome, PIECE, Selection};

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
    /// Who of the tasks may begin to read a list.
    #[cfg(feature = "tower")]
    beginnings: Arc<Semaphore>,
}

/// So many of them at once; each takes a thread and a reader of the file.
#[cfg(feature = "tower")]
const BEGINNINGS: usize = 4;

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
enum Planned {
    Answered(Response<Body>),
    /// A list, whose beginning may take a while to find.
    List(List),
    /// A write, and what to answer once it is on disk.
    Write(Command, Answer),
}

/// A list to write, in a format.
#[derive(Clone)]
struct List {
    entity: &'static Entity,
    selection: Selection,
    format: Format,
}

/// A list whose beginning was read.
enum Begun {
    Whole(Bytes),
    /// The rest is to be read while it is sent.
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
            beginnings: Arc::new(Semaphore::new(BEGINNINGS)),
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

    /// The limit on calls, which every clone shares.
    #[cfg(feature = "server")]
    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    /// Answers a request; the body may be any bytes.
    ///
    /// Every failure is an answer, by the table of `wire.md`. The [`Error`] behind an answer of 400
    /// or more is among the response's extensions. A long list is read while its body is.
    pub fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Body> {
        let format = self.format(request.uri(), request.headers(), request.body().as_ref());
        let response = match self.plan(&request, format) {
            Planned::Answered(response) => response,
            Planned::List(list) => {
                let begun = self.kept(&list).map(|kept| Ok(Begun::Whole(kept)));
                self.listed(begun.unwrap_or_else(|| self.begin(list)), None, format)
            }
            Planned::Write(command, answer) => self.written(self.inner.store.run(command), answer, format),
        };
        respond::to(request.method(), response)
    }

    /// The format of the answer to a request.
    pub(crate) fn format(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Format {
        choose::format(uri, headers, body, self.inner.dialect)
    }

    /// Answers a GET of a list or a record for those who look on: whole documents in the `live` dialect,
    /// of a list the part that the window shows. Nobody is asked for credentials, nothing is counted. None
    /// where the path has no records.
    #[cfg(feature = "server")]
    pub(crate) fn look(&self, path: &str, window: (i64, i64)) -> Option<Result<Response<Body>>> {
        let Route::Found(target) = route::find(&Method::GET, path) else { return None };
        let (store, format) = (&self.inner.store, Format::Xml(Dialect::Live));
        let body = RequestBody { bytes: b"", content_type: "", query: "" };
        let read = || match target.call(store, "", body).plan()? {
            Plan::List { entity, selection } => {
                let selection = Selection { window: Some(window), ..selection };
                let mut list = ListDocument::new(store.snapshot()?, entity, selection, format);
                let mut document = Vec::new();
                while list.piece(&mut document)? {}
                Ok(Some(document))
            }
            Plan::Record { entity, parent, id } => store.document(entity, parent, id, format).map(Some),
            Plan::Tree(_) | Plan::RateLimit | Plan::Write { .. } => Ok(None),
        };
        Some(read().transpose()?.map(|document| respond::document(document, format)))
    }

    fn plan<B: AsRef<[u8]>>(&self, request: &Request<B>, format: Format) -> Planned {
        if let Some(credentials) = &self.inner.credentials
            && let Err(message) = credentials.admit(request.headers())
        {
            return Planned::Answered(respond::unauthorized(message, format));
        }
        let route = route::find(request.method(), request.uri().path());
        let is_limited = !matches!(&route, Route::Found(target) if !target.endpoint.is_limited);
        if is_limited && let Err(seconds) = self.inner.throttle.admit(self.inner.store.time()) {
            return Planned::Answered(respond::throttled(seconds, format));
        }
        match route {
            Route::Found(target) => self
                .planned(request, target, format)
                .unwrap_or_else(|error| Planned::Answered(respond::error(error, format))),
            Route::WrongMethod(allowed) => Planned::Answered(respond::wrong_method(&allowed, format)),
            Route::Unknown => Planned::Answered(respond::unknown_path(format)),
        }
    }

    fn planned<B: AsRef<[u8]>>(&self, request: &Request<B>, target: Target, format: Format) -> Result<Planned> {
        let store = &self.inner.store;
        let query = request.uri().query().unwrap_or_default();
        let content_type = choose::content_type(request.headers());
        let body = RequestBody { bytes: request.body().as_ref(), content_type: &content_type, query };
        let document = match target.call(store, query, body).plan()? {
            Plan::List { entity, selection } => return Ok(Planned::List(List { entity, selection, format })),
            Plan::Write { command, answer } => return Ok(Planned::Write(command, answer)),
            Plan::Record { entity, parent, id } => store.document(entity, parent, id, format)?,
            Plan::Tree(members) => format::tree::write(&members, format),
            Plan::RateLimit => account::rate_limit(&self.inner.throttle.standing(store.time()), format),
        };
        Ok(Planned::Answered(respond::document(document, format)))
    }

    /// A whole list that was kept and is still what the store holds.
    fn kept(&self, list: &List) -> Option<Bytes> {
        let Inner { store, lists, .. } = &*self.inner;
        let version = store.version().ok().filter(|_| list.selection.is_whole())?;
        lists.get(list.name(), version)
    }

    /// Reads a list: to its end where it is short, or whole and can be kept.
    fn begin(&self, list: List) -> Result<Begun> {
        let Inner { store, lists, .. } = &*self.inner;
        let name = list.name();
        let List { entity, selection, format } = list;
        let turn = if selection.is_whole() { lists.turn() } else { None };
        // Before it begins to be read: what is written meanwhile makes it outdated.
        let version = store.version()?;
        if selection.is_whole()
            && let Some(kept) = lists.get(name, version)
        {
            // Another has written it meanwhile.
            return Ok(Begun::Whole(kept));
        }
        let mut document = ListDocument::new(store.snapshot()?, entity, selection, format);
        let first = match turn.as_ref().and_then(|_| lists.room(name)) {
            Some(mut room) => loop {
                let more = document.piece(&mut room.document)?;
                match (room.fits(), more) {
                    (true, false) => return Ok(Begun::Whole(lists.keep(name, room, version, store.version()?))),
                    (true, true) => {}
                    (false, false) => return Ok(Begun::Whole(room.into_bytes())),
                    (false, true) => {
                        lists.measured(name, KEPT + 1);
                        break room.into_bytes();
                    }
                }
            },
            None => {
                let mut first = Vec::with_capacity(PIECE + PIECE / 8);
                if !document.piece(&mut first)? {
                    return Ok(Begun::Whole(first.into()));
                }
                first.into()
            }
        };
        document.keep_little()?;
        Ok(Begun::Long(Box::new(Stream::new(first, document))))
    }

    /// The answer with a list; what is held is so until it ends.
    fn listed(&self, begun: Result<Begun>, held: Option<Held>, format: Format) -> Response<Body> {
        match begun {
            Ok(Begun::Whole(document)) => respond::document(document, format),
            Ok(Begun::Long(mut list)) => {
                list.hold(held);
                respond::streamed(list, format)
            }
            Err(error) => respond::error(error, format),
        }
    }

    fn written(&self, outcome: Result<Outcome>, answer: Answer, format: Format) -> Response<Body> {
        match (outcome, answer) {
            (Ok(Outcome::Created(id)), Answer::Created { resource, parent }) => {
                respond::created(&resource.location(parent, &id.to_string()))
            }
            (Ok(_), Answer::Changed { location }) => respond::changed(&location),
            (Ok(_), _) => respond::done(),
            (Err(error), _) => respond::error(error, format),
        }
    }
}

impl List {
    /// What it is kept under.
    fn name(&self) -> lists::Name {
        (self.entity.document.list, self.format)
    }
}

impl Target {
    fn call<'a>(self, store: &'a ClientStore, query: &'a str, body: RequestBody<'a>) -> Call<'a> {
        let Target { resource, endpoint, id, parent } = self;
        Call { store, resource, operation: &endpoint.operation, id, parent, query, body }
    }
}
