//! `records`: the records as the page shows them. Such calls are neither counted nor recorded.

use super::Controller;
use super::respond::{Failure, Outcome, failed, unknown_path};
use crate::error::Error;

/// What the paths begin with; the API's own path follows.
pub(super) const UNDER: &str = "records/";

const LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;
const HINT: &str = "The parameters are skip, from 0, and limit, from 1 to 1000; 50 records where it is missing";

/// How many records of a list to skip, and how many to show.
pub(super) fn window(query: &str) -> Result<(i64, i64), Failure> {
    let (mut skip, mut limit) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let wrong = |message: String| Failure::invalid(message, HINT).at(&*name);
        let (part, range) = match &*name {
            "skip" => (&mut skip, 0..=i64::MAX),
            "limit" => (&mut limit, 1..=MAX_LIMIT),
            _ => return Err(wrong(format!("There is no parameter {name:?}"))),
        };
        if part.is_some() {
            return Err(wrong(format!("{name} is given twice")));
        }
        let number = value.parse().ok().filter(|number| range.contains(number));
        *part = Some(number.ok_or_else(|| wrong(format!("{value:?} does not fit")))?);
    }
    Ok((skip.unwrap_or(0), limit.unwrap_or(LIMIT)))
}

impl Controller {
    pub(super) fn records(&self, path: &str, window: (i64, i64)) -> Outcome {
        let looked = self.api.look(path, window).ok_or_else(unknown_path)?;
        looked.map_err(|error| match error {
            Error::NotFound { .. } => Failure::missing(&error),
            other => failed(&other),
        })
    }
}
