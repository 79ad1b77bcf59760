//! `person`: the person that all API calls act as.

use serde::{Deserialize, Serialize};

use super::Controller;
use super::input;
use super::respond::{Failure, failed};
use crate::error::Error;

const HINT: &str = "Send {\"id\": 2}, the id of a person; DELETE lets everybody act as who they are again";

/// The person that all calls act as, if that is set.
#[derive(Serialize)]
pub(super) struct Shown {
    id: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"id\"")]
struct Change {
    id: i64,
}

impl Controller {
    pub(super) fn person(&self) -> Shown {
        Shown { id: self.api.standing_in() }
    }

    pub(super) fn set_person(&self, body: &[u8]) -> Result<Shown, Failure> {
        let Change { id } = input::read(body, HINT)?;
        self.api.store().people().get(id).map_err(|error| match error {
            Error::NotFound { .. } => Failure::invalid(format!("There is no person {id}"), HINT).at("id"),
            other => failed(&other),
        })?;
        self.api.stand_in(id);
        Ok(self.person())
    }

    pub(super) fn end_person(&self) -> Shown {
        self.api.stand_in(0);
        self.person()
    }
}
