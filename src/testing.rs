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

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::server::{self, Limits};
use crate::{Account, Api, ClientStore, Dialect};

/// How long a request in flight may take to finish once the server is dropped. Most are done by
/// then; a test that drops the server in the middle of an answer does not want to wait for it.
const GRACE: Duration = Duration::from_millis(100);

/// A server that runs until it is dropped.
///
/// Each has a port of its own, a thread of its own and a store of its own in memory; any number of
/// them run side by side. It listens when [`start`](Self::start) returns. Dropped, it closes its
/// port and its connections, joins its thread, and frees the store, unless a clone of that is kept.
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
#[derive(Debug)]
pub struct Server {
    store: ClientStore,
    address: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
#[derive(Clone, Default)]
pub struct Builder {
    account: Account,
    dialect: Dialect,
    credentials: Option<(String, String)>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("account", &self.account)
            .field("dialect", &self.dialect)
            .field("asks_for_credentials", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Whose account it is; what `/account/who_am_i` tells.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// Answers in the dialect; `documented` by default.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Asks every request for these credentials by HTTP Basic; by default nobody is asked.
    #[must_use]
    pub fn auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
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
        let store = ClientStore::builder().account(self.account).open_in_memory()?;
        let mut api = Api::new(store.clone()).dialect(self.dialect);
        if let Some((user, password)) = self.credentials {
            api = api.auth(user, password);
        }
        let limits = Limits { stop_timeout: GRACE, ..Limits::default() };
        let server = server::Server::new(api).limits(limits);

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no port: {error}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("serve {}", address.port()))
            .spawn(move || serve(server, listener, stopped, &tell))
            .map_err(|error| format!("no thread: {error}"))?;
        // From here on, dropping it stops it.
        let server =
            Server { store, address, url: format!("http://{address}"), stop: Some(stop), thread: Some(thread) };
        told.recv()??;
        Ok(server)
    }
}

/// Serves until the sender of `stopped` is gone; tells first whether it can.
fn serve(
    server: server::Server,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
    tell: &mpsc::SyncSender<io::Result<()>>,
) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Writes borrow a thread, which has the same name.
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let runtime = match builder.thread_name(name).enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(tell.send(Ok(())));
        server.run(listener, async { drop(stopped.await) }).await
    });
    if let Err(error) = served {
        drop(tell.try_send(Err(error)));
    }
}
