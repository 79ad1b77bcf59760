//! `health`, and `state`: how many records there are, and how everything is set.

use serde::Serialize;

use super::input::Pairs;
use super::respond::{Outcome, failed, json};
use super::{Controller, clock, journal, throttle};

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

impl Health {
    pub(super) const READY: Health = Health { status: "ready", version: env!("CARGO_PKG_VERSION") };
}

/// What `seed` has loaded.
#[derive(Serialize)]
pub(super) struct Seeded {
    pub(super) records: u64,
}

#[derive(Serialize)]
struct State {
    records: Pairs<u64>,
    next_ids: Pairs<i64>,
    resettable: bool,
    snapshots: usize,
    journal: journal::Extent,
    faults: usize,
    clock: clock::Shown,
    throttle: throttle::Shown,
}

impl Controller {
    pub(super) fn state(&self) -> Outcome {
        let counted = self.api.store().counts().map_err(|error| failed(&error))?;
        let records = counted.iter().map(|count| (count.table.to_owned(), count.records)).collect();
        let next_ids = counted.iter().map(|count| (count.table.to_owned(), count.next_id)).collect();
        json(&State {
            records: Pairs(records),
            next_ids: Pairs(next_ids),
            resettable: self.arranged.start.is_some(),
            snapshots: self.snapshots().len(),
            journal: self.arranged.journal.extent(),
            faults: self.arranged.faults.count(),
            clock: self.clock(),
            throttle: self.throttle(),
        })
    }
}
