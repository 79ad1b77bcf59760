//! `journal`: the requests so far, and how they were answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::SecondsFormat;
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::timeout_at;

use super::pattern::{MethodPattern, PathPattern};
use super::respond::Failure;
use crate::store::Time;

/// So many entries are kept, and no more than so many bytes of them.
const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// So much of a body is kept.
const MAX_BODY: usize = 256 * 1024;
/// The longest wait for an entry, in seconds.
const MAX_WAIT: u64 = 60;

const HINT: &str = "The parameters are method, path, status, after, limit and wait";

/// A request and its answer.
#[derive(Clone, Serialize)]
pub(super) struct Entry {
    pub(super) number: u64,
    time: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    body_bytes: usize,
    route: Option<String>,
    pub(super) status: Option<u16>,
    fault: Option<&'static str>,
    duration_ms: f64,
}

impl Entry {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let texts = [&self.query, &self.body, &self.body_base64, &self.route];
        let headers = self.headers.iter().map(|(name, value)| 64 + name.len() + value.len()).sum::<usize>();
        256 + self.path.len() + headers + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

#[derive(Default)]
pub(super) struct Journal {
    state: Mutex<State>,
    changed: Notify,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    extent: Extent,
}

/// How far the journal reaches.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Extent {
    entries: usize,
    last: u64,
    dropped: u64,
    cleared: u64,
}

#[derive(Serialize)]
pub(super) struct Listing {
    entries: Vec<Arc<Entry>>,
    last: u64,
    dropped: u64,
    cleared: u64,
}

/// Which entries are asked for.
#[derive(Default)]
pub(super) struct Query {
    method: Option<MethodPattern>,
    path: Option<PathPattern>,
    status: Option<u16>,
    after: Option<u64>,
    limit: Option<u64>,
    wait: Option<u64>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut query = Query::default();
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let wrong = |message: String| Failure::invalid(message, HINT).at(&*name);
            let number = || value.parse().map_err(|_| wrong(format!("{value:?} is no number")));
            if seen.contains(&name) {
                return Err(wrong(format!("{name} is given twice")));
            }
            match &*name {
                "method" => query.method = Some(value.to_string().try_into().map_err(wrong)?),
                "path" => query.path = Some(value.to_string().try_into().map_err(wrong)?),
                "status" => {
                    let status = value.parse().ok().filter(|status| (100..=999).contains(status));
                    query.status = Some(status.ok_or_else(|| wrong(format!("{value:?} is no status")))?);
                }
                "after" => query.after = Some(number()?),
                "limit" => query.limit = Some(number()?),
                "wait" => {
                    let seconds = number()?;
                    if seconds > MAX_WAIT {
                        return Err(wrong(format!("{seconds} seconds are more than {MAX_WAIT}")));
                    }
                    query.wait = Some(seconds);
                }
                _ => return Err(wrong(format!("There is no parameter {name:?}"))),
            }
            seen.push(name);
        }
        Ok(query)
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.after.is_none_or(|after| entry.number > after)
            && self.status.is_none_or(|status| entry.status == Some(status))
            && self.method.as_ref().is_none_or(|method| method.as_str() == entry.method)
            && self.path.as_ref().is_none_or(|path| path.fits(&entry.path))
    }
}

impl Journal {
    /// Begins to record a request.
    pub(super) fn begin(journal: &Arc<Journal>, time: &Time, head: &Parts, route: Option<String>) -> Recording {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            match headers.get_mut(name.as_str()) {
                Some(values) => values.extend([", ", &value]),
                None => drop(headers.insert(name.as_str().to_owned(), value.into_owned())),
            }
        }
        let entry = Entry {
            number: 0,
            time: time.now().to_rfc3339_opts(SecondsFormat::Millis, true),
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers,
            body: Some(String::new()),
            body_base64: None,
            body_bytes: 0,
            route,
            status: None,
            fault: None,
            duration_ms: 0.0,
        };
        let cleared = journal.state().extent.cleared;
        let begun = (!time.is_still()).then(Instant::now);
        Recording { journal: Arc::clone(journal), cleared, begun, entry: Some(entry) }
    }

    /// The entries that fit, waiting for one where asked to.
    pub(super) async fn read(&self, query: &Query) -> Listing {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(query.wait.unwrap_or(0));
        let cleared = self.extent().cleared;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let listing = self.listing(query);
            // Who asks for what comes after an entry that is gone has missed that it went.
            let is_stale = listing.cleared != cleared || query.after.is_some_and(|after| after > listing.last);
            if !listing.entries.is_empty() || is_stale || self.is_closed.load(Ordering::Acquire) {
                return listing;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return self.listing(query);
            }
        }
    }

    fn listing(&self, query: &Query) -> Listing {
        let state = self.state();
        let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let newest = state.entries.iter().rev().filter(|entry| query.fits(entry)).take(limit);
        let mut entries: Vec<Arc<Entry>> = newest.cloned().collect();
        entries.reverse();
        let Extent { last, dropped, cleared, .. } = state.extent;
        Listing { entries, last, dropped, cleared }
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.state().entries.iter().cloned().collect()
    }

    pub(super) fn extent(&self) -> Extent {
        let state = self.state();
        Extent { entries: state.entries.len(), ..state.extent }
    }

    /// Forgets all entries; what was begun before is not recorded.
    pub(super) fn clear(&self) -> Listing {
        {
            let mut state = self.state();
            let cleared = state.extent.cleared + 1;
            *state = State { extent: Extent { cleared, ..Extent::default() }, ..State::default() };
        }
        self.changed.notify_waiters();
        self.listing(&Query::default())
    }

    /// Lets nobody wait any longer.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    fn push(&self, mut entry: Entry, cleared: u64) {
        {
            let mut state = self.state();
            if state.extent.cleared != cleared {
                return;
            }
            state.extent.last += 1;
            entry.number = state.extent.last;
            state.bytes += entry.bytes();
            state.entries.push_back(Arc::new(entry));
            while state.entries.len() > MAX_ENTRIES || state.bytes > MAX_BYTES {
                let Some(oldest) = state.entries.pop_front() else { break };
                state.bytes -= oldest.bytes();
                state.extent.dropped += 1;
            }
        }
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered; dropped, it becomes an entry.
pub(crate) struct Recording {
    journal: Arc<Journal>,
    cleared: u64,
    /// None where durations are not to vary.
    begun: Option<Instant>,
    entry: Option<Entry>,
}

impl Recording {
    pub(crate) fn body(&mut self, body: &Bytes) {
        let Some(entry) = &mut self.entry else { return };
        entry.body_bytes = body.len();
        let kept = &body[..body.len().min(MAX_BODY)];
        entry.body = match std::str::from_utf8(kept) {
            Ok(text) => Some(text.to_owned()),
            // A character that the cut went through.
            Err(error) if error.error_len().is_none() && kept.len() < body.len() => {
                Some(String::from_utf8_lossy(&kept[..error.valid_up_to()]).into_owned())
            }
            Err(_) => {
                entry.body_base64 = Some(STANDARD.encode(kept));
                None
            }
        };
    }

    pub(crate) fn fault(&mut self, what: &'static str) {
        if let Some(entry) = &mut self.entry {
            entry.fault = Some(what);
        }
    }

    pub(crate) fn status(&mut self, status: StatusCode) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status.as_u16());
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            // To the microsecond.
            let took = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
            entry.duration_ms = took.as_micros() as f64 / 1e3;
            self.journal.push(entry, self.cleared);
        }
    }
}
