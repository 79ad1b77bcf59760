//! Signing in: HTTP Basic, as old programs send it, and tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use rusqlite::{Connection, OptionalExtension, Row};

use super::known::Known;
use crate::error::{Error, Result};
use crate::password;
use crate::store::{ADMINISTRATOR, Actor, ClientStore, Role};

/// With or without padding, since programs differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const NOTHING_SENT: &str = "This account asks for a user and a password, by HTTP Basic.";
const UNREADABLE: &str = "The credentials cannot be read; send HTTP Basic, USER:PASSWORD in base64.";
/// The service's own words: a program compares them.
const WRONG: &str = "Authentication failed for API request.";
const WRONG_TOKEN: &str = "The token is wrong.";
const ARCHIVED: &str = "This person is archived, and cannot sign in.";
const GONE: &str = "The person that calls should act as does not exist.";

/// How callers are asked who they are. Clones share the remembered passwords and each has its own credentials.
#[derive(Clone, Default)]
pub(super) struct Gate {
    credentials: Option<Credentials>,
    token: Option<String>,
    /// The person that every admitted caller acts as; 0 if callers act as themselves.
    stand_in: Arc<AtomicI64>,
    known: Arc<Known>,
}

/// Who calls, or why they are not admitted.
pub(crate) type Signed = std::result::Result<Actor, Refused>;

pub(crate) enum Refused {
    /// The credentials are missing or wrong; the message of the answer.
    Unauthorized(&'static str),
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Failed(error)
    }
}

/// What the head of a request says of who calls.
pub(super) enum Caller {
    Known(Signed),
    /// It depends on a password, which must be hashed first. That takes a while.
    Asked(Box<Attempt>),
}

/// A user and a password.
#[derive(Clone)]
struct Credentials {
    user: String,
    password: String,
}

/// A user and a password that were sent, and the person whom the user may be.
pub(super) struct Attempt {
    known: Arc<Known>,
    stand_in: Option<i64>,
    user: Vec<u8>,
    password: Vec<u8>,
    person: Option<Person>,
}

/// What signing in needs to know of a person.
struct Person {
    actor: Actor,
    is_active: bool,
    hash: Option<String>,
}

impl Gate {
    /// Asks everybody for credentials. Whoever sends these acts as person 1.
    pub(super) fn ask_for(&mut self, user: String, password: String) {
        self.credentials = Some(Credentials { user, password });
    }

    /// Admits whoever sends the token, as person 1.
    pub(super) fn take_token(&mut self, token: String) {
        self.token = Some(token);
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Lets every admitted caller act as the person; 0 lets them act as themselves. It holds for clones too.
    #[cfg(feature = "server")]
    pub(super) fn stand_in(&self, person: i64) {
        self.stand_in.store(person, Ordering::Relaxed);
    }

    /// Shares the person that every caller acts as with the other APIs of the same account.
    #[cfg(feature = "server")]
    pub(super) fn stand_in_with(&mut self, person: &Arc<AtomicI64>) {
        self.stand_in = Arc::clone(person);
    }

    /// The person that every caller acts as, if that is set.
    pub(super) fn standing_in(&self) -> Option<i64> {
        Some(self.stand_in.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    /// Lets every caller act as the person. It does not hold for earlier clones.
    pub(super) fn stand_in_from_here(&mut self, person: i64) {
        self.stand_in = Arc::new(AtomicI64::new(person));
    }

    /// Whether callers are asked for credentials or a token.
    pub(super) fn asks(&self) -> bool {
        self.credentials.is_some() || self.token.is_some()
    }

    /// Whether a request carries the credentials or the token that the server was started with, not a person's own.
    #[cfg(feature = "server")]
    pub(super) fn is_owner(&self, headers: &HeaderMap) -> bool {
        let Some(header) = headers.get(AUTHORIZATION) else { return false };
        self.has_token(bearer(header.as_bytes()))
            || sent_pair(header.as_bytes()).is_some_and(|(user, password)| self.has_credentials(&user, &password))
    }

    fn has_credentials(&self, user: &[u8], password: &[u8]) -> bool {
        // Both are compared, even if the first differs, so that the time tells nothing.
        self.credentials
            .as_ref()
            .is_some_and(|ours| same(ours.user.as_bytes(), user) & same(ours.password.as_bytes(), password))
    }

    fn has_token(&self, sent: Option<&[u8]>) -> bool {
        self.token.as_ref().zip(sent).is_some_and(|(ours, sent)| same(ours.as_bytes(), sent))
    }

    /// Who calls, by the head of their request. A password may still have to be hashed.
    pub(super) fn caller(&self, store: &ClientStore, uri: &Uri, headers: &HeaderMap) -> Caller {
        let stand_in = self.standing_in();
        match self.found(store, uri, headers) {
            Ok(Found::Attempt(user, password, person)) => {
                let known = Arc::clone(&self.known);
                Caller::Asked(Box::new(Attempt { known, stand_in, user, password, person }))
            }
            Ok(Found::Actor(actor)) => Caller::Known(standing_in(store, actor, stand_in)),
            Err(refused) => Caller::Known(Err(refused)),
        }
    }

    fn found(&self, store: &ClientStore, uri: &Uri, headers: &HeaderMap) -> std::result::Result<Found, Refused> {
        if !self.asks() {
            return Ok(Found::Actor(Actor::FIRST));
        }
        let header = headers.get(AUTHORIZATION).map(|header| header.as_bytes());
        let in_query = self.token.as_ref().and_then(|_| access_token(uri));
        let in_header = self.token.as_ref().and_then(|_| bearer(header?));
        if self.has_token(in_query.as_deref().map(str::as_bytes)) || self.has_token(in_header) {
            return Ok(Found::Actor(first(store)?));
        }
        let Some(header) = header else {
            return Err(Refused::Unauthorized(if in_query.is_some() { WRONG_TOKEN } else { NOTHING_SENT }));
        };
        if in_header.is_some() {
            return Err(Refused::Unauthorized(WRONG_TOKEN));
        }
        let (user, password) = sent_pair(header).ok_or(Refused::Unauthorized(UNREADABLE))?;
        if self.has_credentials(&user, &password) {
            return Ok(Found::Actor(first(store)?));
        }
        let person = match std::str::from_utf8(&user) {
            Ok(user) => store.read(|connection| Person::by_email(connection, user))?,
            Err(_) => None,
        };
        if let Some(found) = &person
            && found.hash.as_ref().is_some_and(|hash| self.known.knows(&user, &password, hash))
        {
            return Ok(Found::Actor(found.signed_in()?));
        }
        Ok(Found::Attempt(user, password, person))
    }
}

enum Found {
    Actor(Actor),
    Attempt(Vec<u8>, Vec<u8>, Option<Person>),
}

impl Attempt {
    /// Who it is, if the password is right. For an unknown person it takes as long.
    pub(super) fn decide(self, store: &ClientStore) -> Signed {
        let Attempt { known, stand_in, user, password, person } = self;
        known.hashed.fetch_add(1, Ordering::Relaxed);
        let hash = person.as_ref().and_then(|person| person.hash.as_deref());
        let is_right = password::verify(hash, &password);
        match person {
            Some(person) if is_right => {
                let actor = person.signed_in()?;
                if let Some(hash) = &person.hash {
                    known.remember(&user, &password, hash);
                }
                standing_in(store, actor, stand_in)
            }
            _ => Err(Refused::Unauthorized(WRONG)),
        }
    }
}

impl Person {
    const COLUMNS: &'static str = "SELECT id, is_admin, is_project_manager, is_active, password_hash FROM people";

    fn by_email(connection: &Connection, email: &str) -> Result<Option<Person>> {
        let sql = format!("{} WHERE email = ?1 COLLATE NOCASE", Self::COLUMNS);
        Ok(connection.prepare_cached(&sql)?.query_row([email], Self::read).optional()?)
    }

    fn by_id(connection: &Connection, id: i64) -> Result<Option<Person>> {
        let sql = format!("{} WHERE id = ?1", Self::COLUMNS);
        Ok(connection.prepare_cached(&sql)?.query_row([id], Self::read).optional()?)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let role = match (row.get(1)?, row.get(2)?) {
            (true, _) => Role::Administrator,
            (false, true) => Role::ProjectManager,
            (false, false) => Role::Regular,
        };
        Ok(Person { actor: Actor { id: row.get(0)?, role }, is_active: row.get(3)?, hash: row.get(4)? })
    }

    fn signed_in(&self) -> Signed {
        if self.is_active { Ok(self.actor) } else { Err(Refused::Unauthorized(ARCHIVED)) }
    }
}

/// Person 1, with the role that they have now.
fn first(store: &ClientStore) -> Signed {
    by_id(store, ADMINISTRATOR)
}

fn by_id(store: &ClientStore, id: i64) -> Signed {
    let person = store.read(|connection| Person::by_id(connection, id))?;
    person.ok_or(Refused::Unauthorized(GONE))?.signed_in()
}

/// The person that an admitted caller acts as.
fn standing_in(store: &ClientStore, actor: Actor, stand_in: Option<i64>) -> Signed {
    stand_in.map_or(Ok(actor), |id| by_id(store, id))
}

/// The token of a header `Bearer TOKEN`.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, sent) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| sent.trim_ascii())
}

/// The token of a query.
fn access_token(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "access_token");
    found.map(|(_, token)| token.into_owned())
}

/// The user and the password of a header by HTTP Basic, `Basic BASE64` or `Basic (BASE64)`, split at the first colon.
pub(crate) fn sent_pair(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let sent = decode(header)?;
    let colon = sent.iter().position(|byte| *byte == b':')?;
    Some((sent[..colon].to_vec(), sent[colon + 1..].to_vec()))
}

fn decode(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = header.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let rest = rest.trim_ascii();
    let rest = rest.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")).unwrap_or(rest);
    BASE64.decode(rest).ok()
}

/// Compares in a time that depends only on the length of what was sent.
pub(crate) fn same(ours: &[u8], sent: &[u8]) -> bool {
    let mut difference = u8::from(ours.len() != sent.len());
    for (at, byte) in sent.iter().enumerate() {
        let our = if ours.is_empty() { 0 } else { ours[at % ours.len()] };
        difference |= std::hint::black_box(our ^ byte);
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{Api, NewPerson, PersonChanges};

    fn api() -> Api {
        let store = ClientStore::open_in_memory().unwrap();
        let jane = NewPerson::named("Jane", "Doe", "jane@example.com").password("correct horse");
        store.people().create(&jane).unwrap();
        store.people().create(&NewPerson::named("Joe", "Doe", "joe@example.com")).unwrap();
        Api::new(store).auth("owner", "secret")
    }

    /// The status of a call with the credentials, and how many passwords it had hashed.
    fn call(api: &Api, user: &str, password: &str) -> (u16, u64) {
        let hashed = || api.inner.gate.known.hashed.load(Ordering::Relaxed);
        let before = hashed();
        let sent = format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
        let status =
            api.handle(Request::get("/account/who_am_i").header(AUTHORIZATION, sent).body("").unwrap()).status();
        (status.as_u16(), hashed() - before)
    }

    #[test]
    fn a_wrong_password_costs_what_a_wrong_name_costs() {
        let api = api();
        for (user, password) in [
            ("jane@example.com", "wrong"),
            ("nobody@example.com", "wrong"),
            ("joe@example.com", "of nobody"),
            ("owner", "wrong"),
            ("\u{e9}", ""),
        ] {
            assert_eq!(call(&api, user, password), (401, 1), "{user}");
        }
        assert_eq!(call(&api, "owner", "secret"), (200, 0));
    }

    #[test]
    fn a_sign_in_is_remembered_until_the_person_has_another_address_or_password() {
        let api = api();
        let people = || api.store().people();
        assert_eq!(call(&api, "jane@example.com", "correct horse"), (200, 1));
        assert_eq!(call(&api, "jane@example.com", "correct horse"), (200, 0));
        assert_eq!(call(&api, "jane@example.com", "correct hors"), (401, 1));
        assert_eq!(call(&api, "JANE@Example.com", "correct horse"), (200, 1), "as it was sent");
        people().update(2, &PersonChanges::new().email("doe@example.com")).unwrap();
        assert_eq!(call(&api, "jane@example.com", "correct horse"), (401, 1));
        assert_eq!(call(&api, "doe@example.com", "correct horse"), (200, 1));
        people().toggle(2).unwrap();
        assert_eq!(call(&api, "doe@example.com", "correct horse"), (401, 0), "archived");
        people().toggle(2).unwrap();
        people().delete(2).unwrap();
        let other = NewPerson::named("Jane", "Doe", "doe@example.com").password("another");
        people().create(&other).unwrap();
        assert_eq!(call(&api, "doe@example.com", "correct horse"), (401, 1));
    }
}
