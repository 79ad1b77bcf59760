//! `clock`: the store's time.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Controller;
use super::input;
use super::respond::Failure;
use crate::value::{datetime_text, parse_datetime, quoted};

const HINT: &str = "Send some of {\"now\": \"2010-01-31T12:00:00Z\", \"advance_seconds\": 86400, \"frozen\": true}";

/// The years that the clock may have: every date that the API computes from them can still be written.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9000;

#[derive(Serialize)]
pub(super) struct Shown {
    now: String,
    frozen: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"now\", \"advance_seconds\" or \"frozen\"")]
struct Change {
    now: Option<Moment>,
    advance_seconds: Option<i64>,
    frozen: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Moment(DateTime<Utc>);

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match parse_datetime(&text) {
            Some(moment) if YEARS.contains(&moment.year()) => Ok(Moment(moment)),
            Some(_) => Err(format!("{} is not from {} to {}", quoted(&text), YEARS.start(), YEARS.end())),
            None => Err(format!("{} is no time", quoted(&text))),
        }
    }
}

impl Controller {
    pub(super) fn clock(&self) -> Shown {
        let store = self.api.store();
        Shown { now: datetime_text(store.now()), frozen: store.time().is_frozen() }
    }

    pub(super) fn set_clock(&self, body: &[u8]) -> Result<Shown, Failure> {
        let Change { now, advance_seconds, frozen } = input::read(body, HINT)?;
        if now.is_none() && advance_seconds.is_none() && frozen.is_none() {
            return Err(Failure::invalid("The body sets nothing", HINT));
        }
        let set = self.api.store().time().change(|present, was_frozen| {
            let from = now.map_or(present, |moment| moment.0);
            let step = TimeDelta::try_seconds(advance_seconds.unwrap_or(0))?;
            let to = from.checked_add_signed(step).filter(|to| YEARS.contains(&to.year()))?;
            Some((to, frozen.unwrap_or(was_frozen)))
        });
        if set.is_none() {
            let message = format!("The clock would leave the years {} to {}", YEARS.start(), YEARS.end());
            return Err(Failure::invalid(message, HINT).at("advance_seconds"));
        }
        Ok(self.clock())
    }

    pub(super) fn restart_clock(&self) -> Shown {
        self.api.store().restart_time();
        self.clock()
    }
}
