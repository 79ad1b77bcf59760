//! The document of `/account/rate_limit_status` (`wire.md`).

use super::throttle::{self, Standing};
use crate::format::Node::{DateTime, Integer};
use crate::format::{Format, tree};
use crate::value::datetime_text;

/// How the limit on calls stands.
pub(super) fn rate_limit(standing: &Standing, format: Format) -> Vec<u8> {
    let integer = |name, number: u64| Integer(name, i64::try_from(number).unwrap_or(i64::MAX));
    let members = [
        // Here, and nowhere else, the API wrote an offset for the `Z`.
        DateTime("last-access-at", datetime_text(standing.last_call).replace('Z', "+00:00")),
        integer("count", standing.calls),
        integer("timeframe-limit", throttle::WINDOW.as_secs()),
        integer("max-calls", throttle::MAX_CALLS),
        integer("lockout-seconds", standing.lockout_seconds),
    ];
    tree::write(&members, format)
}
