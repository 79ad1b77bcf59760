//! The control paths under `/_clientstore/`: arranging a server for tests, looking at what it was
//! asked, and making it misbehave. `docs/control.md` has each path with an example. A page shows it all.

mod clock;
mod entry;
mod faults;
mod input;
mod journal;
mod listing;
mod page;
mod pattern;
mod person;
mod records;
mod respond;
mod secrets;
mod snapshots;
mod state;
mod throttle;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;

use self::faults::Faults;
pub(crate) use self::faults::{Drops, Effect};
pub(crate) use self::journal::Recording;
use self::journal::{Journal, Room};
use self::listing::{Chosen, Listing};
use self::respond::{Failure, Outcome, json};
use crate::api::{Api, Body, Budget, LIST, pattern as route, same, sent_pair};
use crate::error::{Error, Result};
use crate::store::Image;

const ROOT: &str = "/_clientstore";

/// The longest document that `seed` takes, and the longest body of the other paths.
const MAX_SEED: usize = 64 * 1024 * 1024;
const MAX_JSON: usize = 1024 * 1024;

/// The rules that fit into [`MAX_JSON`], indented.
const FAULTS: usize = 2 * MAX_JSON;

/// The control paths of a [`Server`](crate::server::Server), for tests: with them, anyone who reaches
/// the server can read, change and reset everything.
///
/// ```no_run
/// use clientstore::control::Control;
/// use clientstore::server::Server;
/// use clientstore::{Api, ClientStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = ClientStore::builder().deterministic(7).open_in_memory()?;
/// let server = Server::new(Api::new(store)).control(Control::new());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// println!("http://{}/_clientstore/", listener.local_addr()?);
/// server.run(listener, std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Control {
    token: Option<String>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("asks_for_token", &self.token.is_some()).finish()
    }
}

impl Control {
    /// Control paths that are open to everybody who reaches the server.
    pub fn new() -> Self {
        Control::default()
    }

    /// Asks every control call for the token, as a Bearer token or as the password of HTTP Basic. Where the API asks
    /// for credentials, these are enough as well.
    ///
    /// ```
    /// use clientstore::control::Control;
    ///
    /// let control = Control::new().token("a long secret")?;
    /// assert!(Control::new().token(" ").is_err());
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the token is empty or blank, since everybody could guess it.
    pub fn token(mut self, token: impl Into<String>) -> Result<Self> {
        let token = token.into();
        if token.trim().is_empty() {
            return Err(Error::invalid("control token", "is empty; give one that cannot be guessed"));
        }
        self.token = Some(token);
        Ok(self)
    }
}

/// The control paths of a running server, or of one of its accounts.
pub(crate) struct Controller {
    api: Api,
    shared: Arc<Shared>,
    arranged: Arc<Arranged>,
}

/// What the control paths of all accounts of a server share.
pub(crate) struct Shared {
    token: Option<String>,
    /// Limits how many slow calls run at the same time; the others wait for their turn.
    turns: Semaphore,
    /// What all journals take together.
    room: Arc<Room>,
}

/// What tests have arranged for a store, and seen of it. It stays while the store is closed.
pub(crate) struct Arranged {
    /// The store as it was at the start; none where it is in a file.
    start: Option<Arc<Image>>,
    snapshots: Mutex<BTreeMap<String, Arc<Image>>>,
    journal: Arc<Journal>,
    faults: Faults,
    /// Held while a snapshot is taken.
    taking: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(control: Control) -> Arc<Self> {
        Arc::new(Shared { token: control.token, turns: Semaphore::new(TURNS), room: Arc::default() })
    }

    /// Nothing arranged, for a store that is in memory if there is an image of it.
    pub(crate) fn arranged(&self, start: Option<Arc<Image>>) -> Arc<Arranged> {
        Arc::new(Arranged {
            start,
            snapshots: Mutex::default(),
            journal: Arc::new(Journal::within(&self.room)),
            faults: Faults::default(),
            taking: Mutex::default(),
        })
    }
}

impl Arranged {
    /// Lets nobody wait any longer.
    pub(crate) fn stop(&self) {
        self.journal.close();
    }
}

/// The number of slow control calls that run at the same time.
const TURNS: usize = 4;

impl Controller {
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where there is no memory for a copy of the store.
    pub(crate) fn new(control: Control, api: Api) -> Result<Self> {
        let start = if api.store().is_in_memory() { Some(Arc::new(api.store().image()?)) } else { None };
        let shared = Shared::new(control);
        let arranged = shared.arranged(start);
        Ok(Self::of(api, shared, arranged))
    }

    pub(crate) fn of(api: Api, shared: Arc<Shared>, arranged: Arc<Arranged>) -> Self {
        Controller { api, shared, arranged }
    }

    /// Whether a path is a control path.
    pub(crate) fn owns(path: &str) -> bool {
        path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The longest body that a control path takes.
    pub(crate) fn max_body(path: &str) -> usize {
        if name(path) == "seed" { MAX_SEED } else { MAX_JSON }
    }

    /// Begins to record a request.
    pub(crate) fn record(&self, head: &Parts) -> Recording {
        Journal::begin(&self.arranged.journal, &self.api, head, route(&head.method, head.uri.path()).map(str::to_owned))
    }

    /// The effect of the fault rules on a request.
    pub(crate) fn fault(&self, head: &Parts) -> Option<Effect> {
        self.arranged.faults.decide(&head.method, head.uri.path())
    }

    /// Ends all waits of calls.
    pub(crate) fn stop(&self) {
        self.arranged.stop();
    }

    /// The answer to who asks whether the server is there, for no account.
    pub(crate) fn health() -> Response<Body> {
        json(&state::Health::READY).unwrap_or_else(Failure::into_response)
    }

    /// Whether a path is that of [`health`](Self::health).
    pub(crate) fn is_health(path: &str) -> bool {
        Self::owns(path) && name(path) == "health"
    }

    /// The answer to a request that cannot be read.
    pub(crate) fn unreadable(status: StatusCode, message: &str, hint: &str) -> Response<Body> {
        Failure::new(status, message, hint).into_response()
    }

    /// The memory that the answer to a control call may take, in bytes; 0 if that is little.
    pub(crate) fn answer_at_most(&self, head: &Parts) -> usize {
        match name(head.uri.path()) {
            name if name.starts_with(records::UNDER) => LIST,
            "faults" if head.method != Method::PUT && self.arranged.faults.count() > 0 => FAULTS,
            _ => 0,
        }
    }

    /// The budget that answers count in.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        self.api.budget()
    }

    /// Answers a control call that is allowed.
    pub(crate) async fn answer(self: &Arc<Self>, head: &Parts, body: Bytes) -> Response<Body> {
        if self.admits(&head.headers) { self.perform(head, body).await } else { self.refusal() }
    }

    /// Answers a control call of this program itself.
    pub(crate) async fn perform(self: &Arc<Self>, head: &Parts, body: Bytes) -> Response<Body> {
        let response = self.call(head, body).await.unwrap_or_else(Failure::into_response);
        if head.method == Method::HEAD { response.map(|_| Body::from(Vec::new())) } else { response }
    }

    /// The answer to a caller who is not admitted.
    pub(crate) fn refusal(&self) -> Response<Body> {
        respond::unauthorized(self.shared.token.is_some(), self.api.admits(&HeaderMap::new()).is_some()).into_response()
    }

    /// Whether the head of a request carries the control token or the API's credentials, where either is set.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let by_token = self.shared.token.as_ref().map(|token| carries(token, headers));
        match (by_token, self.api.admits(headers)) {
            (None, None) => true,
            (by_token, by_credentials) => by_token == Some(true) || by_credentials == Some(true),
        }
    }

    async fn call(self: &Arc<Self>, head: &Parts, body: Bytes) -> Outcome {
        let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
        let name = name(head.uri.path());
        let query = head.uri.query().unwrap_or_default();
        let takes_query = name == "journal" || name.starts_with(records::UNDER);
        if !(query.is_empty() || takes_query && method == Method::GET) {
            return Err(Failure::invalid("This path takes no query parameters", "Leave out the ? and what follows"));
        }
        match (method.as_str(), name) {
            ("GET", "health") => json(&state::Health::READY),
            ("GET", "state") => self.blocking(Self::state).await,
            ("POST", "reset") => self.blocking(move |controller| controller.reset(&body)).await,
            ("GET", "snapshots") => self.list_snapshots(),
            ("POST", "seed") => self.blocking(move |controller| controller.seed(&body)).await,
            ("GET", "journal") => {
                let chosen = listing::Query::parse(query)?.find(&self.arranged.journal).await;
                Ok(listing::answered(Listing::new(&self.arranged.journal, chosen)))
            }
            ("DELETE", "journal") => {
                let chosen = Chosen::none(self.arranged.journal.clear());
                Ok(listing::answered(Listing::new(&self.arranged.journal, chosen)))
            }
            ("POST", "journal/verify") => {
                self.blocking(move |controller| controller.arranged.journal.verify(&body)).await
            }
            ("GET", "faults") => self.blocking(|controller| json(&controller.arranged.faults.shown())).await,
            ("PUT", "faults") => self.blocking(move |controller| json(&controller.arranged.faults.set(&body)?)).await,
            ("DELETE", "faults") => json(&self.arranged.faults.clear()),
            ("GET", "clock") => json(&self.clock()),
            ("PUT", "clock") => json(&self.set_clock(&body)?),
            ("DELETE", "clock") => json(&self.restart_clock()),
            ("GET", "person") => json(&self.person()),
            ("PUT", "person") => self.blocking(move |controller| json(&controller.set_person(&body)?)).await,
            ("DELETE", "person") => json(&self.end_person()),
            ("GET", "throttle") => json(&self.throttle()),
            ("PUT", "throttle") => json(&self.set_throttle(&body)?),
            ("POST", _) if name.starts_with("snapshots/") => {
                let name = percent_decode_str(&name["snapshots/".len()..]).decode_utf8_lossy().into_owned();
                self.blocking(move |controller| controller.take_snapshot(name, &body)).await
            }
            ("GET", _) if name.starts_with(records::UNDER) => {
                let path = name[records::UNDER.len()..].to_owned();
                let window = records::window(query)?;
                self.blocking(move |controller| controller.records(&path, window)).await
            }
            ("GET", _) if page::owns(name) => Ok(page::part(name)),
            _ => Err(match methods(name) {
                Some(allowed) => respond::wrong_method(allowed),
                None => respond::unknown_path(),
            }),
        }
    }

    /// Runs slow work on a blocking thread, away from the connections.
    async fn blocking(self: &Arc<Self>, run: impl FnOnce(&Self) -> Outcome + Send + 'static) -> Outcome {
        let _turn = self.shared.turns.acquire().await;
        let controller = Arc::clone(self);
        tokio::task::spawn_blocking(move || run(&controller)).await.unwrap_or_else(|error| Err(respond::failed(&error)))
    }

    fn seed(&self, document: &[u8]) -> Outcome {
        let loaded = self.api.store().load([("", document)], |_| {}).map_err(|error| respond::not_loaded(&error))?;
        json(&state::Seeded { records: loaded.records })
    }

    fn reset(&self, body: &[u8]) -> Outcome {
        let wanted: snapshots::Reset = input::read(body, snapshots::RESET_HINT)?;
        self.restore(wanted)?;
        self.arranged.journal.clear();
        self.arranged.faults.clear();
        self.api.throttle().reset();
        self.api.stand_in(0);
        self.state()
    }
}

/// Whether a request carries the token, which is not empty.
fn carries(token: &str, headers: &HeaderMap) -> bool {
    let Some(header) = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) else { return false };
    let bearer = header.split_at_checked("Bearer ".len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "));
    let sent = bearer.map(|(_, sent)| sent.trim_ascii().to_vec()).or_else(|| Some(sent_pair(header)?.1));
    sent.is_some_and(|sent| same(token.as_bytes(), &sent))
}

/// A control path below the root.
fn name(path: &str) -> &str {
    path.strip_prefix(ROOT).unwrap_or_default().trim_matches('/')
}

/// The methods of a path that there is.
fn methods(name: &str) -> Option<&'static str> {
    match name {
        "health" | "state" | "snapshots" => Some("GET, HEAD"),
        "reset" | "seed" | "journal/verify" => Some("POST"),
        "journal" => Some("GET, HEAD, DELETE"),
        "faults" | "clock" | "person" => Some("GET, HEAD, PUT, DELETE"),
        "throttle" => Some("GET, HEAD, PUT"),
        _ if name.starts_with(records::UNDER) || page::owns(name) => Some("GET, HEAD"),
        _ => name.starts_with("snapshots/").then_some("POST"),
    }
}
