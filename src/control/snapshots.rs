//! `reset` and `snapshots`: the store as it was.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, MutexGuard, PoisonError};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Controller;
use super::input;
use super::respond::{Failure, Outcome, answered, failed, json};
use crate::store::Image;

pub(super) const RESET_HINT: &str = "Send {} for the start, or {\"snapshot\": \"NAME\"}";

const NAME_LENGTH: RangeInclusive<usize> = 1..=100;
const MAX_SNAPSHOTS: usize = 100;
/// The most bytes that all snapshots together may take.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object, empty or with \"snapshot\"")]
pub(super) struct Reset {
    snapshot: Option<String>,
}

/// A body without keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an empty object")]
struct Nothing {}

#[derive(Serialize)]
struct Taken<'a> {
    name: &'a str,
    bytes: u64,
}

#[derive(Serialize)]
struct Listed<'a> {
    snapshots: Vec<Taken<'a>>,
}

impl Controller {
    pub(super) fn list_snapshots(&self) -> Outcome {
        let snapshots = self.snapshots();
        let taken = snapshots.iter().map(|(name, image)| Taken { name, bytes: image.bytes() });
        json(&Listed { snapshots: taken.collect() })
    }

    pub(super) fn take_snapshot(&self, name: String, body: &[u8]) -> Outcome {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !NAME_LENGTH.contains(&name.len()) || !name.bytes().all(named) {
            let hint = "Name it with 1 to 100 of A-Z, a-z, 0-9, dot, underscore and dash";
            return Err(Failure::invalid(format!("{name:?} is no name for a snapshot"), hint));
        }
        let Nothing {} = input::read(body, "Send no body, or {}")?;
        self.must_be_in_memory()?;
        let _taking = self.arranged.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let image = self.api.store().image().map_err(|error| failed(&error))?;
        let bytes = image.bytes();
        let mut snapshots = self.snapshots();
        let others = snapshots.iter().filter(|(other, _)| **other != name);
        let (count, total) = others.fold((1, bytes), |(count, total), (_, image)| (count + 1, total + image.bytes()));
        must_fit(count, total)?;
        let replaced = snapshots.insert(name.clone(), Arc::new(image));
        drop(snapshots);
        let status = if replaced.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        answered(status, &Taken { name: &name, bytes })
    }

    /// Sets the store back to the start, or to a snapshot.
    pub(super) fn restore(&self, wanted: Reset) -> Result<(), Failure> {
        let start = self.must_be_in_memory()?;
        let restored = match &wanted.snapshot {
            None => self.api.store().restore(start),
            Some(name) => {
                let snapshots = self.snapshots();
                let image = snapshots.get(name).cloned().ok_or_else(|| unknown(name, &snapshots))?;
                // Freed after the lock, so that others need not wait.
                drop(snapshots);
                self.api.store().restore(&image)
            }
        };
        restored.map_err(|error| failed(&error))
    }

    fn must_be_in_memory(&self) -> Result<&Image, Failure> {
        self.arranged.start.as_deref().ok_or_else(|| {
            let hint = "Serve a copy of it in memory: --memory --seed with what clientstore dump wrote";
            Failure::new(StatusCode::CONFLICT, "A store in a file is not reset", hint)
        })
    }

    pub(super) fn snapshots(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Image>>> {
        self.arranged.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn must_fit(count: usize, bytes: u64) -> Result<(), Failure> {
    if count <= MAX_SNAPSHOTS && bytes <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("Snapshots are full: {count} would take {bytes} bytes, {MAX_SNAPSHOTS} may take {MAX_BYTES}");
    let hint = "Take it under the name of one that is no longer needed, which it replaces";
    Err(Failure::new(StatusCode::CONFLICT, message, hint))
}

fn unknown(name: &str, snapshots: &BTreeMap<String, Arc<Image>>) -> Failure {
    let names: Vec<&str> = snapshots.keys().map(String::as_str).collect();
    let there_are = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let hint = format!("Take it first with POST /_clientstore/snapshots/NAME; there are: {there_are}");
    Failure::invalid(format!("There is no snapshot {name:?}"), hint).at("snapshot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_fit_up_to_their_number_and_their_bytes() {
        assert!(must_fit(MAX_SNAPSHOTS, MAX_BYTES).is_ok());
        assert!(must_fit(MAX_SNAPSHOTS + 1, 0).is_err());
        assert!(must_fit(1, MAX_BYTES + 1).is_err());
    }
}
