//! `GET /account/who_am_i`: the account and its one administrator (`wire.md`).

use crate::account::Account;
use crate::xml::{Dialect, Tree};

/// The document of `who_am_i`.
pub(super) fn document(account: &Account, dialect: Dialect) -> Vec<u8> {
    let mut tree = Tree::new(dialect);
    tree.open("hash");
    tree.open("company");
    tree.text("base-uri", &format!("https://{}", account.domain));
    tree.text("full-domain", &account.domain);
    tree.text("name", &account.company);
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
    tree.text("email", &account.email);
    tree.boolean("admin", true);
    tree.text("first-name", &account.first_name);
    tree.text("last-name", &account.last_name);
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
