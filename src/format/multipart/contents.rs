//! The bytes of a file that was sent.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};

/// How much of a temporary file is read at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// The bytes of a file: in memory, or in a temporary file from its beginning on.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only a body that comes in pieces is spooled"))]
pub(crate) enum Contents {
    Held(Bytes),
    Spooled(Arc<File>, usize),
}

impl Contents {
    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Contents::Held(bytes) => bytes.len(),
            Contents::Spooled(_, length) => *length,
        }
    }

    /// The first bytes, at most `most` of them.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the temporary file cannot be read.
    pub(crate) fn beginning(&self, most: usize) -> Result<Vec<u8>> {
        let most = most.min(self.len());
        let mut beginning = vec![0; most];
        match self {
            Contents::Held(bytes) => beginning.copy_from_slice(&bytes[..most]),
            Contents::Spooled(file, _) => from_start(file, |file| file.read_exact(&mut beginning))?,
        }
        Ok(beginning)
    }

    /// Gives the bytes, piece by piece where they stand in a file.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the temporary file cannot be read, and what `each` gives.
    pub(crate) fn each(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Contents::Held(bytes) => each(bytes),
            Contents::Spooled(file, length) => {
                let mut piece = vec![0; PIECE.min(*length)];
                from_start(file, |_| Ok(()))?;
                let mut left = *length;
                while left > 0 {
                    let piece = &mut piece[..left.min(PIECE)];
                    (&**file).read_exact(piece).map_err(spool)?;
                    each(piece)?;
                    left -= piece.len();
                }
                Ok(())
            }
        }
    }
}

fn from_start(mut file: &File, run: impl FnOnce(&mut &File) -> io::Result<()>) -> Result<()> {
    file.rewind().and_then(|()| run(&mut file)).map_err(spool)
}

/// A failure of the temporary file.
pub(crate) fn spool(error: io::Error) -> Error {
    let doing = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full",
        _ => "keeping a file that is being sent in a temporary one",
    };
    Error::storage(doing, error)
}
