//! `throttle`: the service's limit on calls.

use serde::{Deserialize, Serialize};

use super::Controller;
use super::input;
use super::respond::Failure;
use crate::api::{MAX_CALLS, Standing, WINDOW};

const HINT: &str = "Send {\"on\": true} or {\"on\": false}";

#[derive(Serialize)]
pub(super) struct Shown {
    on: bool,
    calls: u64,
    max_calls: u64,
    seconds: u64,
    lockout_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"on\"")]
struct Change {
    on: bool,
}

impl Controller {
    pub(super) fn throttle(&self) -> Shown {
        let Standing { is_on: on, calls, lockout_seconds, .. } = self.api.throttle().standing(self.api.store().time());
        Shown { on, calls, max_calls: MAX_CALLS, seconds: WINDOW.as_secs(), lockout_seconds }
    }

    pub(super) fn set_throttle(&self, body: &[u8]) -> Result<Shown, Failure> {
        let Change { on } = input::read(body, HINT)?;
        self.api.throttle().switch(on);
        Ok(self.throttle())
    }
}
