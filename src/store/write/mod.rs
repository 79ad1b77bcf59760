//! Writing: commands, the queue of those that wait, and the one connection that applies them.

pub(crate) mod command;
mod file;
mod queue;
mod writer;

pub(crate) use command::{Command, MAX_ID, Outcome, Write};
pub(crate) use file::File;
#[cfg(feature = "tower")]
pub(crate) use queue::Spawn;
pub(crate) use writer::Writer;
