//! Opening a file: which file it is, whose it is, and the connections to it.

mod builder;
mod claim;
mod connection;
pub(crate) mod file;
mod place;

pub use builder::{Builder, Durability};
pub(crate) use claim::Claim;
pub(crate) use connection::{Settings, begin, is_busy, or_full, reader};
pub(crate) use place::{
    Access, Identity, brought_along_to, is_at, is_brought_along, no_directory, resolve, unwritable, with_suffix,
};
