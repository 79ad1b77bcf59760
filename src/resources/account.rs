//! The account's own documents: `who_am_i` and `rate_limit_status` (`docs/spec/wire.md`, The account).

use super::{Call, Caller, Endpoint, Plan};
use crate::error::Result;
use crate::format::Node::{Boolean, Group, Integer, Text};

pub(crate) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/account/who_am_i", who_am_i).by(Caller::Anybody),
    Endpoint::read("/account/rate_limit_status", |_| Ok(Plan::RateLimit)).unlimited().by(Caller::Anybody),
    Endpoint::make("/oauth2/token", |_| Ok(Plan::Token)).by(Caller::Stranger),
];

fn who_am_i(call: &Call<'_>) -> Result<Plan> {
    let account = call.store.account();
    let person = call.store.people().get(call.actor.id)?;
    let manages = person.is_admin || person.is_project_manager;
    let text = |name, text: &str| Text(name, text.to_owned());
    let modules = ["expenses", "invoices", "estimates", "approval"].map(|name| Boolean(name, true));
    let manager = ["is-project-manager", "can-see-rates", "can-create-projects", "can-create-invoices"]
        .map(|name| Boolean(name, manages));
    Ok(Plan::Tree(
        "hash",
        vec![
            Group(
                "company",
                vec![
                    text("base-uri", &account.base_uri()),
                    text("full-domain", &account.domain),
                    text("name", &account.company),
                    Boolean("active", true),
                    text("week-start-day", account.week_start_day.as_str()),
                    text("time-format", account.time_format.as_str()),
                    text("clock", account.clock.as_str()),
                    text("decimal-symbol", &account.decimal_symbol.to_string()),
                    text("color-scheme", "blue"),
                    Group("modules", modules.into()),
                    text("thousands-separator", &account.thousands_separator.to_string()),
                ],
            ),
            Group(
                "user",
                vec![
                    text("timezone", &person.timezone),
                    Integer("timezone-utc-offset", 0),
                    Integer("id", person.id.into()),
                    text("email", &person.email),
                    Boolean("admin", person.is_admin),
                    text("first-name", &person.first_name),
                    text("last-name", &person.last_name),
                    text("avatar-url", "/images/avatar.png"),
                    Group("project-manager", manager.into()),
                    Boolean("timestamp-timers", false),
                ],
            ),
        ],
    ))
}
