//! The bytes of a file that is kept with a record, piece by piece.

use bytes::Bytes;

use super::list::Reads;
use super::record_document::PIECE;
use crate::error::Result;
use crate::store::entity::{Files, Kept};
use crate::store::{ClientStore, Snapshot};

/// How long a piece of a file is, in bytes. SQLite looks for the place of each from the file's beginning.
const FILE_PIECE: usize = 2 * PIECE;

/// The bytes of a file, read as they are asked for, all as they were at one moment.
pub(crate) struct FilePieces {
    snapshot: Snapshot,
    kept: Kept,
    read: usize,
}

impl Iterator for FilePieces {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        let FilePieces { snapshot, kept, read } = self;
        if *read >= kept.length {
            return None;
        }
        let piece = snapshot.read(|connection| kept.read_at(connection, *read, FILE_PIECE));
        *read = piece.as_ref().map_or(kept.length, |piece| *read + piece.len());
        Some(piece)
    }
}

impl ClientStore {
    /// The file of a record, whole where it is short or the store is in memory, where no read lasts.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) where the record has none, [`Error::Storage`](crate::Error::Storage).
    pub(crate) fn file(&self, files: &'static Files, id: i64) -> Result<(Kept, FileBytes)> {
        let mut snapshot = self.snapshot()?;
        let is_whole = |kept: &Kept| kept.length <= FILE_PIECE || self.path().is_none();
        let (kept, whole) = snapshot.read(|connection| {
            let kept = files.find(connection, id)?;
            let whole = is_whole(&kept).then(|| kept.read_at(connection, 0, kept.length)).transpose()?;
            Ok((kept, whole))
        })?;
        if let Some(bytes) = whole {
            return Ok((kept, FileBytes::Whole(bytes)));
        }
        snapshot.keep_little()?;
        Ok((kept.clone(), FileBytes::Pieces(Box::new(FilePieces { snapshot, kept, read: 0 }))))
    }
}

/// The bytes of a file.
pub(crate) enum FileBytes {
    Whole(Bytes),
    Pieces(Box<FilePieces>),
}
