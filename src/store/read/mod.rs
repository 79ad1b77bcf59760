//! Reading: the pool of readers, lists, and documents straight from the rows.

mod document;
mod file;
mod list;
mod read_mark;
mod readers;
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only what is written apart is measured"))]
mod record_document;
mod texts;

pub(crate) use document::{Ended, ListDocument};
pub(crate) use file::FileBytes;
pub use list::List;
pub(crate) use list::{Cursor, Reads, Source, Step, record};
pub(crate) use readers::{Reader, Readers};
pub(crate) use record_document::{Document, PIECE, RecordDocument};
pub(crate) use texts::{FOLDED, KeptTexts, Words, define, found_in};
