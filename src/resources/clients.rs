//! Clients: the Clients page, and `docs/spec/clients.md`.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::{Caller, Endpoint, Resource, count};
use crate::error::{self, Error, Result};
use crate::record::{NewRecord, RecordChanges, Values, filter, record};
use crate::store::{
    Action, Change, ClientStore, Entity, Filter, Invariant, On, Records, Rule, Selection, Stored, Transaction,
};
use crate::value::Value;

record! {
    /// A client of the account.
    Client: table "clients", id ClientId, element "client", list "clients", documented array false,
    without a place "default-invoice-kind";
    elements {
        /// Never used again, not even after a delete.
        id: ClientId = readonly;
        /// Not blank; several clients may have the same.
        name: String = required searched;
        /// Whether the client is active. An inactive client has no active project.
        active: bool = writable default(1);
        /// The address and the like, in several lines.
        details: String = writable searched also("address") default_text("");
        /// The client's id in Highrise.
        highrise_id: Option<i64> = writable live;
        /// Counts the writes to the record, from 0.
        cache_version: i64 = readonly live default(0);
        /// A label whose code follows its last ` - `, like `United States Dollar - USD`.
        currency: String = writable live at_most(255) default_text("United States Dollar - USD");
        /// Follows the currency unless it is given with it.
        currency_symbol: String = writable live at_most(255);
        /// Always nil for now.
        default_invoice_timeframe: Option<String> = readonly live;
        /// The kind of the client's newest invoice.
        last_invoice_kind: Option<String> = readonly live;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly live;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly live;
        /// The key of the client's statement page; kept where a loaded document has one.
        statement_key: Option<String> = readonly live;
    }
    internal {}
}

/// What a new client is made from.
pub type NewClient = NewRecord<Client>;
/// What an update of a client sets.
pub type ClientChanges = RecordChanges<Client>;

impl NewClient {
    /// A client with a name and defaults for the rest.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }
}

filter! {
    /// What a list of clients is narrowed by; the default is every client.
    ClientFilter {
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The clients.
    ///
    /// ```
    /// use clientstore::{ClientFilter, ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp").details("123 Main St."))?;
    /// assert!(!store.clients().toggle(id)?, "it is inactive now");
    /// let since = ClientFilter::new().updated_since(store.clients().get(id)?.updated_at);
    /// assert_eq!(store.clients().list(&since)?.count(), 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn clients(&self) -> Records<'_, Client> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The clients.
    pub fn clients(&self) -> Records<'_, Client> {
        self.records()
    }
}

impl Records<'_, Client> {
    /// Makes an active client inactive and the other way round; true when it is active now.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`ClientHasActiveProjects`](error::Rule::ClientHasActiveProjects) while it has an active project (the
    /// page), [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: impl Into<ClientId>) -> Result<bool> {
        self.act(id, &TOGGLE).map(|active| active == 1)
    }
}

impl Stored for Client {
    type Filter = ClientFilter;
    const ENTITY: &'static Entity = &CLIENTS;

    fn select(filter: &ClientFilter, selection: &mut Selection) {
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

pub(crate) static CLIENTS: Entity = Entity::of::<Client>()
    .version("cache_version")
    .seen(
        "clients.id IN (SELECT projects.client_id FROM user_assignments AS mine, projects \
         WHERE mine.user_id = :actor AND mine.deactivated = 0 AND projects.id = mine.project_id)",
    )
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[NO_ACTIVE_PROJECTS, NO_PROJECTS, NO_INVOICES])
    .complete(|_, values, _| symbol_follows_currency(values))
    .revise(|_, _, values| symbol_follows_currency(values))
    .derived(&[(
        "last_invoice_kind",
        "ifnull((SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1), ?1)",
    )])
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &CLIENTS,
    endpoints: &[
        Endpoint::list("/clients").by(Caller::Anybody),
        Endpoint::create("/clients"),
        Endpoint::get("/clients/{id}").by(Caller::Anybody),
        Endpoint::update("/clients/{id}"),
        Endpoint::delete("/clients/{id}"),
        Endpoint::act("/clients/{id}/toggle", &TOGGLE),
    ],
};

/// An active client becomes inactive and the other way round (the page).
static TOGGLE: Action = Action { name: "toggle", sets: &[("active", "1 - active")], rules: &[] };

const NO_ACTIVE_PROJECTS: Rule = Rule {
    on: On::Change,
    condition: ":active = 1 OR NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id AND projects.active = 1)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM projects WHERE client_id = ?1 AND active = 1";
        let projects = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::ClientHasActiveProjects, [("active project", projects)]))
    },
};

const NO_PROJECTS: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id)",
    refusal: has_projects_or_invoices,
};

const NO_INVOICES: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM invoices WHERE client_id = clients.id)",
    refusal: has_projects_or_invoices,
};

fn has_projects_or_invoices(connection: &Connection, change: &Change<'_>) -> Result<Error> {
    let id = change.id().unwrap_or_default();
    let projects = count(connection, "SELECT count(*) FROM projects WHERE client_id = ?1", id)?;
    let invoices = count(connection, "SELECT count(*) FROM invoices WHERE client_id = ?1", id)?;
    let in_the_way = [("project", projects), ("invoice", invoices)];
    Ok(Error::refused(error::Rule::ClientHasProjectsOrInvoices, in_the_way))
}

static INVARIANTS: [Invariant; 2] = [
    Invariant {
        column: "name",
        says: "is blank",
        broken_by: "SELECT id FROM clients WHERE trim(name, char(9, 10, 13, 32)) = ''",
    },
    // One without invoices may have been loaded with a kind.
    Invariant {
        column: "last_invoice_kind",
        says: "is not the kind of its newest invoice",
        broken_by: "SELECT clients.id FROM clients JOIN (SELECT client_id, kind, \
                    max(created_at || printf('%020d', id)) FROM invoices NOT INDEXED GROUP BY client_id) AS newest \
                    ON newest.client_id = clients.id WHERE clients.last_invoice_kind IS NOT newest.kind",
    },
];

fn symbol_follows_currency(values: &mut Values) -> Result<()> {
    if let Some(symbol) = values.text("currency").map(symbol) {
        values.default("currency_symbol", || Value::Text(symbol));
    }
    Ok(())
}

/// The symbol of a currency's label (`docs/spec/clients.md`).
fn symbol(label: &str) -> String {
    let code = label.rsplit_once(" - ").map_or(label, |(_, code)| code);
    match code {
        "USD" | "CAD" | "AUD" | "NZD" | "HKD" | "SGD" | "MXN" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "SEK" | "NOK" | "DKK" => "kr",
        "INR" => "₹",
        "BRL" => "R$",
        "ZAR" => "R",
        "ILS" => "₪",
        "RUB" => "₽",
        "PLN" => "zł",
        other => other,
    }
    .to_owned()
}
