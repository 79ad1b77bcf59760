//! `clientstore serve`: the HTTP server.

use std::fs::File;
use std::io::{BufReader, IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clientstore::control::Control;
use clientstore::server::{Limits, Server};
use clientstore::{Api, ClientStore};
use tokio::net::{TcpListener, TcpSocket};
use tracing_subscriber::EnvFilter;

use crate::tls::TlsArguments;
use crate::{Dialect, Opening, Outcome, counted, not_known};

/// Serve the API over HTTP
///
/// Makes the store's file if it is not there. Says `listening on http://ADDRESS` on standard output
/// once it accepts, or with --tls `https://ADDRESS`; logs go to standard error. SIGINT (Ctrl-C) and SIGTERM stop it: what is in flight
/// is finished, and the file is closed.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore serve
  clientstore serve books.db --listen 127.0.0.1:8080 --auth me@example.com:secret
  clientstore serve --memory --listen 127.0.0.1:0 --quiet

For an old program, with the documents that the service sent (docs/clients.md says how to point it here):
  clientstore serve --dialect live
  clientstore serve --dialect live --tls
  curl --cacert clientstore-authority.pem https://localhost:7557/clients

A fake backend for tests, seeded, with control paths (docs/control.md has them all):
  clientstore serve --memory --control --seed clients.xml projects.xml
  curl http://127.0.0.1:7557/_clientstore/journal
  curl -X PUT http://127.0.0.1:7557/_clientstore/clock -d '{\"advance_seconds\": 86400}'
  curl -X POST http://127.0.0.1:7557/_clientstore/reset
The same in a browser: http://127.0.0.1:7557/_clientstore/")]
pub(crate) struct Serve {
    /// The store's file
    #[arg(default_value = "clientstore.db", conflicts_with = "memory")]
    file: PathBuf,
    /// Keep the store in memory; it is gone when the server stops
    #[arg(long)]
    memory: bool,
    /// Serve faster by declaring the file the server's own: nothing else can write it meanwhile
    #[arg(long, conflicts_with = "memory")]
    exclusive: bool,
    /// Serve a file that cannot or should not be written: reads are answered, writes refused with 503
    #[arg(long, conflicts_with_all = ["memory", "exclusive"])]
    read_only: bool,
    #[command(flatten)]
    opening: Opening,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7557", value_parser = address)]
    listen: SocketAddr,
    /// How documents are written
    #[arg(long, value_enum, default_value = "documented")]
    dialect: Dialect,
    /// Ask every request for these credentials, by HTTP Basic
    #[arg(long, value_name = "USER:PASSWORD", value_parser = credentials)]
    auth: Option<(String, String)>,
    /// Answer to this host name as well; may be given more than once
    #[arg(long, value_name = "HOST", value_parser = host)]
    allow_host: Vec<String>,
    /// Let web pages of this origin ask, like http://localhost:3000; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,
    /// Log warnings and errors only
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    tests: TestArguments,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Args)]
#[command(next_help_heading = "For tests")]
struct TestArguments {
    /// Add the control paths under /_clientstore/: reset, snapshots, seed, journal, faults, clock,
    /// throttle; whoever reaches the server may use them
    #[arg(long)]
    control: bool,
    /// Ask every control call for this token: as Authorization: Bearer TOKEN, or as the password of
    /// HTTP Basic
    #[arg(long, value_name = "TOKEN", requires = "control", value_parser = token)]
    control_token: Option<String>,
    /// Load these documents at the start: lists or records of the API, or dumps; all of them or none
    #[arg(long, value_name = "FILE", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Let everything that varies from run to run follow from this number: the clock stands still at
    /// 2010-01-01T00:00:00Z, and client keys are drawn from the number
    #[arg(long, value_name = "SEED")]
    deterministic: Option<u64>,
}

impl TestArguments {
    fn load(&self, store: &ClientStore) -> Result<(), Box<dyn std::error::Error>> {
        let mut documents = Vec::new();
        for path in &self.seed {
            let file = File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            documents.push((path.display().to_string(), BufReader::new(file)));
        }
        if !documents.is_empty() {
            let loaded = store.load(documents)?;
            for said in not_known(&loaded) {
                tracing::warn!("{said}");
            }
            tracing::info!("loaded {}", counted(loaded.records, "record"));
        }
        Ok(())
    }

    fn control(&self) -> Result<Option<Control>, clientstore::Error> {
        let control = self.control.then(Control::new);
        match (control, &self.control_token) {
            (Some(control), Some(token)) => control.token(token).map(Some),
            (control, _) => Ok(control),
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// The longest body of a request, in bytes, or with a K, M or G in units of 1,024 bytes, 1,024 K or
    /// 1,024 M
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = Limits::default().max_body)]
    max_body: usize,
    /// The longest head of a request, in bytes, or like the body's
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = Limits::default().max_head)]
    max_head: usize,
    /// How long a request's head may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().head_timeout.as_secs())]
    head_timeout: u64,
    /// How long a body or an answer may stand still, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().progress_timeout.as_secs())]
    progress_timeout: u64,
    /// How long a connection may wait for its next request, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle_timeout.as_secs())]
    idle_timeout: u64,
    /// How many connections may be open
    #[arg(long, value_name = "COUNT", value_parser = count, default_value_t = Limits::default().max_connections)]
    max_connections: usize,
}

impl LimitArguments {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.max_body = self.max_body;
        limits.max_head = self.max_head;
        limits.head_timeout = Duration::from_secs(self.head_timeout);
        limits.progress_timeout = Duration::from_secs(self.progress_timeout);
        limits.idle_timeout = Duration::from_secs(self.idle_timeout);
        limits.max_connections = self.max_connections;
        limits
    }
}

fn address(argument: &str) -> Result<SocketAddr, String> {
    let addresses = argument.to_socket_addrs().ok();
    let address = addresses.and_then(|mut addresses| addresses.find(SocketAddr::is_ipv4).or(addresses.next()));
    address.ok_or_else(|| "give a host and a port, like 127.0.0.1:8080 or localhost:8080".to_owned())
}

fn host(argument: &str) -> Result<String, String> {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !argument.is_empty() && argument.bytes().all(named) {
        Ok(argument.to_owned())
    } else {
        Err("give a name alone, like harvest.test, without a scheme, a port or a wildcard".to_owned())
    }
}

fn origin(argument: &str) -> Result<String, String> {
    let rest = argument.strip_prefix("http://").or_else(|| argument.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains('/') => Ok(argument.to_owned()),
        _ => Err("give a scheme, a host and perhaps a port, like http://localhost:3000".to_owned()),
    }
}

fn token(argument: &str) -> Result<String, String> {
    let is_sendable = !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_graphic());
    is_sendable.then(|| argument.to_owned()).ok_or_else(|| "give printable ASCII without spaces".to_owned())
}

fn bytes(argument: &str) -> Result<usize, String> {
    let digits = argument.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: usize = match &*argument[digits.len()..].to_ascii_uppercase() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => 0,
    };
    let bytes = digits.parse().ok().and_then(|number: usize| number.checked_mul(unit)).filter(|_| unit > 0);
    bytes.ok_or_else(|| "give a whole number of bytes, or of K, M or G, like 65536, 64K or 1M".to_owned())
}

fn count(argument: &str) -> Result<usize, String> {
    argument.parse().ok().filter(|count| *count > 0).ok_or_else(|| "give a number from 1".to_owned())
}

fn credentials(argument: &str) -> Result<(String, String), String> {
    match argument.split_once(':') {
        Some((user, password)) => Ok((user.to_owned(), password.to_owned())),
        None => Err("a colon must stand between the user and the password".to_owned()),
    }
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        self.log();
        let mut builder = self.opening.builder().exclusive(self.exclusive);
        if let Some(seed) = self.tests.deterministic {
            builder = builder.deterministic(seed);
        }
        let store = match (self.memory, builder.read_only(self.read_only)) {
            (true, builder) => builder.open_in_memory()?,
            (false, builder) => builder.open(&self.file).map_err(|error| match error {
                clientstore::Error::ReadOnly { .. } => {
                    format!("{error}; clientstore serve --read-only serves it").into()
                }
                error => Box::<dyn std::error::Error>::from(error),
            })?,
        };
        if let Some(upgrade) = store.upgrade() {
            // Also in a quiet log: a file of the user's was changed.
            tracing::warn!("{} was {upgrade}", self.file.display());
        }
        self.tests.load(&store)?;
        let domain = store.account().domain.clone();
        let mut api = Api::new(store).dialect(self.dialect.into());
        if let Some((user, password)) = &self.auth {
            api = api.auth(user, password);
        }
        let mut server = Server::new(api).limits(self.limits.limits());
        for host in &self.allow_host {
            server = server.allow_host(host)?;
        }
        for origin in &self.allow_origin {
            server = server.allow_origin(origin)?;
        }
        let listening = self.listen.ip().to_string();
        let names = [&domain, &listening].into_iter().chain(&self.allow_host).map(String::as_str);
        let tls = self.tls.tls(names)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        if let Some(tls) = tls {
            server = server.tls(tls);
        }
        if let Some(control) = self.tests.control()? {
            server = server.control(control);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener =
                listener(self.listen).map_err(|error| format!("cannot listen on {}: {error}", self.listen))?;
            let stop = stop_signal()?;
            let address = listener.local_addr()?;
            let mut out = std::io::stdout();
            writeln!(out, "listening on {scheme}://{address}")?;
            out.flush()?;
            if !address.ip().is_loopback() {
                tracing::warn!("{address} is open to other machines; --auth asks them for a password");
                if self.tests.control && self.tests.control_token.is_none() {
                    tracing::warn!("so are its control paths; --control-token asks for a token");
                }
            }
            server.run(listener, stop).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn log(&self) {
        let level = if self.quiet { "warn" } else { "info" };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init();
    }
}

/// So many connections wait to be accepted. The usual 128 are soon taken, and who comes then waits for a second.
const BACKLOG: u32 = 4096;

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that has just stopped leaves its connections behind; on Windows it would share the address.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Waits for SIGINT, or on Unix SIGTERM; both are caught from now on.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        tracing::info!("stopping");
    })
}
