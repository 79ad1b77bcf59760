//! What observers and the change feed ask of the writer, whose connection alone tells other programs' commits from its own.

use std::sync::Arc;

use super::Writer;
use crate::error::Result;
use crate::store::observe::{Feed, Listeners, Seat, Tables};

impl Writer {
    /// Who is told of its commits.
    pub(crate) fn listeners(&self) -> &Arc<Listeners> {
        &self.listeners
    }

    /// Does something with the change feed, after looking for other programs' commits. Waits for the transaction that
    /// runs.
    pub(crate) fn feed<T>(&self, run: impl FnOnce(&Feed, &Tables) -> T) -> Result<T> {
        let connection = &mut *self.connection()?;
        if self.is_shared() && self.listeners.is_any() {
            self.listeners.look(connection);
        }
        self.listeners.feed(connection, run)
    }

    /// Seats an observer of all that a statement reads. Waits for the transaction that runs.
    pub(crate) fn seat(self: &Arc<Self>, sql: &str) -> Result<Arc<Seat>> {
        let connection = &mut *self.connection()?;
        let writer = Arc::downgrade(self);
        let poll = move || {
            // While a transaction has the connection, nobody else commits, and it has looked as it began.
            if let Some(writer) = writer.upgrade()
                && let Ok(connection) = writer.connection.try_lock()
            {
                writer.listeners.look(&connection);
            }
        };
        self.listeners.seat(connection, sql, self.is_shared().then_some(poll))
    }
}
