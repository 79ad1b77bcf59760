//! The schema of a file: what it has to be, and bringing older files to it.

mod format;
mod migrate;
mod objects;
mod older;

pub(crate) use format::{APPLICATION_ID, FILE_FORMAT, foreign, identity, newer, unaltered};
pub(crate) use migrate::Preparation;
pub use migrate::Upgrade;
pub(crate) use objects::Difference;
