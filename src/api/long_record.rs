//! Long records: written on threads of their own, a few at a time, and only once the budget has room for them.

use std::sync::Arc;

use bytes::Bytes;

use super::budget::Charge;
use super::lane::Lane;
use super::stream::Stream;
use crate::error::Result;
use crate::store::{ClientStore, RecordDocument};

/// A record whose document is long, and all that it takes to write it.
#[derive(Clone)]
pub(super) struct LongRecord {
    pub(super) lane: Lane,
    pub(super) store: ClientStore,
    pub(super) record: RecordDocument,
}

impl LongRecord {
    /// An upper bound of its document's length, in bytes.
    pub(super) fn at_most(&self) -> Result<usize> {
        self.store.document_at_most(self.record)
    }

    /// The document, written on the calling thread.
    pub(super) fn in_place(&self, most: usize) -> Result<Vec<u8>> {
        self.store.long_document(self.record, most)
    }

    /// The document, written in the lane once the budget has room for it. Without a charge it does not count.
    pub(super) async fn written(self, charge: Option<Charge>) -> Result<Written> {
        let (lane, measured) = (self.lane.clone(), self.clone());
        let most = lane.run(move || measured.at_most()).await?;
        let charge = charge.map(Arc::new);
        if let Some(charge) = &charge {
            charge.grow(most).await;
        }
        let document = lane.run(move || self.in_place(most)).await?;
        Ok(Written::of(document, most, charge).await)
    }
}

/// The long record that comes next in a list, in room for `most` bytes. While it waits for the room, the list gives
/// back its other counted bytes; otherwise lists that wait would take the room from each other.
pub(super) async fn next_long(
    lane: Lane,
    mut list: Box<Stream>,
    most: usize,
    counted: Option<(Arc<Charge>, usize)>,
) -> Result<(Box<Stream>, Bytes)> {
    let mut charge = None;
    if let Some((its, kept)) = counted {
        let own = Arc::new(its.another());
        let given = its.let_go(kept);
        own.grow(most + given).await;
        own.hand_over(given, &its);
        charge = Some(own);
    }
    let write = move || {
        let record = list.long(most)?;
        Ok((list, record))
    };
    let (list, record) = lane.run(write).await?;
    Ok((list, Written::of(record, most, charge).await.into_bytes()))
}

/// A document, and the charge that counts it.
pub(super) struct Written {
    pub(super) document: Vec<u8>,
    pub(super) charge: Option<Arc<Charge>>,
}

impl Written {
    /// Counts the document by its true length in place of the `most` bytes of room; the record may have grown
    /// meanwhile.
    pub(super) async fn of(document: Vec<u8>, most: usize, charge: Option<Arc<Charge>>) -> Self {
        if let Some(charge) = &charge {
            charge.shrink(most.saturating_sub(document.len()));
            charge.grow(document.len().saturating_sub(most)).await;
        }
        Written { document, charge }
    }

    /// Bytes that count until they are sent.
    pub(super) fn into_bytes(self) -> Bytes {
        let document = Bytes::from(self.document);
        match self.charge {
            Some(charge) => charge.count(document),
            None => document,
        }
    }
}
