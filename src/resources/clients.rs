//! Clients: the Clients page, and `clients.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::count;
use crate::error::{Error, Result, Rule};
use crate::record::{Fields, Table, Values, record};
use crate::store::{Action, Change, ClientStore, Invariant, Records, Resource, Selection, Stored, Transaction};
use crate::value::Value;

record! {
    /// A client of the account.
    Client: table "clients", element "client", list "clients", documented array false,
    without a place "default-invoice-kind";
    elements {
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// Not blank; several clients may have the same.
        name ("name"): String = required;
        /// Whether the client is active. An inactive client has no active project.
        active ("active"): bool = writable;
        /// The address and the like, in several lines.
        details ("details"): String = writable also("address");
        /// The client's id in Highrise.
        highrise_id ("highrise-id"): Option<i64> = writable live;
        /// Counts the writes to the record, from 0.
        cache_version ("cache-version"): i64 = readonly live;
        /// A label whose code follows its last ` - `, like `United States Dollar - USD`.
        currency ("currency"): String = writable live at_most(255);
        /// Follows the currency unless it is given with it.
        currency_symbol ("currency-symbol"): String = writable live at_most(255);
        /// Always nil for now.
        default_invoice_timeframe ("default-invoice-timeframe"): Option<String> = readonly live;
        /// The kind of the client's newest invoice.
        last_invoice_kind ("last-invoice-kind"): Option<String> = readonly live;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly live;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly live;
        /// The key of the client's statement page; kept where a loaded document has one.
        statement_key ("statement-key"): Option<String> = readonly live;
    }
    internal {}
}

/// What a new client is made from.
pub type NewClient = Fields<Client>;
/// What an update of a client sets.
pub type ClientChanges = Fields<Client>;

impl NewClient {
    /// A client with a name and defaults for the rest.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }
}

/// What a list of clients is narrowed by; the default is every client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Only those updated at the moment or later.
    pub updated_since: Option<DateTime<Utc>>,
}

impl ClientStore {
    /// The clients.
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
    /// [`Error::Refused`] with [`Rule::ClientHasActiveProjects`] while it has an active project (the
    /// page), [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: i64) -> Result<bool> {
        self.act(id, &TOGGLE).map(|active| active == 1)
    }
}

impl Stored for Client {
    type Filter = ClientFilter;
    const RESOURCE: &'static dyn Resource = &Clients;

    fn select(filter: &ClientFilter, _today: NaiveDate) -> Selection {
        let mut selection = Selection::default();
        if let Some(moment) = filter.updated_since {
            selection.updated_since(moment);
        }
        selection
    }
}

pub(crate) struct Clients;

/// An active client becomes inactive and the other way round (the page).
static TOGGLE: Action = Action {
    name: "toggle",
    under: None,
    set: "active = 1 - active",
    when: "(active = 0 OR NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id AND projects.active = 1))",
};

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

const WITHOUT_ACTIVE_PROJECTS: &str =
    "NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id AND projects.active = 1)";

impl Resource for Clients {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["clients"]
    }

    fn version(&self) -> &'static str {
        "cache_version"
    }

    fn actions(&self) -> &'static [Action] {
        std::slice::from_ref(&TOGGLE)
    }

    fn complete(&self, _connection: &Connection, values: &mut Values, _at: DateTime<Utc>) -> Result<()> {
        values.default("active", || Value::Integer(1));
        values.default("details", || Value::from(""));
        values.default("currency", || Value::from("United States Dollar - USD"));
        symbol_follows_currency(values);
        Ok(())
    }

    fn revise(&self, _connection: &Connection, _id: i64, values: &mut Values) -> Result<()> {
        symbol_follows_currency(values);
        Ok(())
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            Change::Create(_) => "",
            Change::Update(_, values) if values.get("active") != Some(&Value::Integer(0)) => "",
            Change::Update(..) => WITHOUT_ACTIVE_PROJECTS,
            Change::Act(..) => "", // the action's own condition
            Change::Delete(_) => {
                "NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id) \
                 AND NOT EXISTS (SELECT 1 FROM invoices WHERE client_id = clients.id)"
            }
        }
    }

    fn refusal(&self, connection: &Connection, change: &Change<'_>) -> Result<Error> {
        let id = change.id().unwrap_or_default();
        Ok(match change {
            Change::Delete(_) => {
                let projects = count(connection, "SELECT count(*) FROM projects WHERE client_id = ?1", id)?;
                let invoices = count(connection, "SELECT count(*) FROM invoices WHERE client_id = ?1", id)?;
                Error::refused(Rule::ClientHasProjectsOrInvoices, [("project", projects), ("invoice", invoices)])
            }
            _ => {
                let sql = "SELECT count(*) FROM projects WHERE client_id = ?1 AND active = 1";
                Error::refused(Rule::ClientHasActiveProjects, [("active project", count(connection, sql, id)?)])
            }
        })
    }

    fn invariants(&self) -> &'static [Invariant] {
        &INVARIANTS
    }

    fn filter(&self, selection: &mut Selection, name: &str, value: &str, _today: NaiveDate) -> Result<()> {
        match name {
            "updated_since" => selection.updated_since_text(value),
            _ => Ok(()),
        }
    }
}

fn symbol_follows_currency(values: &mut Values) {
    if let Some(symbol) = values.text("currency").map(symbol) {
        values.default("currency_symbol", || Value::Text(symbol));
    }
}

/// The symbol of a currency's label (`clients.md`).
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
