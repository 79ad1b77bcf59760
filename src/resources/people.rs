//! People: `docs/spec/people.md`.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

use super::assignments::{naming, of_column};
use super::{Answer, Call, Caller, Endpoint, Plan, Resource, count};
use crate::error::{self, Error, Result};
use crate::format::Purpose;
use crate::password::Password;
use crate::record::{Document, NewRecord, RecordChanges, Table, column, filter, record};
use crate::store::{
    Action, Actor, Change, ClientStore, Entity, Filter, Invariant, Loading, On, Reach, Records, Rule, Selection,
    Stored, Transaction,
};

record! {
    /// Somebody who works with the account. A new store has one person, its administrator.
    Person: table "people", id PersonId, element "user", list "users", documented array false,
    without a place "password" "password-confirmation" "wants-newsletter" "identity-account-id" "identity-user-id"
    "weekly-capacity" "avatar-url" "opensocial-identifier" "wants-weekly-digest" "weekly-digest-sent-on" "cache-version"
    "default-expense-category-id" "default-expense-project-id" "default-task-id" "default-time-project-id";
    elements {
        /// Never used again, not even after a delete.
        id: PersonId = readonly;
        /// Their e-mail address. No other person has it, in whatever case of ASCII letters.
        email: String = required searched;
        /// Not blank.
        first_name: String = required searched;
        /// Not blank.
        last_name: String = required searched;
        /// Whether they are assigned to every new project.
        has_access_to_all_future_projects: bool = writable default(0);
        /// Money an hour that new assignments of them have.
        default_hourly_rate: Option<Decimal> = writable;
        /// Money an hour that they cost.
        cost_rate: Option<Decimal> = writable;
        /// Whether they are active; false is archived.
        is_active: bool = writable default(1);
        /// Whether they are an administrator.
        is_admin: bool = writable default(0);
        /// Whether they are a contractor.
        is_contractor: bool = writable default(0);
        /// Whether they can manage projects.
        is_project_manager: bool = writable default(0);
        /// A telephone number.
        telephone: String = writable searched default_text("");
        /// Their department.
        department: String = writable searched default_text("");
        /// Their time zone, by any name.
        timezone: String = writable default_text("UTC");
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
        password_hash: Option<String> = readonly;
    }
}

/// What a new person is made from.
pub type NewPerson = NewRecord<Person>;
/// What an update of a person sets.
pub type PersonChanges = RecordChanges<Person>;

impl NewPerson {
    /// A person with a name, an e-mail address and defaults for the rest.
    pub fn named(first_name: impl Into<String>, last_name: impl Into<String>, email: impl Into<String>) -> Self {
        Self::new().first_name(first_name).last_name(last_name).email(email)
    }

    /// A password to sign in with where the API asks who calls. A create keeps a salted hash of it; an update
    /// ignores it. Making the hash takes some milliseconds and 19 MiB, before the create's own transaction begins, but while
    /// that of a [`transaction`](ClientStore::transaction) around it is held.
    ///
    /// ```
    /// use clientstore::{Api, ClientStore, NewPerson};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com").password("correct horse"))?;
    /// let api = Api::new(store).auth("owner@example.com", "secret"); // Jane Doe is asked for hers
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.fields.values.password = Some(Password::new(password));
        self
    }
}

filter! {
    /// What a list of people is narrowed by; the default is everybody.
    PersonFilter {
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The people.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewPerson};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com").is_project_manager(true))?;
    /// assert_eq!(store.people().get_by_email("JANE@example.com")?.id, id);
    /// assert!(!store.people().toggle(id)?, "she is archived now");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn people(&self) -> Records<'_, Person> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The people.
    pub fn people(&self) -> Records<'_, Person> {
        self.records()
    }
}

impl Records<'_, Person> {
    /// The person with the e-mail address, in whatever case of ASCII letters.
    ///
    /// # Errors
    ///
    /// [`Error::NoPerson`] where nobody has it; otherwise as [`get`](Self::get).
    pub fn get_by_email(&self, email: &str) -> Result<Person> {
        self.get(self.read(|connection| by_email(connection, email))?)
    }

    /// Archives an active person and the other way round; true when they are active now.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`PersonActs`](error::Rule::PersonActs) for person 1, who acts, and with
    /// [`PersonIsLastAdministrator`](error::Rule::PersonIsLastAdministrator) for the last active administrator;
    /// [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: impl Into<PersonId>) -> Result<bool> {
        self.act(id, &TOGGLE).map(|active| active == 1)
    }
}

impl Stored for Person {
    type Filter = PersonFilter;
    const ENTITY: &'static Entity = &PEOPLE;

    fn select(filter: &PersonFilter, selection: &mut Selection) {
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

pub(crate) static PEOPLE: Entity = Entity::of::<Person>()
    .seen("people.id = :actor")
    .filters(&[Filter::UPDATED_SINCE])
    .seeded("id = 1 AND version = 0")
    .rules(&[
        EMAIL_IS_FREE,
        ACTS,
        ACTS_AT_DELETE,
        LEAVES_AN_ADMINISTRATOR,
        LEAVES_AN_ADMINISTRATOR_AT_DELETE,
        HAS_NO_TIME,
        HAS_NO_EXPENSES,
    ])
    .loading(Loading {
        held: &[("is_active", 1), ("is_admin", 1)],
        aside: "UPDATE people SET email = hex(randomblob(16)) WHERE id = 1 AND version = 0",
        refusal: || Error::refused(error::Rule::PersonIsLastAdministrator, [("active administrator", 1)]),
    })
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &PEOPLE,
    endpoints: &[
        Endpoint::list("/people").by(Caller::Anybody),
        Endpoint::make("/people", create),
        Endpoint::get("/people/{id}").by(Caller::Anybody),
        Endpoint::update("/people/{id}"),
        Endpoint::delete("/people/{id}"),
        Endpoint::act("/people/{id}/toggle", &TOGGLE),
        Endpoint::stay("/people/{id}/reset_password"),
    ],
};

/// Makes a person, with a password where one is given. Many programs send no confirmation; one that is sent must agree.
fn create(call: &Call<'_>) -> Result<Plan> {
    let resource = call.records()?;
    let mut values = call.body.read(PEOPLE.document, Purpose::Create)?;
    let given = call.body.read(&PASSWORDS, Purpose::Create)?;
    let password = given.text("password").unwrap_or_default();
    if given.text("password_confirmation").is_some_and(|confirmation| confirmation != password) {
        return Err(Error::invalid(
            "password-confirmation",
            "is not the password; send both alike, or the password alone",
        ));
    }
    values.password = Some(password).filter(|password| !password.is_empty()).map(Password::new);
    let command = call.store.creation(resource.entity, call.parent, values)?;
    Ok(Plan::Write { command: Box::new(command), answer: Answer::Created { resource, parent: call.parent } })
}

static PASSWORDS: Document = naming(&PASSWORD_COLUMNS, "user");
static PASSWORD_COLUMNS: Table = of_column(&[
    column!(password: Option<String>).writable(),
    column!(password_confirmation: Option<String>).writable(),
]);

/// What the paths of people begin with. The e-mail address of a person may stand in the place of the id after it.
pub(crate) const PATH: &str = "/people/";

/// The id of the person with the e-mail address, in whatever case of ASCII letters.
///
/// # Errors
///
/// [`Error::NoPerson`] where nobody has it, [`Error::Storage`].
pub(crate) fn by_email(connection: &Connection, email: &str) -> Result<i64> {
    let sql = "SELECT id FROM people WHERE email = ?1 COLLATE NOCASE";
    let found = connection.prepare_cached(sql)?.query_row([email], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Error::NoPerson { email: email.to_owned() })
}

/// Who acts where an administrator names another person to act for.
///
/// # Errors
///
/// [`Error::NotFound`] where there is no such person, or the acting person is no administrator; [`Error::Storage`].
pub(crate) fn on_behalf_of(store: &ClientStore, actor: Actor, id: i64) -> Result<Actor> {
    if !actor.is_administrator() {
        return Err(Error::NotFound { record: PEOPLE.document.element, id });
    }
    store.must_exist(&PEOPLE, id, Reach::All)?;
    Ok(Actor { id, ..actor })
}

/// The id of the person whom a call is about: the acting person, unless an administrator names another by `of_user`, in
/// the query or as here in the body.
///
/// # Errors
///
/// [`Error::NotFound`] where there is no such person, or the acting person is no administrator; [`Error::Storage`].
pub(super) fn of_user(call: &Call<'_>, in_body: Option<i64>) -> Result<i64> {
    in_body.map_or(Ok(call.actor), |id| on_behalf_of(call.store, call.actor, id)).map(|actor| actor.id)
}

/// An active person is archived and the other way round.
static TOGGLE: Action = Action { name: "toggle", sets: &[("is_active", "1 - is_active")], rules: &[] };

/// A record that is made for a person needs them to be there.
pub(super) const HAS_PERSON: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM people WHERE people.id = :user_id)",
    refusal: |_, change| {
        let id = change.integer("user_id").unwrap_or_default();
        Ok(Error::invalid("user-id", format!("is {id}, but there is no such person; create them first")))
    },
};

const EMAIL_IS_FREE: Rule = Rule {
    on: On::Write,
    condition: "NOT EXISTS (SELECT 1 FROM people AS other WHERE other.email = :email COLLATE NOCASE AND other.id IS NOT :id)",
    refusal: email_is_taken,
};

const ACTS: Rule = Rule {
    on: On::Change,
    condition: ":is_active = 1 OR people.id <> :actor",
    refusal: |_, _| Ok(Error::refused(error::Rule::PersonActs, [("acting person", 1)])),
};

const ACTS_AT_DELETE: Rule = Rule {
    on: On::Delete,
    condition: "people.id <> :actor",
    refusal: |_, _| Ok(Error::refused(error::Rule::PersonActs, [("acting person", 1)])),
};

const LEAVES_AN_ADMINISTRATOR: Rule = Rule {
    on: On::Change,
    condition: "(:is_active = 1 AND :is_admin = 1) OR EXISTS (SELECT 1 FROM people AS other \
                WHERE other.is_admin = 1 AND other.is_active = 1 AND other.id <> people.id)",
    refusal: is_last_administrator,
};

const LEAVES_AN_ADMINISTRATOR_AT_DELETE: Rule = Rule {
    on: On::Delete,
    condition: "EXISTS (SELECT 1 FROM people AS other \
                WHERE other.is_admin = 1 AND other.is_active = 1 AND other.id <> people.id)",
    refusal: is_last_administrator,
};

const HAS_NO_TIME: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM day_entries WHERE day_entries.user_id = people.id)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM day_entries WHERE user_id = ?1";
        let entries = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::PersonHasTimeOrExpenses, [("time entry", entries)]))
    },
};

const HAS_NO_EXPENSES: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM expenses WHERE expenses.user_id = people.id)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM expenses WHERE user_id = ?1";
        let expenses = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::PersonHasTimeOrExpenses, [("expense", expenses)]))
    },
};

fn is_last_administrator(_: &Connection, _: &Change<'_>) -> Result<Error> {
    Ok(Error::refused(error::Rule::PersonIsLastAdministrator, [("active administrator", 1)]))
}

fn email_is_taken(connection: &Connection, change: &Change<'_>) -> Result<Error> {
    let email = change.values().and_then(|values| values.text("email")).unwrap_or_default();
    let other = by_email(connection, email)?;
    Ok(Error::invalid("email", format!("is that of person {other}; each person has an address of their own")))
}

static INVARIANTS: [Invariant; 5] = [
    Invariant {
        column: "email",
        says: "is blank",
        broken_by: "SELECT id FROM people WHERE trim(email, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "first_name",
        says: "is blank",
        broken_by: "SELECT id FROM people WHERE trim(first_name, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "last_name",
        says: "is blank",
        broken_by: "SELECT id FROM people WHERE trim(last_name, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "email",
        says: "is that of another person, too",
        broken_by: "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY lower(email) ORDER BY id) AS number \
                    FROM people NOT INDEXED) WHERE number > 1",
    },
    Invariant {
        column: "is_admin",
        says: "is true for no active person",
        broken_by: "SELECT min(id) FROM people NOT INDEXED HAVING coalesce(max(is_admin = 1 AND is_active = 1), 0) = 0 \
                    AND count(*) > 0",
    },
];
