//! The API in process: a request in, a response out, no socket and no runtime.

mod account;
mod auth;
#[cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "only the server makes pieces elsewhere and counts bodies")
)]
mod body;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only the server's connections wait and give way"))]
mod budget;
mod choose;
#[cfg(feature = "server")]
mod each;
mod encoding;
mod file;
mod known;
#[cfg(feature = "tower")]
mod lane;
mod listing;
mod lists;
#[cfg(feature = "tower")]
mod long_record;
#[cfg(feature = "server")]
mod look;
mod oauth;
mod respond;
mod route;
#[cfg(feature = "tower")]
mod service;
mod sign_in;
mod stream;
mod throttle;
#[cfg(feature = "tower")]
mod upload;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};

#[cfg(feature = "server")]
pub(crate) use auth::{Signed, same, sent_pair};
pub use body::Body;
#[cfg(feature = "server")]
pub(crate) use budget::{Budget, Charge, Guest};
#[cfg(feature = "server")]
pub(crate) use each::OfAccount;
#[cfg(feature = "server")]
pub(crate) use encoding::is_encoded;
#[cfg(feature = "server")]
pub(crate) use respond::{Reason, reason};
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
#[cfg(feature = "server")]
pub(crate) use upload::Upload;

#[cfg(not(feature = "server"))]
use self::auth::Signed;
use self::auth::{Gate, Refused};
#[cfg(feature = "tower")]
use self::lane::Lane;
use self::listing::{Begun, List};
use self::lists::Lists;
#[cfg(feature = "tower")]
use self::long_record::LongRecord;
use self::route::{Email, Route, Target};
use self::throttle::Throttle;
use crate::error::{Error, Result};
use crate::format::{self, Dialect, Format, RequestBody};
use crate::resources::people::{PEOPLE, by_email};
use crate::resources::{Answer, Call, Caller, LongTree, Plan, Telling};
use crate::store::{Actor, ClientStore, Command, Document, Outcome, Reach, RecordDocument, Role};

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
    gate: Gate,
    throttle: Arc<Throttle>,
    lists: Arc<Lists>,
    /// Where tasks begin to read a list.
    #[cfg(feature = "tower")]
    beginnings: Lane,
    /// Where long records are written.
    #[cfg(feature = "tower")]
    longs: Lane,
    /// Where passwords are hashed.
    #[cfg(feature = "tower")]
    hashes: Lane,
}

/// The longest body after decoding, in bytes. [`Api::handle`] takes longer ones if they are not encoded.
const MAX_BODY: usize = 1024 * 1024;

/// The number of lists that begin to be read at the same time; each takes a thread and a reader of the file.
#[cfg(feature = "tower")]
const BEGINNINGS: usize = 4;
/// The number of long records that are written at the same time.
#[cfg(feature = "tower")]
const LONGS: usize = 2;
/// The number of passwords that are hashed at the same time; each takes 19 MiB.
#[cfg(feature = "tower")]
const HASHES: usize = 2;

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("store", &self.inner.store)
            .field("dialect", &self.inner.dialect)
            .field("asks_for_credentials", &self.inner.gate.asks())
            .finish_non_exhaustive()
    }
}

/// What is left to do for a request.
enum Planned {
    Answered(Response<Body>),
    Record(RecordDocument),
    /// A list. To find its beginning may take a while.
    List(List),
    /// A long document that is no record's.
    Tree(LongTree),
    /// A write, and what to answer once it is on disk.
    Write(Command, Answer),
}

impl Api {
    /// The API in the `documented` dialect, open to everybody.
    pub fn new(store: ClientStore) -> Self {
        let (throttle, lists) = Default::default();
        let inner = Inner {
            // Who sends a request has nothing to do with a session's user.
            store: store.without_history(),
            dialect: Dialect::default(),
            gate: Gate::default(),
            throttle,
            lists,
            #[cfg(feature = "tower")]
            beginnings: Lane::of(BEGINNINGS),
            #[cfg(feature = "tower")]
            longs: Lane::of(LONGS),
            #[cfg(feature = "tower")]
            hashes: Lane::of(HASHES),
        };
        Api { inner: Arc::new(inner) }
    }

    /// Answers in the dialect; `documented` by default. Requests may use either.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        Arc::make_mut(&mut self.inner).dialect = dialect;
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

    /// Answers a request; the body may be any bytes, encoded as its `Content-Encoding` says: with `gzip` or
    /// `deflate` it is at most 1 MiB long once it is decoded.
    ///
    /// Every failure is an answer, by the table of `docs/spec/wire.md`. The [`Error`] behind an answer of 400
    /// or more is among the response's extensions. A long list is read while its body is.
    pub fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Body> {
        let format = self.format(request.uri(), request.headers(), request.body().as_ref());
        let signed = self.sign_in_here(request.uri(), request.headers());
        let response = match self.plan(&request, None, signed, MAX_BODY, format) {
            Planned::Answered(response) => response,
            Planned::Record(record) => self.record(record),
            Planned::List(list) => {
                let begun = self.kept(&list).map(|kept| Ok(Begun::Whole(kept)));
                self.listed(begun.unwrap_or_else(|| self.begin(list)), format)
            }
            Planned::Tree(tree) => documented(tree.written(&self.inner.store, format), format),
            Planned::Write(command, answer) => self.written(self.inner.store.run(command), answer, format),
        };
        respond::to(request.method(), response)
    }

    /// The format of the answer to a request.
    pub(crate) fn format(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Format {
        choose::format(uri, headers, body, self.inner.dialect)
    }

    /// The longest body of a request, in bytes, given what most requests may send.
    #[cfg(feature = "tower")]
    pub(crate) fn max_body(method: &http::Method, path: &str, most: usize) -> usize {
        match route::find(method, path) {
            Route::Found(target) => target.endpoint.max_body.max(most),
            Route::WrongMethod(_) | Route::Unknown => most,
        }
    }

    /// The budget that long requests, long answers and kept lists count in.
    #[cfg(feature = "server")]
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.inner.lists.budget
    }

    /// What is left to do for a request. `owner` is the body as shared bytes, if it can be shared.
    fn plan<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
        owner: Option<&Bytes>,
        signed: Signed,
        max_body: usize,
        format: Format,
    ) -> Planned {
        let route = route::find(request.method(), request.uri().path());
        let by = match &route {
            Route::Found(target) => target.endpoint.by,
            Route::WrongMethod(_) | Route::Unknown => Caller::Anybody,
        };
        let actor = match signed {
            Ok(actor) => actor,
            // The endpoint shows no records, so that anybody may call it.
            Err(_) if by == Caller::Stranger => Actor { role: Role::Regular, ..Actor::FIRST },
            Err(Refused::Unauthorized(message)) => return Planned::Answered(respond::unauthorized(message, format)),
            Err(Refused::Failed(error)) => return Planned::Answered(respond::error(error, format)),
        };
        let is_limited = !matches!(&route, Route::Found(target) if !target.endpoint.is_limited);
        if is_limited && let Err(seconds) = self.inner.throttle.admit(self.inner.store.time()) {
            return Planned::Answered(respond::throttled(seconds, format));
        }
        let target = match route {
            Route::Found(target) => target,
            Route::WrongMethod(allowed) => return Planned::Answered(respond::wrong_method(&allowed, format)),
            Route::Unknown => return Planned::Answered(respond::unknown_path(request.uri().path(), format)),
        };
        let Some(reach) = by.reach(actor) else {
            return Planned::Answered(respond::unknown_path(request.uri().path(), format));
        };
        let decoded: Bytes;
        let (bytes, owner) = match target.endpoint.operation.reads_body() {
            true => match encoding::decoded(request.headers(), request.body().as_ref(), max_body) {
                Ok(Cow::Borrowed(bytes)) => (bytes, owner),
                Ok(Cow::Owned(bytes)) => {
                    decoded = bytes.into();
                    (&*decoded, Some(&decoded))
                }
                Err(refusal) => return Planned::Answered(refusal.answer(format)),
            },
            false => (Default::default(), None),
        };
        let query = request.uri().query().unwrap_or_default();
        let content_type = choose::content_type(request.headers());
        let spooled = request.extensions().get();
        let body = RequestBody { bytes, content_type: &content_type, owner, query, spooled };
        let planned = self.planned(request, body, target, (actor, reach), format);
        planned.unwrap_or_else(|error| Planned::Answered(respond::error(error, format)))
    }

    #[cfg_attr(not(feature = "server"), allow(unused_variables, reason = "only the server has a log"))]
    fn planned<B>(
        &self,
        request: &Request<B>,
        body: RequestBody<'_>,
        target: Target,
        (actor, reach): (Actor, Reach),
        format: Format,
    ) -> Result<Planned> {
        let store = &self.inner.store;
        let actor = sign_in::acting_for(store, actor, body.query)?;
        let (root, members) = match target.call(store, body.query, body, (actor, reach))?.plan()? {
            Plan::Record { entity, parent, id } => {
                return Ok(Planned::Record(RecordDocument { entity, parent, id, reach, format }));
            }
            Plan::List { entity, selection } => return Ok(Planned::List(List { entity, selection, format })),
            Plan::Write { mut command, answer } => {
                (command.actor, command.reach) = (actor.id, reach);
                #[cfg(feature = "server")]
                tell_unknown(request, &command);
                return Ok(Planned::Write(*command, answer));
            }
            Plan::Unchanged { location } => return Ok(Planned::Answered(respond::changed(&location))),
            Plan::File(files, id) => return Ok(Planned::Answered(file::answer(store.file(files, id)?))),
            Plan::Tree(root, members) => (root, members),
            Plan::Long(tree) => return Ok(Planned::Tree(tree)),
            Plan::Token => return Ok(Planned::Answered(self.token(&body, request.uri().path(), format)?)),
            Plan::RateLimit => ("hash", account::rate_limit(&self.inner.throttle.standing(store.time()))),
        };
        Ok(Planned::Answered(respond::document(format::tree::write(root, &members, format), format)))
    }

    fn record(&self, record: RecordDocument) -> Response<Body> {
        let store = &self.inner.store;
        let document = store.document(record).and_then(|document| match document {
            Document::Short(document) => Ok(document),
            Document::Long => store.long_document(record, usize::MAX),
        });
        documented(document, record.format)
    }

    #[cfg(feature = "tower")]
    fn long(&self, record: RecordDocument) -> LongRecord {
        LongRecord { lane: self.inner.longs.clone(), store: self.inner.store.clone(), record }
    }

    fn written(&self, outcome: Result<Outcome>, answer: Answer, format: Format) -> Response<Body> {
        match (outcome, answer) {
            (Ok(Outcome::Created(id)), Answer::Created { resource, parent }) => {
                respond::created(&resource.location(parent, &id.to_string()))
            }
            (Ok(_), Answer::Changed { location }) => respond::changed(&location),
            (Ok(Outcome::Archived(hint)), _) => respond::archived(hint),
            (Ok(Outcome::Told(told)), Answer::Told(Telling { root, created, location })) => {
                let status = if created { StatusCode::CREATED } else { StatusCode::OK };
                let location = location.map(|path| format!("{path}{}", told.id));
                let document = format::tree::write(root, &told.members, format);
                respond::told(status, document, location.as_deref(), format)
            }
            (Ok(_), _) => respond::done(),
            (Err(error), _) => respond::error(error, format),
        }
    }
}

/// The answer with a record.
fn documented(document: Result<impl Into<Body>>, format: Format) -> Response<Body> {
    match document {
        Ok(document) => respond::document(document, format),
        Err(error) => respond::error(error, format),
    }
}

impl Target {
    fn call<'a>(
        self,
        store: &'a ClientStore,
        query: &'a str,
        body: RequestBody<'a>,
        (actor, reach): (Actor, Reach),
    ) -> Result<Call<'a>> {
        let Target { resource, endpoint, mut id, mut parent, day, email } = self;
        if let Some(Email { address, is_id }) = email {
            let person = store.read(|connection| by_email(connection, &address))?;
            // A caller who may not see the person must not learn that the address exists.
            if store.must_exist(&PEOPLE, person, reach).is_err() {
                return Err(Error::NoPerson { email: address });
            }
            *(if is_id { &mut id } else { &mut parent }) = Some(person);
        }
        Ok(Call { store, resource, operation: &endpoint.operation, id, parent, day, query, body, actor, reach })
    }
}

/// Says in the log which elements of a request are not known.
#[cfg(feature = "server")]
fn tell_unknown<B>(request: &Request<B>, command: &Command) {
    let Some(unknown) = command.unknown().filter(|unknown| !unknown.is_empty()) else { return };
    let named: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    let (method, path) = (request.method(), request.uri().path());
    tracing::info!("{method} {path:?} has elements that are not known and ignored: {}", named.join(", "));
}
