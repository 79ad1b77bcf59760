//! The connections to a file: what each is set to, and what its errors mean.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::builder::Durability;
use super::place::{self, Access};
use crate::error::{Error, Result};
use crate::store::app::watch;
use crate::store::read::define;
use crate::store::schema::FILE_FORMAT;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// What every connection to a file is set to.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    /// Whether closing leaves the write-ahead log as it is.
    pub(crate) keeps_log: bool,
    /// Whether the file may have several names.
    pub(crate) links: bool,
    pub(crate) access: Access,
}

/// Opens one more connection, for reading, to a file that the writer has opened.
pub(crate) fn reader(path: &Path, settings: &Settings) -> Result<Connection> {
    let only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = match settings.access {
        // Read-write, because a read-only connection cannot recover a log; `query_only` keeps it from writing.
        Access::Write => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)?
        }
        Access::Read => Connection::open_with_flags(uri(path, "mode=ro&readonly_shm=1"), only)?,
        Access::Immutable => Connection::open_with_flags(uri(path, "immutable=1"), only)?,
    };
    set_up(&mut connection, settings)?;
    FILE_FORMAT.read_as_newest(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

pub(crate) fn set_up(connection: &mut Connection, settings: &Settings) -> Result<()> {
    connection.busy_timeout(settings.busy_timeout)?;
    define(connection)?;
    watch(connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, settings.keeps_log)?;
    // Otherwise a statement is planned for the values that are bound to it, and compiled anew for others.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let synchronous = match settings.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
        Durability::Off => "OFF",
    };
    // In memory, what undoes one statement costs no write: in a file, each row that has a trigger writes pages there.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY"
    ))?;
    Ok(())
}

pub(crate) fn uri(path: &Path, parameters: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes().iter().copied() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b':' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?" + parameters
}

/// Begins a transaction that writes, waiting for other programs' up to the busy timeout.
pub(crate) fn begin(connection: &Connection) -> Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop).map_err(Error::from)
}

/// Whether another program held a lock.
pub(crate) fn is_busy(error: &Error) -> bool {
    match error {
        Error::Storage { source, .. } => source
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
            .is_some_and(|code| matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)),
        Error::Busy { .. } => true,
        _ => false,
    }
}

/// Says that the disk is full, where a failure comes from that.
pub(crate) fn or_full(path: &Path, error: Error) -> Error {
    let Error::Storage { source, .. } = &error else { return error };
    let code = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    match code {
        Some(ErrorCode::DiskFull) => Error::Storage { doing: "the disk is full", source: Arc::clone(source) },
        Some(ErrorCode::SystemIoFailure) if place::is_full(path) => {
            Error::Storage { doing: "the disk is full", source: Arc::clone(source) }
        }
        _ => error,
    }
}
