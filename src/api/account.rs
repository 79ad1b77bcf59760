//! `GET /account/who_am_i`, the account and its one administrator, and `/account/rate_limit_status`
//! (`wire.md`).

use super::throttle::{self, Standing};
use crate::account::Account;
use crate::value::datetime_text;
use crate::xml::{Dialect, Tree};

/// The document of `rate_limit_status`.
pub(super) fn rate_limit(standing: &Standing, dialect: Dialect) -> Vec<u8> {
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut tree = Tree::new(dialect);
    tree.open("hash");
    // Here, and nowhere else, the API wrote an offset for the `Z`.
    tree.datetime("last-access-at", &datetime_text(standing.last_call).replace('Z', "+00:00"));
    tree.integer("count", integer(standing.calls));
    tree.integer("timeframe-limit", integer(throttle::WINDOW.as_secs()));
    tree.integer("max-calls", integer(throttle::MAX_CALLS));
    tree.integer("lockout-seconds", integer(throttle::LOCKOUT.as_secs()));
    tree.integer("requests-available", integer(throttle::MAX_CALLS.saturating_sub(standing.calls)));
    tree.close("hash");
    tree.into_bytes()
}

/// The document of `who_am_i`.
pub(super) fn who_am_i(account: &Account, dialect: Dialect) -> Vec<u8> {
    let mut tree = Tree::new(dialect);
    tree.open("hash");
    tree.open("company");
    tree.text("base-uri", &account.base_uri());
    tree.text("full-domain", &account.domain);
    tree.text("name", &account.company);
    tree.boolean("active", true);
    tree.text("week-start-day", account.week_start_day.as_str());
    tree.text("time-format", account.time_format.as_str());
    tree.text("clock", account.clock.as_str());
    tree.text("decimal-symbol", account.decimal_symbol.encode_utf8(&mut [0; 4]));
    tree.text("color-scheme", "blue");
    tree.open("modules");
    tree.boolean("expenses", true);
    tree.boolean("invoices", true);
    tree.boolean("estimates", true);
    tree.boolean("approval", true);
    tree.close("modules");
    tree.text("thousands-separator", account.thousands_separator.encode_utf8(&mut [0; 4]));
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
