//! Writing: commands, the queue of those that wait, and the one connection that applies them.

pub(crate) mod command;
mod queue;
pub(crate) mod writer;

pub(crate) use command::{Command, MAX_ID, Outcome, Write};
#[cfg(feature = "tower")]
pub(crate) use queue::Spawn;
pub(crate) use writer::Writer;
