//! Writing: commands, the queue of those that wait, and the one connection that applies them.

mod apply;
mod command;
mod complete;
mod file;
mod listening;
mod load;
mod place;
mod queue;
mod refusal;
mod rows;
mod writer;

pub(crate) use apply::{apply, change, create, whole};
pub(crate) use command::{Command, Composed, Composition, Given, MAX_ID, Outcome, Procedure, Told, Write};
pub(crate) use file::File;
pub(crate) use load::{add, add_checked, delete_where, load};
pub(crate) use place::Place;
#[cfg(feature = "tower")]
pub(crate) use queue::Spawn;
pub(crate) use refusal::refusal;
pub(crate) use writer::Writer;
