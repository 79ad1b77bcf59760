//! `clientstore serve`: the HTTP server.

use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clientstore::control::Control;
use clientstore::server::Server;
use clientstore::{Api, Builder, ClientStore};
use tracing_subscriber::EnvFilter;

use crate::account::AccountArguments;
use crate::accounts::AccountsArguments;
use crate::child::ChildArguments;
use crate::limits::LimitArguments;
use crate::listen::{address, listeners, stop_signal};
use crate::log;
use crate::secret::{Secret, warn_if_shared};
use crate::tls::TlsArguments;
use crate::{Dialect, Opening, Outcome, Usage, not_known, told};

/// Why it does not serve.
type Error = Box<dyn std::error::Error>;

/// Serve the API over HTTP; old programs need --dialect live
///
/// Programs of the service's time read its documents with --dialect live, as the service sent them. Without it, answers
/// look as the API's documentation prints them.
///
/// Makes the store's file if it is not there. Says `listening on http://ADDRESS` on standard output once it accepts, or
/// with --tls `https://ADDRESS`. SIGINT (Ctrl-C) and SIGTERM stop it: what is in flight is finished, and the file is
/// closed.
///
/// Logs a line for each request on standard error: who asked, for what, the status, the time it took, and why a request
/// was refused. If nobody reads the log, lines are dropped, and their number is logged later. RUST_LOG sets the level:
/// error, warn, info or debug.
///
/// Every option can also come from the environment, as CLIENTSTORE_ and its name (CLIENTSTORE_LISTEN=127.0.0.1:8080,
/// CLIENTSTORE_MEMORY=true, CLIENTSTORE_FILE=books.db; commas between the values of one that may be given more than
/// once), and from the TOML file of --config, by its name. What the command line says comes first, then the
/// environment, then the file.
///
/// The exit status is 0 after a signal, 1 where the store or an address cannot be used, and 2 for wrong arguments.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore serve
  clientstore serve books.db --listen 127.0.0.1:8080 --listen '[::1]:8080' --auth-file secret.txt
  clientstore serve --memory --listen 127.0.0.1:0 --quiet

For an old program (docs/clients.md says how to point it here):
  clientstore serve --dialect live
  clientstore serve --dialect live --tls
  curl --cacert clientstore-authority.pem https://localhost:7557/clients

As a service, with a file of options (serve.toml: file = \"books.db\"  listen = [\"127.0.0.1:80\", \"[::1]:80\"]  quiet = true):
  clientstore serve --config serve.toml

For an account that writes numbers as 1.234,50:
  clientstore serve --company 'Muster & Co' --administrator 'Eva Muster' --decimal-symbol ,

Many accounts, each in its file (docs/scaling.md), or in memory for tests that run at the same time (docs/testing.md):
  clientstore serve --accounts accounts/ --create-accounts
  curl http://demo.localhost:7557/clients
  clientstore serve --memory --accounts --control
  curl -X POST http://worker-3.localhost:7557/_clientstore/reset

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
    /// Serve faster by declaring the file the server's own: nothing else can write it meanwhile, so that Litestream and
    /// its like cannot follow it
    #[arg(long, conflicts_with = "memory")]
    exclusive: bool,
    /// Serve a file that cannot or should not be written: reads are answered, writes refused with 503
    #[arg(long, conflicts_with_all = ["memory", "exclusive"])]
    read_only: bool,
    #[command(flatten)]
    opening: Opening,
    /// The address to listen on; port 0 takes a free one; may be given more than once
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7557", value_parser = address)]
    listen: Vec<SocketAddr>,
    /// How documents are written
    #[arg(long, value_enum, default_value = "documented")]
    dialect: Dialect,
    /// Ask every request for these credentials, by HTTP Basic. Other accounts of this machine can see them in the list
    /// of processes; --auth-file or the environment variable CLIENTSTORE_AUTH hides them
    #[arg(long, value_name = "USER:PASSWORD", conflicts_with = "auth_file")]
    auth: Option<String>,
    /// Ask for the credentials in this file: USER:PASSWORD, on one line
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,
    /// Admit whoever sends this token, as ?access_token=TOKEN or Authorization: Bearer TOKEN, and give it to everybody
    /// who asks POST /oauth2/token for one. Other accounts can see it; --auth-token-file or CLIENTSTORE_AUTH_TOKEN
    /// hides it
    #[arg(long, value_name = "TOKEN", conflicts_with = "auth_token_file")]
    auth_token: Option<String>,
    /// Admit whoever sends the token in this file
    #[arg(long, value_name = "FILE")]
    auth_token_file: Option<PathBuf>,
    /// Answer to this host name as well, or with .harvest.test to all names below harvest.test; may be given more than
    /// once
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Let web pages of this origin ask, like http://localhost:3000; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Log warnings and errors only
    #[arg(long, short)]
    quiet: bool,
    /// Take options from this TOML file, each by its name: file = "books.db", dialect = "live", memory = true; paths in
    /// it start from the working directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file of options, if it has secrets
    #[arg(skip)]
    pub(crate) secrets_in: Option<PathBuf>,
    #[command(flatten)]
    accounts: AccountsArguments,
    #[command(flatten)]
    child: ChildArguments,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    tests: TestArguments,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Args)]
#[command(next_help_heading = "For tests")]
struct TestArguments {
    /// Add the control paths under /_clientstore/: reset, snapshots, seed, journal, faults, clock,
    /// throttle; anyone who reaches the server may use them
    #[arg(long)]
    control: bool,
    /// Ask every control call for this token: as Authorization: Bearer TOKEN, or as the password of
    /// HTTP Basic. Other accounts can see it; --control-token-file or CLIENTSTORE_CONTROL_TOKEN hides it
    #[arg(long, value_name = "TOKEN", requires = "control", conflicts_with = "control_token_file")]
    control_token: Option<String>,
    /// Ask for the token in this file
    #[arg(long, value_name = "FILE", requires = "control")]
    control_token_file: Option<PathBuf>,
    /// Load these documents at the start: lists or records of the API, or dumps; all of them or none
    #[arg(long, value_name = "FILE", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Let everything that varies from run to run follow from this number: the clock stands still at
    /// 2010-01-01T00:00:00Z, and client keys are drawn from the number
    #[arg(long, value_name = "SEED")]
    deterministic: Option<u64>,
}

impl TestArguments {
    fn load(&self, store: &ClientStore) -> Result<(), Error> {
        let mut documents = Vec::new();
        for path in &self.seed {
            let file = File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            documents.push((path.display().to_string(), BufReader::new(file)));
        }
        if !documents.is_empty() {
            let loaded = store.load(documents, |_| {})?;
            for said in not_known(&loaded) {
                tracing::warn!("{said}");
            }
            tracing::info!("loaded {}", told(&loaded.kinds));
        }
        Ok(())
    }

    /// The control paths, and whether they ask for a token.
    fn control(&self) -> Result<Option<(Control, bool)>, Error> {
        if !self.control {
            return Ok(None);
        }
        let (option, file) = (self.control_token.as_deref(), self.control_token_file.as_deref());
        match Secret::given("control-token", option, file, "CLIENTSTORE_CONTROL_TOKEN")? {
            Some(token) => Ok(Some((Control::new().token(token.token()?)?, true))),
            None => Ok(Some((Control::new(), false))),
        }
    }
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        self.log();
        let ties = self.child.ties()?;
        if let Some((path, file)) = self.secrets_in.as_ref().and_then(|path| Some((path, File::open(path).ok()?))) {
            warn_if_shared(path, &file);
        }
        self.child.no_ports_yet()?;
        let account = self.account.account()?;
        let credentials = self.credentials()?;
        let token = self.token()?;
        let control = self.tests.control()?;
        let mut builder = self.opening.builder().exclusive(self.exclusive);
        if let Some(seed) = self.tests.deterministic {
            builder = builder.deterministic(seed);
        }
        let is_open = credentials.is_none() && token.is_none();
        let set_up = |store| {
            let mut api = Api::new(store).dialect(self.dialect.into());
            if let Some((user, password)) = &credentials {
                api = api.auth(user, password);
            }
            if let Some(token) = &token {
                api = api.auth_token(token);
            }
            api
        };
        let domain = account.domain.clone();
        let mut server = self.server(builder.account(account), set_up)?.limits(self.limits.limits());
        for host in &self.allow_host {
            server = server.allow_host(host).map_err(|error| Usage(format!("--allow-host: {error}")))?;
        }
        for origin in &self.allow_origin {
            server = server.allow_origin(origin).map_err(|error| Usage(format!("--allow-origin: {error}")))?;
        }
        let specified = self.listen.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
        let listening: Vec<String> = specified.map(|ip| ip.to_string()).collect();
        let names = self.accounts.names();
        let names = [&domain].into_iter().chain(&listening).chain(&self.allow_host).chain(&names).map(String::as_str);
        let tls = self.tls.tls(names)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        if let Some(tls) = tls {
            server = server.tls(tls);
        }
        let controls_are_open = control.as_ref().is_some_and(|(_, has_token)| !has_token) && is_open;
        if let Some((control, _)) = control {
            server = server.control(control);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let stop = stop_signal()?;
            let listeners = listeners(&self.listen)?;
            let (mut lines, mut addresses) = (Vec::new(), Vec::new());
            for listener in &listeners {
                let address = listener.local_addr()?;
                addresses.push(address);
                lines.push(format!("listening on {scheme}://{address}"));
                if !address.ip().to_canonical().is_loopback() {
                    if is_open {
                        tracing::warn!("{address} is open to other machines; --auth-file asks them for a password");
                    }
                    if controls_are_open {
                        tracing::warn!("the control paths of {address} are open to other machines; --control-token-file asks them for a token");
                    }
                }
            }
            let _port_file = self.child.tell_ports(&addresses)?;
            log::announce(lines.join("\n"));
            let stop = async {
                tokio::select! {
                    () = stop => {}
                    () = ties.cut() => {}
                }
            };
            server.run_all(listeners, stop).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    /// The server of a store or of many accounts, whose API is set up like this.
    fn server(&self, builder: Builder, set_up: impl FnOnce(ClientStore) -> Api) -> Result<Server, Error> {
        if !self.accounts.are_given() {
            return Ok(Server::new(set_up(self.store(builder)?)));
        }
        let accounts = match self.memory {
            true => self.accounts.in_memory(&self.store(builder)?)?,
            false if self.tests.seed.is_empty() => self.accounts.in_directory(builder.read_only(self.read_only))?,
            false => return Err(Usage("--seed fills accounts in memory only; add --memory".to_owned()).into()),
        };
        let mut server = Server::of_accounts(accounts, set_up)?;
        for domain in self.accounts.domains() {
            server = server.account_domain(domain).map_err(|error| Usage(format!("--account-domain: {error}")))?;
        }
        Ok(server)
    }

    /// The one store, with what it is seeded with.
    fn store(&self, builder: Builder) -> Result<ClientStore, Error> {
        let store = match (self.memory, builder.read_only(self.read_only)) {
            (true, builder) => builder.open_in_memory()?,
            (false, builder) => builder.open(&self.file).map_err(|error| match error {
                clientstore::Error::ReadOnly { .. } => {
                    format!("{error}; clientstore serve --read-only serves it").into()
                }
                error => Error::from(error),
            })?,
        };
        if let Some(upgrade) = store.upgrade() {
            // Also in a quiet log: a file of the user's was changed.
            tracing::warn!("{} was {upgrade}", self.file.display());
        }
        if self.exclusive {
            let file = self.file.display();
            tracing::info!(
                "nothing can follow {file} while it is served with --exclusive: Litestream has to write to it"
            );
        }
        self.tests.load(&store)?;
        Ok(store)
    }

    /// The user and the password to ask for.
    fn credentials(&self) -> Result<Option<(String, String)>, Error> {
        let given = Secret::given("auth", self.auth.as_deref(), self.auth_file.as_deref(), "CLIENTSTORE_AUTH")?;
        let Some(given) = given else { return Ok(None) };
        match given.text.split_once(':') {
            Some((user, password)) => Ok(Some((user.to_owned(), password.to_owned()))),
            None => Err(given.refused("a colon must stand between the user and the password")),
        }
    }

    /// The token to ask for.
    fn token(&self) -> Result<Option<String>, Error> {
        let (option, file) = (self.auth_token.as_deref(), self.auth_token_file.as_deref());
        Secret::given("auth-token", option, file, "CLIENTSTORE_AUTH_TOKEN")?.map(Secret::token).transpose()
    }

    fn log(&self) {
        let level = if self.quiet { "warn" } else { "info" };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(|| log::Log)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init();
    }
}
