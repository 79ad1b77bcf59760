//! The API over HTTP/1.1: an adapter between sockets and an [`Api`].
//!
//! ```no_run
//! use clientstore::server::Server;
//! use clientstore::{Api, ClientStore};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let api = Api::new(ClientStore::open("clientstore.db")?);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7557").await?;
//! let shutdown = std::future::pending(); // or a signal
//! Server::new(api).run(listener, shutdown).await?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod exchange;
mod guard;
#[cfg(feature = "tls")]
mod handshake;
mod limits;
mod lines;
mod origin;
mod progress;
mod sending;
mod sites;
#[cfg(feature = "tls")]
mod tls;
mod wire;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::server::conn::http1::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id, JoinSet};

pub use self::guard::AllowError;
use self::guard::Guard;
pub use self::limits::Limits;
use self::progress::Progress;
use self::sites::{AccountSites, Site, Sites};
#[cfg(feature = "tls")]
pub use self::tls::Tls;
use crate::control::{self, Control, Controller};
use crate::{Accounts, Api, ClientStore};

/// How long to wait before trying again to accept, where the system has no more sockets, or to find
/// a place for a connection, where there is none.
const PATIENCE: Duration = Duration::from_millis(10);

/// How often it is looked whether somebody gives way, while others wait for room.
const TICK: Duration = Duration::from_millis(50);

/// An account's file is closed once nobody has asked for the account for this long.
const IDLE_ACCOUNT: Duration = Duration::from_secs(60);

/// Serves an [`Api`] over HTTP/1.1, with keep-alive and pipelining.
///
/// It answers to hosts that no foreign web page can have, and to no page of another origin; see
/// [`allow_host`](Self::allow_host) and [`allow_origin`](Self::allow_origin). It logs one line a
/// request through `tracing`, at info: who asked, for what, the status, the time it took, and why it was refused.
#[derive(Clone, Debug)]
pub struct Server {
    /// Over the store, or over none of the accounts'.
    api: Api,
    accounts: Option<Accounts>,
    limits: Limits,
    guard: Guard,
    control: Option<Control>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// What every connection needs.
struct Shared {
    /// For what is refused whatever it is for, and for the budget.
    api: Api,
    sites: Sites,
    has_control: bool,
    limits: Limits,
    guard: Guard,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    protocol: Builder,
    start: Instant,
    stopping: AtomicBool,
    stop: Notify,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl Server {
    /// A server with the default [`Limits`].
    pub fn new(api: Api) -> Self {
        Server {
            api,
            accounts: None,
            limits: Limits::default(),
            guard: Guard::default(),
            control: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// A server of many accounts: the host of a request says which one it is for.
    ///
    /// `demo` is reached as `demo.localhost` and `demo.harvestapp.com`, and below each [domain](Self::account_domain) that is
    /// added. Where a program cannot choose the host, a header `X-Clientstore-Account: demo` names the account. A request
    /// for no account, or one that is not there, gets 404. Each account has its own clock, throttle and control paths;
    /// limits and the budget of bytes are the server's.
    ///
    /// `set_up` says what the accounts' API is like. It is called once, with a store that is no account's.
    ///
    /// ```
    /// use clientstore::server::Server;
    /// use clientstore::{Accounts, Api, ClientStore, Dialect};
    ///
    /// let accounts = Accounts::in_directory("accounts", ClientStore::builder()).create_on_demand(true);
    /// let server = Server::of_accounts(accounts, |store| Api::new(store).dialect(Dialect::Live))?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where there is no memory for a store.
    pub fn of_accounts(accounts: Accounts, set_up: impl FnOnce(ClientStore) -> Api) -> Result<Self, crate::Error> {
        let mut server = Server::new(set_up(accounts.nobodys()?));
        server.guard.has_accounts();
        server.accounts = Some(accounts);
        Ok(server)
    }

    /// Takes what stands before this domain in a host for the name of an account as well, and answers to these hosts.
    ///
    /// The domain should be yours: the control paths answer to the names below it.
    ///
    /// # Errors
    ///
    /// [`AllowError::Host`] where no request could match.
    pub fn account_domain(mut self, domain: impl AsRef<str>) -> Result<Self, AllowError> {
        self.guard.account_domain(domain.as_ref())?;
        Ok(self)
    }

    /// What a connection may take.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use clientstore::server::{Limits, Server};
    /// use clientstore::{Api, ClientStore};
    ///
    /// let mut limits = Limits::default();
    /// limits.idle_timeout = Duration::from_secs(5);
    /// let server = Server::new(Api::new(ClientStore::open_in_memory()?))
    ///     .limits(limits)
    ///     .allow_host(".harvest.test")?
    ///     .allow_origin("http://localhost:3000")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds the control paths under `/_clientstore/`, for tests; by default there are none.
    ///
    /// With them, the `Date` header tells the store's time.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// Serves HTTPS with this certificate, and no plain HTTP.
    ///
    /// The handshake and the first request's head share [`Limits::head_timeout`]. A program that takes the port for an
    /// HTTP proxy gets a tunnel (`CONNECT`) to the hosts that the server answers to, which ends here.
    ///
    /// ```
    /// use clientstore::server::{Server, Tls};
    /// use clientstore::{Api, ClientStore};
    ///
    /// let server = Server::new(Api::new(ClientStore::open_in_memory()?)).tls(Tls::generate(["harvest.test"])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.guard.is_secure = true;
        self.tls = Some(tls);
        self
    }

    /// Answers to this host name as well, whatever the port; `.harvest.test` stands for all names below
    /// `harvest.test`.
    ///
    /// By default these are `localhost` and the names below it, IP addresses but the unspecified ones, and
    /// the names below `harvestapp.com`, which old programs carry that come through a hosts file or an HTTP
    /// proxy setting: to these the API's paths answer, and not to web pages. Other hosts get 403: a web page
    /// could let a name of its own point to this machine.
    ///
    /// # Errors
    ///
    /// [`AllowError::Host`] where no request could match.
    pub fn allow_host(mut self, name: impl AsRef<str>) -> Result<Self, AllowError> {
        self.guard.allow_host(name.as_ref())?;
        Ok(self)
    }

    /// Lets web pages of this origin ask, such as `http://localhost:3000`; their answers carry the
    /// headers of CORS. A port that browsers leave out, as 80 for http, may be given. By default a request
    /// that a page of another origin makes gets 403.
    ///
    /// # Errors
    ///
    /// [`AllowError::Origin`] where no page could match.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Result<Self, AllowError> {
        self.guard.allow_origin(origin.as_ref())?;
        Ok(self)
    }

    /// Serves the listener's connections until `shutdown` is done. Then it accepts no more, lets the
    /// requests in flight finish, for [`Limits::stop_timeout`] at most, and returns.
    ///
    /// Must be called within a tokio runtime that has its I/O and time drivers enabled.
    ///
    /// # Errors
    ///
    /// Where the listener cannot be used, or the store not be copied for the control paths' reset. A
    /// connection that cannot be accepted is logged, and no error.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        self.run_all(vec![listener], shutdown).await
    }

    /// As [`run`](Self::run), on several addresses.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_all(self, listeners: Vec<TcpListener>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        for listener in &listeners {
            listener.local_addr()?;
        }
        let control = self.control.clone();
        let sites = match &self.accounts {
            Some(accounts) => {
                let control = control.map(control::Shared::new);
                Sites::Accounts(Box::new(AccountSites::new(accounts.clone(), self.api.clone(), control)))
            }
            None => {
                let controller = |control| Controller::new(control, self.api.clone()).map(Arc::new);
                let control = control.map(controller).transpose().map_err(io::Error::other)?;
                Sites::One(Arc::new(Site { api: self.api.clone(), control }))
            }
        };
        let has_control = self.control.is_some();
        self.run_sites(sites, has_control, listeners, shutdown).await;
        Ok(())
    }

    /// As [`run_all`](Self::run_all), with these control paths.
    #[cfg(feature = "testing")]
    pub(crate) async fn run_with(
        self,
        control: Arc<Controller>,
        listeners: Vec<TcpListener>,
        shutdown: impl Future<Output = ()>,
    ) {
        let site = Site { api: self.api.clone(), control: Some(control) };
        self.run_sites(Sites::One(Arc::new(site)), true, listeners, shutdown).await;
    }

    async fn run_sites(
        self,
        sites: Sites,
        has_control: bool,
        listeners: Vec<TcpListener>,
        shutdown: impl Future<Output = ()>,
    ) {
        #[cfg(feature = "tls")]
        let tls = self.tls;
        let Server { api, limits, guard, .. } = self;
        let mut protocol = connection::protocol(&limits);
        // It is the control paths' clock then that tells the date.
        protocol.auto_date_header(!has_control);
        let (start, stopping, stop) = (Instant::now(), AtomicBool::new(false), Notify::new());
        let shared = Arc::new(Shared {
            api,
            sites,
            has_control,
            limits,
            guard,
            #[cfg(feature = "tls")]
            tls,
            protocol,
            start,
            stopping,
            stop,
        });
        let mut connections = Connections { shared, tasks: JoinSet::new(), served: HashMap::new() };
        {
            let mut shutdown = pin!(shutdown);
            let shared = Arc::clone(&connections.shared);
            let mut pressure = pin!(async {
                let budget = shared.api.budget();
                loop {
                    poll_fn(|cx| budget.poll_pressed(cx)).await;
                    tokio::time::sleep(TICK).await;
                    shared.sites.forget_lists();
                    budget.make_room();
                }
            });
            let mut idle = pin!(shared.sites.close_idle(IDLE_ACCOUNT));
            let (mut waiting, mut first) = (None, 0);
            loop {
                waiting = waiting.and_then(|(stream, peer)| connections.serve(stream, peer));
                tokio::select! {
                    biased;
                    () = &mut shutdown => break,
                    Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended),
                    () = &mut pressure => {}
                    () = &mut idle => {}
                    () = tokio::time::sleep(PATIENCE), if waiting.is_some() => {}
                    accepted = accept(&listeners, &mut first), if waiting.is_none() => match accepted {
                        Ok(accepted) => waiting = Some(accepted),
                        Err(error) => {
                            tracing::warn!("cannot accept a connection: {error}");
                            tokio::time::sleep(PATIENCE).await;
                        }
                    },
                }
            }
        }
        drop(listeners);
        connections.finish().await;
    }
}

/// The next connection of any of the listeners, who take turns.
async fn accept(listeners: &[TcpListener], first: &mut usize) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        let (later, sooner) = listeners.split_at(*first);
        for listener in sooner.iter().chain(later) {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                *first = (*first + 1) % listeners.len();
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

/// The connections that are being served.
struct Connections {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    served: HashMap<Id, (Arc<Progress>, AbortHandle)>,
}

impl Connections {
    /// Serves a connection, or gives it back where there is no place for it now.
    fn serve(&mut self, stream: TcpStream, peer: SocketAddr) -> Option<(TcpStream, SocketAddr)> {
        if self.served.len() >= self.shared.limits.max_connections && !self.make_room() {
            return Some((stream, peer));
        }
        // Answers are written whole; to wait for more of them only delays.
        drop(stream.set_nodelay(true));
        let progress = Arc::new(Progress::new(peer, self.shared.start));
        let handle = self.spawn(stream, Arc::clone(&progress));
        self.served.insert(handle.id(), (progress, handle));
        None
    }

    fn spawn(&mut self, stream: TcpStream, progress: Arc<Progress>) -> AbortHandle {
        let shared = Arc::clone(&self.shared);
        #[cfg(feature = "tls")]
        if let Some(tls) = self.shared.tls.clone() {
            return self.tasks.spawn(handshake::serve(stream, tls, shared, progress));
        }
        self.tasks.spawn(connection::serve(stream, shared, progress))
    }

    /// Closes the connection that has been without a complete head for longest.
    fn make_room(&mut self) -> bool {
        while let Some((_, id)) = self
            .served
            .iter()
            .filter_map(|(id, (progress, _))| Some((progress.headless_since()?, *id)))
            .min_by_key(|(since, _)| *since)
        {
            // Its head may have come just now.
            if self.served[&id].0.dismiss() {
                if let Some((_, handle)) = self.served.remove(&id) {
                    handle.abort();
                }
                tracing::debug!("a connection without a request gave way to a new one");
                return true;
            }
        }
        false
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!("a connection's task failed: {error}");
                }
                error.id()
            }
        };
        self.served.remove(&id);
    }

    /// Lets what is in flight finish, for a while.
    async fn finish(mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.stop.notify_waiters();
        self.shared.sites.stop();
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.shared.limits.stop_timeout, finished).await.is_err() {
            let (count, were) = (self.tasks.len(), if self.tasks.len() == 1 { " was" } else { "s were" });
            tracing::warn!("{count} connection{were} closed before being done");
            self.tasks.shutdown().await;
        }
    }
}
