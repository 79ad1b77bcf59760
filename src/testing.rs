//! A running server for tests: on a free port, with a store of its own, gone when it is dropped.
//!
//! ```
//! use clientstore::NewClient;
//! use clientstore::testing::Server;
//!
//! let server = Server::start();
//! server.store().clients().create(&NewClient::named("SuprCorp"))?;
//!
//! let base = server.url(); // what the program under test is pointed at
//! assert!(base.starts_with("http://127.0.0.1:"));
//! # Ok::<(), clientstore::Error>(())
//! ```
//!
//! `docs/testing.md` has whole test files, in Rust and in other languages.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;

use crate::control::{Control, Controller};
use crate::server::{self, Limits};
use crate::{Account, Api, ClientStore, Dialect, PersonId, store};

/// How long a request in flight may take to finish once the server is dropped. Most are done by
/// then; a test that drops the server in the middle of an answer does not want to wait for it.
const GRACE: Duration = Duration::from_millis(100);

/// A server that runs until it is dropped.
///
/// Each has a port of its own, a thread of its own and a store of its own in memory; any number of
/// them run side by side. It listens when [`start`](Self::start) returns. Dropped, it closes its
/// port and its connections, joins its thread, and frees the store, unless a clone of that is kept.
///
/// It has the control paths under `/_clientstore/`; [`control`](Self::control) calls them.
///
/// In a tokio test, [`AsyncServer`] is the same without blocking the runtime.
///
/// ```
/// use std::io::{Read, Write};
///
/// use clientstore::testing::Server;
///
/// let server = Server::start();
/// let mut connection = std::net::TcpStream::connect(server.address())?;
/// let body = "<client><name>SuprCorp</name></client>";
/// write!(
///     connection,
///     "POST /clients HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
///     body.len()
/// )?;
/// let mut answer = String::new();
/// connection.read_to_string(&mut answer)?;
/// assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"));
/// assert_eq!(server.store().clients().get(1)?.name, "SuprCorp");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    store: ClientStore,
    address: SocketAddr,
    url: String,
    controller: Arc<Controller>,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a server with the defaults of [`builder`](Self::builder).
    ///
    /// # Panics
    ///
    /// As [`Builder::start`].
    #[track_caller]
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// How to start a server otherwise than by default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address of its root, without a slash at the end: `http://127.0.0.1:49152`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store behind it, for arranging before the program under test runs, and asserting after.
    pub fn store(&self) -> &ClientStore {
        &self.store
    }

    /// Lets every call act as the person with the id, with no more rights than theirs, until a reset or
    /// `control("DELETE", "person", "")`.
    ///
    /// ```
    /// use clientstore::NewPerson;
    /// use clientstore::testing::Server;
    ///
    /// let server = Server::start();
    /// let jane = server.store().people().create(&NewPerson::named("Jane", "Doe", "jane@example.com"))?;
    /// server.as_person(jane);
    /// // the program under test is told who_am_i as Jane Doe, and sees the projects that she is assigned to
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where there is no such person.
    #[track_caller]
    pub fn as_person(&self, id: impl Into<PersonId>) {
        self.control("PUT", "person", &format!("{{\"id\": {}}}", id.into()));
    }

    /// Calls a control path, which is given without `/_clientstore/`, and returns the JSON it answers:
    /// faults, the clock, the journal of requests, reset and whatever else `docs/control.md` has. An
    /// empty body stands for `{}`.
    ///
    /// ```
    /// use clientstore::testing::Server;
    ///
    /// let server = Server::start();
    /// server.control("PUT", "clock", r#"{"now": "2012-03-01T00:00:00Z", "frozen": true}"#);
    /// // the program under test should have asked for nothing yet
    /// server.control("POST", "journal/verify", r#"{"count": 0}"#);
    /// ```
    ///
    /// # Panics
    ///
    /// Where the answer is an error, with its message: so does an expectation that is not met.
    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: &str) -> String {
        let request = Request::builder().method(method).uri(format!("/_clientstore/{path}")).body(());
        let (head, ()) = match request {
            Ok(request) => request.into_parts(),
            Err(error) => panic!("{method} {path}: {error}"),
        };
        let (controller, body) = (Arc::clone(&self.controller), Bytes::copy_from_slice(body.as_bytes()));
        let (send, receive) = mpsc::channel();
        // Not run here, where a test's own runtime may be in charge.
        drop(self.runtime.spawn(async move { send.send(controller.perform(&head, body).await) }));
        let (head, body) = receive.recv().expect("the server runs until it is dropped").into_parts();
        let json = body.into_bytes().expect("JSON needs nothing to be read");
        let json = String::from_utf8_lossy(&json).into_owned();
        assert!(head.status.is_success(), "{method} {path}: {}", reason(&json));
        json
    }
}

/// What an error of the control paths says, as text.
fn reason(json: &str) -> String {
    let error: Value = serde_json::from_str(json).unwrap_or_default();
    let part = |name: &str| error[name].as_str();
    let at = part("at").map(|at| format!("at {at}: ")).unwrap_or_default();
    let hint = part("hint").map(|hint| format!("\n{hint}")).unwrap_or_default();
    format!("{at}{}{hint}", part("message").unwrap_or(json))
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            drop(thread.join());
        }
    }
}

/// A [`Server`] for tests that run within tokio: neither starting nor dropping it blocks the
/// runtime.
///
/// It runs on a thread of its own, not on the test's runtime, so that it answers also while the
/// test blocks or has tokio's time paused.
///
/// ```
/// use clientstore::testing::AsyncServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = AsyncServer::start().await;
/// let connection = tokio::net::TcpStream::connect(server.address()).await;
/// assert!(connection.is_ok());
/// server.stop().await; // or drop it
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncServer {
    /// There until it is dropped.
    server: Option<Server>,
}

impl AsyncServer {
    /// Starts a server with the defaults of [`Server::builder`].
    ///
    /// # Panics
    ///
    /// As [`Builder::start`], and outside a tokio runtime.
    pub async fn start() -> Self {
        Builder::default().start_async().await
    }

    /// Stops the server, and waits until its port is free and its thread gone. Dropping it does the
    /// same in the background.
    pub async fn stop(mut self) {
        let server = self.server.take();
        drop(tokio::task::spawn_blocking(|| drop(server)).await);
    }
}

impl Deref for AsyncServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        match &self.server {
            Some(server) => server,
            None => unreachable!("the server is there until it is dropped"),
        }
    }
}

impl Drop for AsyncServer {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        match Handle::try_current() {
            // A runtime waits for its blocking tasks when it ends, so that no thread outlives it.
            Ok(runtime) => drop(runtime.spawn_blocking(|| drop(server))),
            Err(_) => drop(server),
        }
    }
}

/// How to start a [`Server`]; every part has a default.
///
/// ```
/// use clientstore::testing::Server;
/// use clientstore::{Account, Dialect};
///
/// let server = Server::builder()
///     .account(Account::default().company("Example & Sons"))
///     .dialect(Dialect::Live)
///     .deterministic(7)
///     .auth("owner@example.com", "secret")
///     .start();
/// assert_eq!(server.store().account().company, "Example & Sons");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    store: store::Builder,
    dialect: Dialect,
    credentials: Option<Credentials>,
}

#[derive(Clone)]
struct Credentials {
    user: String,
    password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Builder {
    /// Whose account it is; what `/account/who_am_i` tells.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.store = self.store.account(account);
        self
    }

    /// Makes everything that varies from run to run follow from the seed, as
    /// [`Builder::deterministic`](crate::Builder::deterministic) does.
    #[must_use]
    pub fn deterministic(mut self, seed: u64) -> Self {
        self.store = self.store.deterministic(seed);
        self
    }

    /// Answers in the dialect; `documented` by default.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Asks every request for these credentials, or a person's own, by HTTP Basic; by default nobody is asked. The
    /// control paths ask for these, but for [`Server::control`].
    #[must_use]
    pub fn auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// Where the system has no port, no thread or no memory left for it; the message says which.
    #[track_caller]
    pub fn start(self) -> Server {
        match self.run() {
            Ok(server) => server,
            Err(error) => panic!("the test server cannot start: {error}"),
        }
    }

    /// Starts the server without blocking the runtime.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and outside a tokio runtime.
    pub async fn start_async(self) -> AsyncServer {
        match tokio::task::spawn_blocking(|| self.run()).await {
            Ok(Ok(server)) => AsyncServer { server: Some(server) },
            Ok(Err(error)) => panic!("the test server cannot start: {error}"),
            Err(error) => panic!("the test server cannot start: {error}"),
        }
    }

    fn run(self) -> Result<Server, Box<dyn std::error::Error + Send + Sync>> {
        let store = self.store.open_in_memory()?;
        let mut api = Api::new(store.clone()).dialect(self.dialect);
        if let Some(Credentials { user, password }) = self.credentials {
            api = api.auth(user, password);
        }
        let controller = Arc::new(Controller::new(Control::new(), api.clone())?);
        let limits = Limits { stop_timeout: GRACE, ..Limits::default() };
        let server = server::Server::new(api).limits(limits);

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no port: {error}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let name = format!("serve {}", address.port());
        // Lists and writes borrow threads of it, which have the same name.
        let runtime = runtime::Builder::new_current_thread().thread_name(&name).enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let control = Arc::clone(&controller);
        let serve = {
            let _entered = handle.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            server.run_with(control, vec![listener], async { drop(stopped.await) })
        };
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || runtime.block_on(serve))
            .map_err(|error| format!("no thread: {error}"))?;
        let (url, stop, thread) = (format!("http://{address}"), Some(stop), Some(thread));
        Ok(Server { store, address, url, controller, runtime: handle, stop, thread })
    }
}
