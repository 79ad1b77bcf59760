//! Who may call an API, and as whom they act.

use std::sync::Arc;

#[cfg(feature = "server")]
use http::Method;
use http::{HeaderMap, Response, Uri};

use super::auth::{Caller as Asking, Signed};
#[cfg(feature = "server")]
use super::route::{self, Route};
use super::{Api, Body, Inner, oauth, respond};
use crate::error::{Error, Result};
use crate::format::{Format, RequestBody};
#[cfg(feature = "server")]
use crate::resources::Caller;
use crate::resources::people::{PersonId, on_behalf_of};
use crate::store::{Actor, ClientStore};

impl Api {
    /// Asks every request for credentials by HTTP Basic; by default nobody is asked. These are the credentials
    /// of person 1. Anybody else who was created with a password signs in with their e-mail address and that password.
    #[must_use]
    pub fn auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).gate.ask_for(user.into(), password.into());
        self
    }

    /// Asks every request for a token or credentials. Whoever sends this token acts as person 1. It is sent as
    /// `access_token` in the query or as `Authorization: Bearer TOKEN`. `POST /oauth2/token` gives it to everybody who
    /// asks.
    #[must_use]
    pub fn auth_token(mut self, token: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).gate.take_token(token.into());
        self
    }

    /// Lets every caller who is admitted act as the person with the id, with that person's rights and no others.
    /// For tests of what a person sees.
    ///
    /// ```
    /// use clientstore::{Api, ClientStore, NewPerson};
    /// use http::Request;
    ///
    /// let api = Api::new(ClientStore::open_in_memory()?);
    /// let jane = api.store().people().create(&NewPerson::named("Jane", "Doe", "jane@example.com"))?;
    /// let request = || Request::get("/invoices").body("").unwrap();
    /// assert_eq!(api.handle(request()).status(), 200);
    /// assert_eq!(api.as_person(jane).handle(request()).status(), 404);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn as_person(mut self, id: impl Into<PersonId>) -> Self {
        Arc::make_mut(&mut self.inner).gate.stand_in_from_here(id.into().into());
        self
    }

    /// The person that every caller acts as, if that is set.
    #[cfg(feature = "server")]
    pub(crate) fn standing_in(&self) -> Option<i64> {
        self.inner.gate.standing_in()
    }

    /// Lets every caller of all clones act as the person from now on; 0 lets callers act as themselves again.
    #[cfg(feature = "server")]
    pub(crate) fn stand_in(&self, person: i64) {
        self.inner.gate.stand_in(person);
    }

    /// Whether a request carries the credentials or the token that the API was made with; `None` if nobody is asked for
    /// any.
    #[cfg(feature = "server")]
    pub(crate) fn admits(&self, headers: &HeaderMap) -> Option<bool> {
        let gate = &self.inner.gate;
        gate.asks().then(|| gate.is_owner(headers))
    }

    /// Who calls, by the head of a request. Takes a while where a password must be hashed.
    pub(super) fn sign_in_here(&self, uri: &Uri, headers: &HeaderMap) -> Signed {
        let Inner { gate, store, .. } = &*self.inner;
        match gate.caller(store, uri, headers) {
            Asking::Known(signed) => signed,
            Asking::Asked(attempt) => attempt.decide(store),
        }
    }

    /// Whether a path is open to callers who are not admitted.
    #[cfg(feature = "server")]
    pub(crate) fn is_for_strangers(&self, method: &Method, path: &str) -> bool {
        matches!(route::find(method, path), Route::Found(target) if target.endpoint.by == Caller::Stranger)
    }

    /// Who calls, by the head of a request; passwords are hashed in blocking tasks, a few at a time. Must be called
    /// within a tokio runtime.
    #[cfg(feature = "tower")]
    pub(crate) async fn sign_in(&self, uri: &Uri, headers: &HeaderMap) -> Signed {
        let Inner { gate, store, hashes, .. } = &*self.inner;
        match gate.caller(store, uri, headers) {
            Asking::Known(signed) => signed,
            Asking::Asked(attempt) => {
                let store = store.clone();
                // `decide` may refuse, but the task itself does not fail.
                hashes.run(move || Ok(attempt.decide(&store))).await?
            }
        }
    }

    /// The answer to a program that asks for the token with a code or an older token.
    pub(super) fn token(&self, body: &RequestBody<'_>, path: &str, format: Format) -> Result<Response<Body>> {
        let Some(token) = self.inner.gate.token() else { return Ok(respond::unknown_path(path, format)) };
        if !oauth::asks_for_token(body)? {
            return Err(Error::invalid("code", "is required, or a refresh_token; any value will do"));
        }
        Ok(respond::document(oauth::document(token), Format::Json))
    }
}

/// Who acts: the caller, or the person that an administrator names by `of_user` in the query.
pub(super) fn acting_for(store: &ClientStore, actor: Actor, query: &str) -> Result<Actor> {
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "of_user");
    match named.as_ref().map(|(_, id)| id.trim()).filter(|id| !id.is_empty()) {
        // Text that is no number becomes 0, which is no person's id.
        Some(id) => on_behalf_of(store, actor, id.parse().unwrap_or_default()),
        None => Ok(actor),
    }
}
