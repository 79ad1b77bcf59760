//! Reading the store at one moment.

use super::ClientStore;
use super::read::Reader;
use crate::error::Result;

/// A version of the store; two are only equal or not. See [`ClientStore::version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(pub(super) u64);

/// A reader that sees the store as it was at its first read until it is dropped.
pub(crate) struct Snapshot {
    pub(super) store: ClientStore,
    pub(super) reader: Option<Reader>,
}

impl Snapshot {
    /// Reduces its page cache from now on.
    pub(crate) fn keep_little(&mut self) -> Result<()> {
        self.reader.as_mut().map_or(Ok(()), Reader::keep_little)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let (Some(reader), Some(readers)) = (self.reader.take(), &self.store.inner.readers) {
            readers.put_back(reader);
        }
    }
}
