//! The file that a writer writes to.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::store::open::{Identity, or_full};
use crate::store::read::Readers;

/// What a writer knows of its file.
pub(crate) struct File {
    pub(crate) readers: Arc<Readers>,
    pub(crate) identity: Arc<Identity>,
    /// Whether the store owns the file: then the file stays locked between commits.
    pub(crate) exclusive: bool,
    pub(crate) read_only: bool,
}

impl File {
    /// Fails if the store was opened for reading only.
    pub(super) fn is_writable(&self) -> Result<()> {
        match self.read_only {
            true => Err(Error::ReadOnly {
                path: self.identity.path().to_owned(),
                reason: "the store was opened for reading only",
            }),
            false => Ok(()),
        }
    }

    /// Fails if the file is no longer at its path: what was written to it must not be acknowledged.
    pub(super) fn is_in_place(&self) -> Result<()> {
        self.identity.check()
    }

    /// Says that the disk is full, if that is what the error comes from.
    pub(super) fn or_full(&self, error: Error) -> Error {
        or_full(self.identity.path(), error)
    }
}
