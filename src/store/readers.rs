//! Reader connections, kept for the next reader.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::file::{self, Settings};
use super::keeper::Keeper;
use crate::error::Result;

/// The idle reader connections of a file.
///
/// A reader takes one and brings it back; where none is idle it opens one more, so that a list that
/// a slow program reads holds up nobody.
pub(crate) struct Readers {
    path: PathBuf,
    settings: Settings,
    kept: usize,
    keeper: Arc<Keeper>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, settings: Settings, kept: usize, keeper: Arc<Keeper>) -> Self {
        Readers { path, settings, kept, keeper, idle: Mutex::default() }
    }

    pub(crate) fn take(&self) -> Result<Connection> {
        self.keeper.count();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => file::reader(&self.path, &self.settings),
        }
    }

    pub(crate) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.kept {
            idle.push(connection);
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // Before the writer's connection, which closes the file when it is the last.
        self.keeper.close();
    }
}
