//! Exact copies of a store in memory, and the way back to one.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{Error, Result};
use crate::store::open::Builder;
use crate::store::open::file::blank;
use crate::store::time::Setting;
use crate::store::{ClientStore, settings};

/// A store in memory as it was at one moment: every record, the ids that come next, the generator
/// of client keys, and the time.
pub(crate) struct Image {
    connection: Mutex<Connection>,
    keys: u64,
    time: Setting,
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only the server counts snapshots"))]
    bytes: u64,
}

#[cfg(feature = "server")]
impl Image {
    /// How much its records take, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(feature = "server")]
impl ClientStore {
    /// Whether the store is in memory, so that it can be copied and restored.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.inner.path.is_none()
    }

    /// Sets the clock back to how the store was opened.
    pub(crate) fn restart_time(&self) {
        self.inner.time.restore(Setting::start(self.inner.builder.frozen));
    }

    /// Makes the store what it was, in turn with its writes.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where there is no memory for it.
    pub(crate) fn restore(&self, image: &Image) -> Result<()> {
        let from = image.connection.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.writer.alone(|connection| {
            copy_all(&from, connection)?;
            self.inner.builder.keys.rewind(image.keys);
            self.inner.time.restore(image.time);
            Ok(())
        })
    }
}

impl ClientStore {
    /// Copies the store, in turn with its writes.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where there is no memory for it.
    pub(crate) fn image(&self) -> Result<Image> {
        let mut copy = Connection::open_in_memory()?;
        self.inner.writer.alone(|connection| {
            copy_all(connection, &mut copy)?;
            let bytes: i64 = connection.query_row(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                [],
                |row| row.get(0),
            )?;
            let (keys, time) = (self.inner.builder.keys.count(), self.inner.time.setting());
            Ok(Image { connection: Mutex::new(copy), keys, time, bytes: bytes.unsigned_abs() })
        })
    }

    /// Opens a new store in memory that begins as a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where there is no memory for it.
    pub(crate) fn copy_of(image: &Image, builder: Builder) -> Result<Self> {
        let mut connection = blank(&settings(&builder))?;
        copy_all(&image.connection.lock().unwrap_or_else(PoisonError::into_inner), &mut connection)?;
        builder.keys.rewind(image.keys);
        let store = Self::of_memory(builder, connection)?;
        if image.time != Setting::start(store.inner.builder.frozen) {
            store.inner.time.restore(image.time);
        }
        Ok(store)
    }
}

fn copy_all(from: &Connection, to: &mut Connection) -> Result<()> {
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        other => Err(Error::storage("copying the store", format!("SQLite stopped half-way ({other:?})"))),
    }
}
