//! What takes long is done apart from the runtime's threads, a few at a time, and what is long has room before it is
//! written.

use std::sync::Arc;

use bytes::Bytes;

use super::body::{Sent, Stream};
use super::budget::Charge;
use super::lane::Lane;
use crate::error::Result;
use crate::store::{ClientStore, RecordDocument};

/// One record whose document is long, and how it is written.
#[derive(Clone)]
pub(super) struct LongRecord {
    pub(super) lane: Lane,
    pub(super) store: ClientStore,
    pub(super) record: RecordDocument,
}

impl LongRecord {
    /// How long its document is at most, in bytes.
    pub(super) fn at_most(&self) -> Result<usize> {
        self.store.document_at_most(self.record)
    }

    /// The document, written here and now.
    pub(super) fn in_place(&self, most: usize) -> Result<Vec<u8>> {
        self.store.long_document(self.record, most)
    }

    /// The document, which counts in the budget where there is a charge for it. It is written once, when there is room.
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

/// The next record of a list, which is long, in room for `most` bytes. While it waits for that, it takes only what is
/// kept of the list's counted bytes: else lists that wait would take the room from each other.
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

/// A document, and what it counts with.
pub(super) struct Written {
    pub(super) document: Vec<u8>,
    pub(super) charge: Option<Arc<Charge>>,
}

impl Written {
    /// Counts it as it is, where there was room for `most` bytes; meanwhile it may have become more.
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
            Some(charge) => Bytes::from_owner(Sent { bytes: document, _charge: charge }),
            None => document,
        }
    }
}
