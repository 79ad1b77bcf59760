//! The document of `/account/rate_limit_status` (`docs/spec/wire.md`).

use super::throttle::{self, Standing};
use crate::format::Node::{self, DateTime, Integer};
use crate::value::datetime_text;

/// How the limit on calls stands.
pub(super) fn rate_limit(standing: &Standing) -> Vec<Node> {
    let integer = |name, number: u64| Integer(name, i64::try_from(number).unwrap_or(i64::MAX));
    vec![
        // Only here the API wrote an offset in place of the `Z`.
        DateTime("last-access-at", datetime_text(standing.last_call).replace('Z', "+00:00")),
        integer("count", standing.calls),
        integer("timeframe-limit", throttle::WINDOW.as_secs()),
        integer("max-calls", throttle::MAX_CALLS),
        integer("lockout-seconds", throttle::LOCKOUT.as_secs()),
        integer("requests-available", throttle::MAX_CALLS.saturating_sub(standing.calls)),
    ]
}
