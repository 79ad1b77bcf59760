//! `GET /account/who_am_i`: the account and its one administrator (`wire.md`).

use crate::xml::{Dialect, Tree};

/// Whose account it is; every part has a default.
///
/// ```
/// use clientstore::{Account, Api, ClientStore};
///
/// let account = Account { company: "Example & Sons".into(), ..Account::default() };
/// let api = Api::new(ClientStore::open_in_memory()?).account(account);
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The company's name; `Example Company`.
    pub company: String,
    /// The account's domain; `demo.harvestapp.com`.
    pub domain: String,
    /// The administrator's address; `admin@example.com`.
    pub email: String,
    /// The administrator's first name; `Admin`.
    pub first_name: String,
    /// The administrator's last name; `User`.
    pub last_name: String,
}

impl Default for Account {
    fn default() -> Self {
        Account {
            company: "Example Company".to_owned(),
            domain: "demo.harvestapp.com".to_owned(),
            email: "admin@example.com".to_owned(),
            first_name: "Admin".to_owned(),
            last_name: "User".to_owned(),
        }
    }
}

impl Account {
    pub(super) fn document(&self, dialect: Dialect) -> Vec<u8> {
        let mut tree = Tree::new(dialect);
        tree.open("hash");
        tree.open("company");
        tree.text("base-uri", &format!("https://{}", self.domain));
        tree.text("full-domain", &self.domain);
        tree.text("name", &self.company);
        tree.boolean("active", true);
        tree.text("week-start-day", "Monday");
        tree.text("time-format", "decimal");
        tree.text("clock", "12h");
        tree.text("decimal-symbol", ".");
        tree.text("color-scheme", "blue");
        tree.open("modules");
        tree.boolean("expenses", true);
        tree.boolean("invoices", true);
        tree.boolean("estimates", true);
        tree.boolean("approval", true);
        tree.close("modules");
        tree.text("thousands-separator", ",");
        tree.close("company");
        tree.open("user");
        tree.text("timezone", "UTC");
        tree.integer("timezone-utc-offset", 0);
        tree.integer("id", 1);
        tree.text("email", &self.email);
        tree.boolean("admin", true);
        tree.text("first-name", &self.first_name);
        tree.text("last-name", &self.last_name);
        tree.text("avatar-url", "/images/avatar.png");
        tree.open("project-manager");
        tree.boolean("is-project-manager", true);
        tree.boolean("can-see-rates", true);
        tree.boolean("can-create-projects", true);
        tree.boolean("can-create-invoices", true);
        tree.close("project-manager");
        tree.boolean("timestamp-timers", false);
        tree.close("user");
        tree.close("hash");
        tree.into_bytes()
    }
}
