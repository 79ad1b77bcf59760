//! The file: making it, recognising it, bringing it up to date, and the connections to it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::builder::Builder;
use super::connection::{Settings, is_busy, reader, set_up, uri};
use super::place::{self, Access, with_suffix};
use crate::error::{Error, Result};
use crate::store::schema::{
    APPLICATION_ID, Difference, FILE_FORMAT, Preparation, Upgrade, foreign, identity, newer, unaltered,
};

/// What is kept of a write-ahead log that has grown larger, in bytes; SQLite writes it into the file at that size.
const LOG: u64 = 4 << 20;

/// Why a file is not written that should have been.
const NOT_WRITABLE: &str = "this account may not write the file or its directory, or the disk is read-only. Open it for \
                            reading only, or change the permissions";

/// Opens the writer's connection, making the file or bringing it up to date. The path is absolute.
pub(crate) fn writer(path: &Path, settings: &Settings, builder: &Builder) -> Result<(Connection, Option<Upgrade>)> {
    match found(path, settings)? {
        // By a connection that leaves a crash's log where it is, should the file be refused.
        Found::Store if builder.quick_check => quick_check(&inspector(path, settings)?.0, path)?,
        Found::Store => recognise(path)?,
        Found::Empty => {}
        Found::Nothing if builder.create => {}
        Found::Nothing => return Err(Error::Missing { path: path.to_owned() }),
    }
    if path.exists() && place::access(path) != Access::Write {
        return Err(Error::ReadOnly { path: path.to_owned(), reason: NOT_WRITABLE });
    }
    patiently(path, settings, || open_writer(path, settings, builder))
}

/// Opens a connection that writes nothing; what is altered in the file is for the caller to judge.
pub(crate) fn inspector(path: &Path, settings: &Settings) -> Result<(Connection, Settings)> {
    match found(path, settings)? {
        Found::Store => recognise(path)?,
        Found::Empty => return Err(foreign(path, "an empty file".to_owned())),
        Found::Nothing => return Err(Error::Missing { path: path.to_owned() }),
    }
    // A log that a crash has left is read, and stays for the next writer to bring in.
    let access = place::access(path);
    let settings = Settings { keeps_log: log_of(path).exists(), access, ..*settings };
    let connection = patiently(path, &settings, || {
        let connection = reader(path, &settings)?;
        // The log may make it a newer file.
        match identity(&connection)? {
            (APPLICATION_ID, found) if found > FILE_FORMAT.newest() => Err(newer(path, found)),
            _ => Ok(connection),
        }
    });
    let connection =
        if access == Access::Read { connection.map_err(|error| unread_log(path, error)) } else { connection };
    Ok((connection?, settings))
}

/// Refuses a file that cannot be read as it is.
pub(crate) fn readable(connection: &Connection, path: &Path) -> Result<()> {
    let differences = differences(connection)?;
    unaltered(path, differences.into_iter().filter(|difference| !difference.is_readable()).collect())
}

/// Refuses a file with damaged pages or with values that its CHECKs forbid, before anything else of it is used.
pub(crate) fn quick_check(connection: &Connection, path: &Path) -> Result<()> {
    let said = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let said = said.map_err(|error| unopened(path, error.into()))?;
    match said.lines().find(|line| !line.starts_with("*** in database")) {
        None | Some("ok") => Ok(()),
        Some(first) => {
            let source = Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(first));
            Err(Error::Unopened { path: path.to_owned(), hint: damaged(path, &source), source })
        }
    }
}

/// Where the file's schema differs from the one of its version.
pub(crate) fn differences(connection: &Connection) -> Result<Vec<Difference>> {
    FILE_FORMAT.differences(connection)
}

/// What stands at a path.
enum Found {
    Nothing,
    Empty,
    /// An SQLite database perhaps.
    Store,
}

fn found(path: &Path, settings: &Settings) -> Result<Found> {
    place::only_files_beside(path)?;
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(foreign(path, "a directory".to_owned())),
        Ok(found) if !found.is_file() => Err(foreign(path, "no regular file".to_owned())),
        Ok(found) if place::links(&found) > 1 && !settings.links => {
            Err(Error::Linked { path: path.to_owned(), links: place::links(&found) })
        }
        // SQLite takes a file shorter than its smallest page for an empty one.
        Ok(found) if (1..512).contains(&found.len()) => Err(foreign(path, "no SQLite database".to_owned())),
        Ok(found) if found.len() > 0 => Ok(Found::Store),
        Ok(_) => Ok(Found::Empty),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(unopened(path, Error::storage("looking for the file", error))),
    }
}

/// Turning the write-ahead log on, and the end of the last other connection, take locks that
/// SQLite's own busy handler does not wait for.
fn patiently<T>(path: &Path, settings: &Settings, open: impl Fn() -> Result<T>) -> Result<T> {
    let patience = Instant::now() + settings.busy_timeout;
    loop {
        match open() {
            Err(error) if is_busy(&error) && Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if is_busy(&error) => return Err(Error::Busy { waited: settings.busy_timeout }),
            result => return result.map_err(|error| unopened(path, error)),
        }
    }
}

/// Says which file could not be opened, and what to do.
fn unopened(path: &Path, error: Error) -> Error {
    let Error::Storage { source, .. } = error else { return error };
    let code = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    let parent = path.parent().filter(|parent| !parent.exists());
    let hint = match (code, parent) {
        (Some(ErrorCode::CannotOpen), Some(parent)) => {
            format!("there is no directory {}; make it first", parent.display())
        }
        (Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly), None) => {
            "look at its permissions and its directory's".to_owned()
        }
        (Some(ErrorCode::DatabaseCorrupt), _) => damaged(path, &source),
        (Some(ErrorCode::DiskFull), _) => format!("the disk is full: {source}"),
        (Some(ErrorCode::SystemIoFailure), _) if place::is_full(path) => format!("the disk is full: {source}"),
        _ => source.to_string(),
    };
    Error::Unopened { path: path.to_owned(), hint, source }
}

/// Says why a file with a log could not be read without writing anything.
fn unread_log(path: &Path, error: Error) -> Error {
    match error {
        Error::Unopened { path, source, .. }
            if source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code)
                != Some(ErrorCode::DatabaseCorrupt) =>
        {
            let hint = format!(
                "its log {} has to be read as well, which cannot be done without writing to its directory: {source}. \
                 Open it with an account that may write there, or copy the file and its log to another directory",
                log_of(&path).display()
            );
            Error::Unopened { path, hint, source }
        }
        Error::Storage { .. } => unread_log(path, unopened(path, error)),
        error => error,
    }
}

fn damaged(path: &Path, source: &dyn std::fmt::Display) -> String {
    format!("it is damaged: {source}; clientstore check {} says where, a backup brings it back", path.display())
}

/// Where the write-ahead log of a file stands.
fn log_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

fn open_writer(path: &Path, settings: &Settings, builder: &Builder) -> Result<(Connection, Option<Upgrade>)> {
    let had_log = log_of(path).exists();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    if connection.is_readonly("main")? {
        return Err(Error::ReadOnly { path: path.to_owned(), reason: NOT_WRITABLE });
    }
    set_up(&mut connection, settings)?;
    connection.execute_batch(&format!("PRAGMA journal_size_limit = {LOG}"))?;
    // Until the file is known to be ours, closing it must not bring in a log that others have left.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, had_log)?;
    let preparation = Preparation {
        connection: &connection,
        path: Some(path),
        settings,
        account: &builder.account,
        format: &FILE_FORMAT,
        app: &builder.app_migrations,
        step: &|| {},
    };
    let upgrade = preparation.run()?;
    unaltered(path, differences(&connection)?)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    // It tells the new mode before it commits it: only at the statement's end it is known to be so.
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let modes: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    let mode = modes.concat();
    if mode != "wal" {
        return Err(Error::storage("opening the file", format!("its disk gives no write-ahead log, but {mode}")));
    }
    // The log is made by the first that reads, and belongs to the file's identity.
    connection.query_row("SELECT count(*) FROM sqlite_schema LIMIT 1", [], |_| Ok(()))?;
    Ok((connection, upgrade))
}

/// Opens an empty database in memory.
pub(crate) fn blank(settings: &Settings) -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    set_up(&mut connection, settings)?;
    Ok(connection)
}

/// Opens a new store in memory.
pub(crate) fn memory(settings: &Settings, builder: &Builder) -> Result<Connection> {
    let connection = blank(settings)?;
    let preparation = Preparation {
        connection: &connection,
        path: None,
        settings,
        account: &builder.account,
        format: &FILE_FORMAT,
        app: &builder.app_migrations,
        step: &|| {},
    };
    preparation.run()?;
    Ok(connection)
}

/// Refuses a foreign or newer file before anything could touch it.
///
/// `immutable` neither locks nor recovers. It goes through SQLite because this process may have the
/// file open already: closing a descriptor of our own would drop SQLite's locks on it.
fn recognise(path: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let peek =
        Connection::open_with_flags(uri(path, "immutable=1"), flags).map_err(|error| unopened(path, error.into()))?;
    // Another program may be half-way through making the file, or have crashed there: with this,
    // SQLite takes a file that is shorter than it says for what it is, and its header can be read.
    peek.execute_batch("PRAGMA writable_schema = ON").map_err(|error| unopened(path, error.into()))?;
    match identity(&peek) {
        Ok((APPLICATION_ID, found)) if found > FILE_FORMAT.newest() => Err(newer(path, found)),
        Ok((APPLICATION_ID, _)) => Ok(()),
        Ok((0, _)) => Err(foreign(path, "an SQLite database of another program".to_owned())),
        Ok((other, _)) => Err(foreign(path, format!("an SQLite database with application id {other:#010x}"))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) && was_being_made(path) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(foreign(path, "no SQLite database".to_owned()))
        }
        Err(error) => Err(unopened(path, error.into())),
    }
}

/// Whether a loss of power met the file while SQLite made it: the journal beside it says that it was empty before, and
/// SQLite empties it again, whatever is there of it.
fn was_being_made(path: &Path) -> bool {
    let mut head = [0; 20];
    let Ok(Ok(mut journal)) = place::open_beside(&with_suffix(path, "-journal"), false) else { return false };
    // The magic number, the count of records, a nonce, and the size in pages.
    journal.read_exact(&mut head).is_ok()
        && head[..8] == [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
        && head[16..] == [0; 4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    #[test]
    fn every_connection_is_hardened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let settings = Settings {
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(1),
            keeps_log: false,
            links: false,
            access: Access::Write,
        };
        let writer = writer(&path, &settings, &Builder::default()).unwrap().0;
        let connections = [
            reader(&path, &settings).unwrap(),
            inspector(&path, &settings).unwrap().0,
            memory(&settings, &Builder::default()).unwrap(),
            writer,
        ];
        for connection in connections {
            assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap());
            assert!(!connection.db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA).unwrap());
            for (pragma, value) in [("foreign_keys", 1), ("cell_size_check", 1), ("trusted_schema", 0)] {
                let found: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
                assert_eq!(found, value, "{pragma}");
            }
        }
    }
}
