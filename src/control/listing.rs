//! `GET journal`: the filter, and the answer, which is made while it is sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use tokio::time::timeout_at;

use super::entry::Entry;
use super::journal::{Extent, Journal};
use super::pattern::{MethodPattern, PathPattern};
use super::respond::{Failure, JSON};
use crate::api::{Body, answer};
use crate::error::Result;
use crate::store::PIECE;

/// The longest wait for an entry, in seconds.
const MAX_WAIT: u64 = 60;

/// At most this many entries are compared with a path on the calling thread; more are compared on another.
const FEW: usize = 16;

const HINT: &str = "The parameters are method, path, status, after, limit and wait";

/// The filter of the entries.
#[derive(Clone, Default)]
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
                // Unknown names are refused above, so this list stays short.
                _ => return Err(wrong(format!("There is no parameter {name:?}"))),
            }
            seen.push(name);
        }
        Ok(query)
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.status.is_none_or(|status| entry.status == Some(status))
            && self.method.as_ref().is_none_or(|method| method.as_str() == entry.method)
            && self.path.as_ref().is_none_or(|path| path.fits(&entry.path))
    }

    /// The entries that fit the filter.
    fn choose(&self, entries: &[Arc<Entry>], extent: Extent) -> Chosen {
        let limit = self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut chosen = Chosen { extent, first: entries.first().map_or(1, |entry| entry.number), bits: Vec::new() };
        for entry in entries.iter().rev().filter(|entry| self.fits(entry)).take(limit) {
            chosen.add(entry.number);
        }
        chosen
    }

    /// The entries that fit now. Long comparisons run on another thread.
    async fn chosen(&self, journal: &Journal, after: u64) -> Chosen {
        let (entries, extent) = journal.after(after);
        if self.path.is_none() || entries.len() <= FEW {
            return self.choose(&entries, extent);
        }
        let query = self.clone();
        let choose = move || query.choose(&entries, extent);
        let chosen = tokio::task::spawn_blocking(choose).await;
        chosen.unwrap_or(Chosen { extent, first: 1, bits: Vec::new() })
    }

    /// The entries that fit, waiting for one where asked to.
    pub(super) async fn find(&self, journal: &Journal) -> Chosen {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(self.wait.unwrap_or(0));
        let (after, cleared) = (self.after.unwrap_or(0), journal.extent().cleared);
        // Each entry is looked at once, however long the wait.
        let mut looked_at = after;
        loop {
            let mut changed = std::pin::pin!(journal.changed().notified());
            changed.as_mut().enable();
            let chosen = self.chosen(journal, looked_at).await;
            let Extent { last, cleared: now, .. } = chosen.extent;
            if now != cleared {
                return self.chosen(journal, after).await;
            }
            // A number above the last entry is from before a reset; the answer at once lets the caller notice.
            if !chosen.is_empty() || after > last || journal.is_closed() {
                return chosen;
            }
            looked_at = looked_at.max(last);
            if timeout_at(deadline, changed).await.is_err() {
                return chosen;
            }
        }
    }
}

/// The numbers of the entries that were found, as a bit set.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) extent: Extent,
    first: u64,
    bits: Vec<u64>,
}

impl Chosen {
    pub(super) fn none(extent: Extent) -> Self {
        Chosen { extent, first: 1, bits: Vec::new() }
    }

    fn add(&mut self, number: u64) {
        let bit = (number - self.first) as usize;
        if self.bits.len() <= bit / 64 {
            self.bits.resize(bit / 64 + 1, 0);
        }
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Takes the smallest number that is left.
    fn take(&mut self) -> Option<u64> {
        let word = self.bits.iter().position(|word| *word != 0)?;
        let bit = self.bits[word].trailing_zeros() as usize;
        self.bits[word] &= self.bits[word] - 1;
        Some(self.first + (word * 64 + bit) as u64)
    }
}

/// The answer with the entries, piece by piece. It holds only their numbers. An entry that is dropped meanwhile is left
/// out, or ends early.
#[derive(Clone)]
pub(super) struct Listing {
    journal: Arc<Journal>,
    chosen: Chosen,
    begun: bool,
    ended: bool,
    entries: u64,
    /// The entry whose body is being written, the byte to go on from, and the JSON after the body.
    within: Option<(u64, usize, String)>,
}

impl Listing {
    pub(super) fn new(journal: &Arc<Journal>, chosen: Chosen) -> Self {
        Listing { journal: Arc::clone(journal), chosen, begun: false, ended: false, entries: 0, within: None }
    }

    /// Whether nothing is left to write.
    pub(super) fn is_done(&self) -> bool {
        self.ended
    }

    /// Writes the next step: a chunk of a body, the beginning of an entry, or the end.
    fn step(&mut self, out: &mut Vec<u8>) {
        let Extent { last, dropped, cleared, .. } = self.chosen.extent;
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b"{\n  \"entries\": [");
        }
        if let Some((number, from, after)) = self.within.take() {
            let next = self.journal.entry(cleared, number).and_then(|entry| entry.body.write_chunk(from, out));
            match next {
                Some(next) => self.within = Some((number, next, after)),
                None => out.extend_from_slice(after.as_bytes()),
            }
            return;
        }
        let Some(number) = self.chosen.take() else {
            let end = if self.entries > 0 { "\n  ]" } else { "]" };
            let rest = format!(",\n  \"last\": {last},\n  \"dropped\": {dropped},\n  \"cleared\": {cleared}\n}}\n");
            out.extend([end, &rest].iter().flat_map(|text| text.bytes()));
            self.ended = true;
            return;
        };
        if let Some(entry) = self.journal.entry(cleared, number) {
            let (before, after) = entry.around_body();
            out.extend_from_slice(if self.entries > 0 { b",\n" } else { b"\n" });
            out.extend_from_slice(before.as_bytes());
            self.entries += 1;
            self.within = Some((number, 0, after));
        }
    }
}

impl Iterator for Listing {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        if self.ended {
            return None;
        }
        let mut piece = Vec::new();
        // Only an entry with a very long head makes a piece longer than planned.
        while !self.ended && piece.len() < PIECE / 4 {
            self.step(&mut piece);
        }
        Some(Ok(piece.into()))
    }
}

/// 200 with JSON that is made while it is sent; made whole, if one piece is enough.
pub(super) fn answered(listing: Listing) -> Response<Body> {
    let mut whole = listing.clone();
    let body = match whole.next() {
        Some(Ok(first)) if whole.is_done() => Body::from(first),
        // The pieces are made again once the budget has room.
        _ => Body::pieces(listing),
    };
    let mut response = answer(StatusCode::OK, body);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::ClientStore;
    use crate::api::Api;

    fn journal(bodies: impl IntoIterator<Item = Vec<u8>>) -> Arc<Journal> {
        let api = Api::new(ClientStore::builder().deterministic(7).open_in_memory().unwrap());
        let journal = Arc::new(Journal::default());
        for body in bodies {
            let request = Request::post("/clients").header("x", "\n  \"body\": \"".replace('\n', "\\n"));
            let head = request.body(()).unwrap().into_parts().0;
            let mut recording = Journal::begin(&journal, &api, &head, None);
            let length = body.len();
            recording.body(&head.headers, &body.into(), length);
        }
        journal
    }

    fn listing(journal: &Arc<Journal>) -> Listing {
        let (entries, extent) = journal.after(0);
        Listing::new(journal, Query::default().choose(&entries, extent))
    }

    #[test]
    fn pieces_are_short_whatever_the_bodies_and_make_a_whole() {
        let bodies = [vec![1; 262_144], b"<a>\"body\"</a>".to_vec(), vec![0xff; 262_144], Vec::new()];
        let journal = journal(bodies.iter().cloned().cycle().take(12));
        let mut whole = Vec::new();
        for piece in listing(&journal) {
            let piece = piece.unwrap();
            assert!(!piece.is_empty() && piece.len() <= PIECE + PIECE / 8, "{}", piece.len());
            whole.extend_from_slice(&piece);
        }
        let value: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        let entries = value["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 12);
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(entry["number"], at as u64 + 1);
            assert_eq!(entry["body_bytes"], bodies[at % 4].len());
            match at % 4 {
                2 => assert_eq!(entry["body_base64"].as_str().unwrap().len(), 262_144_usize.div_ceil(3) * 4),
                kind => assert_eq!(entry["body"].as_str().unwrap().as_bytes(), bodies[kind]),
            }
        }
    }

    #[test]
    fn a_reader_keeps_numbers_and_no_entries() {
        let journal = journal((0..200).map(|_| vec![b'x'; 50_000]));
        let mut readers: Vec<Listing> = (0..50).map(|_| listing(&journal)).collect();
        readers.iter_mut().for_each(|reader| drop(reader.next()));
        for (number, _) in (1..=200).zip(0..) {
            let entry = journal.entry(0, number).unwrap();
            // The journal's own, and this one.
            assert_eq!(Arc::strong_count(&entry), 2);
        }
        assert!(readers.iter().all(|reader| reader.chosen.bits.len() <= 200 / 64 + 1));
        // What is cleared meanwhile ends early, and what came is still a document.
        journal.clear();
        let mut reader = listing(&journal);
        assert_eq!(reader.chosen.take(), None);
        for mut reader in readers {
            let rest: Vec<u8> = reader.by_ref().flat_map(|piece| piece.unwrap()).collect();
            assert!(rest.ends_with(b"\n}\n"), "{}", String::from_utf8_lossy(&rest));
        }
    }

    #[test]
    fn numbers_are_given_in_order_and_once() {
        let mut chosen = Chosen { extent: Extent::default(), first: 7, bits: Vec::new() };
        for number in [200, 7, 71, 70, 9_999] {
            chosen.add(number);
        }
        assert_eq!(std::iter::from_fn(|| chosen.take()).collect::<Vec<_>>(), [7, 70, 71, 200, 9_999]);
        assert_eq!(chosen.take(), None);
    }
}
