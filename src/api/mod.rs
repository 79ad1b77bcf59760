//! The API in process: a request in, a response out, no socket and no runtime.

mod account;
mod auth;
mod body;
mod respond;
mod route;
#[cfg(feature = "tower")]
mod service;

use std::fmt;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};

pub use account::Account;
pub use body::Body;
#[cfg(feature = "server")]
pub(crate) use respond::done;
#[cfg(feature = "tower")]
pub use service::HandleFuture;

use self::auth::Credentials;
use self::route::{Call, Route};
use crate::error::{Error, Result};
use crate::record::Values;
use crate::store::{ClientStore, Command, ListDocument, Outcome, Resource, Selection};
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
    account: Account,
}

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
    /// A list, whose beginning may take a while to find.
    List {
        resource: &'static dyn Resource,
        selection: Selection,
        head: bool,
    },
    /// A write, and the record whose path its answer gives.
    Write {
        command: Command,
        resource: &'static dyn Resource,
        id: Option<i64>,
    },
}

impl Api {
    /// The API in the `documented` dialect, open to everybody.
    pub fn new(store: ClientStore) -> Self {
        let inner = Inner { store, dialect: Dialect::default(), credentials: None, account: Account::default() };
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

    /// Whose account it is, as `/account/who_am_i` tells.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        Arc::make_mut(&mut self.inner).account = account;
        self
    }

    /// The store behind the API.
    pub fn store(&self) -> &ClientStore {
        &self.inner.store
    }

    /// Answers a request; the body may be any bytes.
    ///
    /// Every failure is an answer, by the table of `wire.md`. The [`Error`] behind an answer of 400
    /// or more is among the response's extensions. A long list is read while its body is.
    pub fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Body> {
        match self.plan(&request) {
            Plan::Answered(response) => response,
            Plan::List { resource, selection, head } => self.listed(resource, selection, head),
            Plan::Write { command, resource, id } => self.written(self.inner.store.run(command), resource, id),
        }
    }

    fn plan<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Plan {
        let dialect = self.inner.dialect;
        if let Some(credentials) = &self.inner.credentials
            && !credentials.admit(request.headers())
        {
            return Plan::Answered(respond::unauthorized(dialect));
        }
        let (route, call) = match route::find(request.method(), request.uri().path()) {
            Route::Found(resource, call) => (resource, call),
            Route::Account => return Plan::Answered(self.who_am_i(request.method())),
            Route::WrongMethod(allowed) => return Plan::Answered(respond::wrong_method(allowed, dialect)),
            Route::Unknown => return Plan::Answered(respond::unknown_path(dialect)),
        };
        self.planned(request, route, call).unwrap_or_else(|error| Plan::Answered(respond::error(error, dialect)))
    }

    fn planned<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
        resource: &'static dyn Resource,
        call: Call,
    ) -> Result<Plan> {
        let Inner { store, dialect, .. } = &*self.inner;
        let head = request.method() == Method::HEAD;
        let (command, id) = match call {
            Call::List => {
                let mut selection = resource.unfiltered();
                let today = store.today();
                let query = request.uri().query().unwrap_or_default();
                for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                    resource.filter(&mut selection, &name, &value, today)?;
                }
                return Ok(Plan::List { resource, selection, head });
            }
            Call::Get(id) => {
                let document = store.document(resource, id, *dialect)?;
                return Ok(Plan::Answered(respond::document(document, head)));
            }
            Call::Create => (store.creation(resource, read(request, resource, Purpose::Create)?), None),
            Call::Update(id) => (store.change(resource, id, read(request, resource, Purpose::Update)?), Some(id)),
            Call::Act(id, action) => (store.action(resource, id, action), Some(id)),
            Call::Delete(id) => (store.deletion(resource, id), None),
        };
        Ok(Plan::Write { command, resource, id })
    }

    fn listed(&self, resource: &'static dyn Resource, selection: Selection, head: bool) -> Response<Body> {
        let Inner { store, dialect, .. } = &*self.inner;
        let mut first = Vec::new();
        let begun = store
            .snapshot()
            .map(|snapshot| ListDocument::new(snapshot, resource, selection, *dialect))
            .and_then(|mut list| list.piece(&mut first).map(|more| more.then_some(list)));
        match begun {
            Ok(Some(rest)) => respond::streamed(first, rest, head),
            Ok(None) => respond::document(first, head),
            Err(error) => respond::error(error, *dialect),
        }
    }

    fn who_am_i(&self, method: &Method) -> Response<Body> {
        let document = self.inner.account.document(self.inner.dialect);
        respond::document(document, method == Method::HEAD)
    }

    fn written(&self, outcome: Result<Outcome>, resource: &dyn Resource, id: Option<i64>) -> Response<Body> {
        let path = resource.table().name;
        match outcome {
            Ok(Outcome::Created(id)) => respond::created(path, id),
            Ok(_) => respond::done(path, id),
            Err(error) => respond::error(error, self.inner.dialect),
        }
    }
}

/// The fields of a request's body.
fn read<B: AsRef<[u8]>>(request: &Request<B>, resource: &dyn Resource, purpose: Purpose) -> Result<Values> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    if let Some(charset) = charset.filter(|charset| !is_utf8_name(charset)) {
        let shown = crate::value::quoted(charset);
        return Err(Error::Xml { line: 1, reason: format!("the body's charset is {shown}; send UTF-8") });
    }
    read_for(request.body().as_ref(), resource.table(), purpose)
}
