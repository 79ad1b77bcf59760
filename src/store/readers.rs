//! Reader connections, kept for the next reader.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::file::{self, Settings};
use crate::error::Result;

/// The idle reader connections of a file.
///
/// A reader takes one and brings it back; where none is idle it opens one more, so that a list that
/// a slow program reads holds up nobody.
pub(crate) struct Readers {
    path: PathBuf,
    settings: Settings,
    kept: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, settings: Settings, kept: usize) -> Self {
        Readers { path, settings, kept, idle: Mutex::default() }
    }

    pub(crate) fn take(&self) -> Result<Connection> {
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
