//! The app's own tables in the store's file, whose names begin with `app_`.

use std::cell::Cell;
use std::path::Path;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode};

use super::schema::unaltered;
use super::{ClientStore, Reads, Transaction, differences};
use crate::error::{Error, Result};

/// What the names of the app's tables, indexes, triggers and views begin with.
const PREFIX: &str = "app_";
/// The table with the number of the app's migrations that the file has seen.
const VERSION: &str = "CREATE TABLE IF NOT EXISTS app_version (version INTEGER NOT NULL) STRICT";

/// Pragmas that only tell something; SQLite itself asks some of them when a table is altered or searched.
const TELLING: [&str; 10] = [
    "data_version",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

const DENIED: &str = "the app's SQL may read everything, but write only to tables whose names begin with app_, and define \
                      only in migrations; change the store's records by the typed access";

/// What SQL may do that is compiled on this thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum May {
    Read,
    /// Write to the app's tables.
    Write,
    /// Define the app's tables as well.
    Define,
    /// The store's own SQL.
    All,
}

thread_local! {
    static MAY: Cell<May> = const { Cell::new(May::All) };
}

/// Runs the app's SQL.
fn as_app<T>(may: May, run: impl FnOnce() -> T) -> T {
    struct Restored(May);
    impl Drop for Restored {
        fn drop(&mut self) {
            MAY.set(self.0);
        }
    }
    let _restored = Restored(MAY.replace(may));
    run()
}

/// Lets SQLite ask for each statement that is compiled on a connection. What is in its cache was asked for before.
pub(crate) fn watch(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.authorizer(Some(|context: AuthContext<'_>| match is_allowed(MAY.get(), &context) {
        true => Authorization::Allow,
        false => Authorization::Deny,
    }))
}

fn is_allowed(may: May, context: &AuthContext<'_>) -> bool {
    // What a trigger of the app's does, the app does, though a write of the store's may fire it.
    let of_app = context.accessor.is_some_and(is_apps);
    let may = if of_app { may.min(May::Write) } else { may };
    let writes = |table| may >= May::Write && (is_apps(table) || may >= May::Define && table.starts_with("sqlite_"));
    let defines = |name| may >= May::Define && is_apps(name);
    match context.action {
        _ if may == May::All => true,
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => true,
        AuthAction::Pragma { pragma_name, .. } => TELLING.contains(&pragma_name),
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => writes(table_name),
        AuthAction::CreateTable { table_name }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::DropVtable { table_name, .. } => defines(table_name),
        AuthAction::CreateIndex { index_name, table_name } | AuthAction::DropIndex { index_name, table_name } => {
            defines(table_name) && (is_apps(index_name) || index_name.starts_with("sqlite_autoindex_"))
        }
        AuthAction::CreateTrigger { trigger_name, table_name }
        | AuthAction::DropTrigger { trigger_name, table_name } => defines(table_name) && defines(trigger_name),
        AuthAction::CreateView { view_name } | AuthAction::DropView { view_name } => defines(view_name),
        AuthAction::Reindex { index_name } => defines(index_name),
        _ => false,
    }
}

fn is_apps(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Whether an object of a file is the app's: it has the prefix, and so has the table that it belongs to.
pub(crate) fn is_apps_object(name: &str, table: &str) -> bool {
    is_apps(table) && (is_apps(name) || name.starts_with("sqlite_autoindex_app_"))
}

/// How many of the app's migrations the file has seen.
fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let has =
        connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'app_version'")?.exists([])?;
    if !has {
        return Ok(0);
    }
    connection.query_row("SELECT ifnull(max(version), 0) FROM app_version", [], |row| row.get(0))
}

/// How many of the migrations the file has seen.
///
/// # Errors
///
/// [`Error::NewerApp`] where it has seen more of them.
pub(crate) fn seen(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<usize> {
    if migrations.is_empty() {
        return Ok(0);
    }
    let found = version(connection)?;
    match usize::try_from(found).unwrap_or(usize::MAX) {
        seen if seen > migrations.len() => {
            let supported = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
            Err(Error::NewerApp { path: path.to_owned(), found, supported })
        }
        seen => Ok(seen),
    }
}

/// Runs the migrations that the file has not seen, in the transaction that is open. Foreign keys are off.
pub(crate) fn migrate(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let seen = seen(connection, path, migrations)?;
    if seen == migrations.len() {
        return Ok(());
    }
    for (number, script) in migrations.iter().enumerate().skip(seen) {
        as_app(May::Define, || connection.execute_batch(script)).map_err(|error| {
            let said = of_app(error);
            failed(path, format!("the app's migration {} failed: {said}", number + 1), said)
        })?;
    }
    connection.execute_batch(&format!("{VERSION}; DELETE FROM app_version"))?;
    connection.execute(
        "INSERT INTO app_version (version) VALUES (?1)",
        [u32::try_from(migrations.len()).unwrap_or(u32::MAX)],
    )?;
    unaltered(path, differences(connection)?)?;
    let broken = "SELECT app.name FROM sqlite_schema AS app, pragma_foreign_key_check(app.name) \
                  WHERE app.type = 'table' AND app.name LIKE 'app\\_%' ESCAPE '\\'";
    let mut broken = connection.prepare(broken)?;
    match broken.query([])?.next()? {
        None => Ok(()),
        Some(row) => {
            let hint = format!("after the app's migrations, a row of {} refers to none", row.get::<_, String>(0)?);
            Err(failed(path, hint.clone(), Error::storage("migrating the app's tables", hint)))
        }
    }
}

fn failed(path: &Path, hint: String, error: Error) -> Error {
    let hint = format!("{hint}. The file was left as it was");
    let source = match error {
        Error::Storage { source, .. } => source,
        other => std::sync::Arc::new(other),
    };
    Error::Unopened { path: path.to_owned(), hint, source }
}

fn of_app(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::AuthorizationForStatementDenied) => Error::storage("running the app's SQL", DENIED),
        _ => Error::storage("running the app's SQL", error),
    }
}

impl ClientStore {
    /// Reads the app's own tables, and the store's beside them, with plain SQL, all as they are at one moment. In memory, each
    /// statement has its moment.
    ///
    /// [`Builder::app_migrations`](crate::Builder::app_migrations) makes such tables; `docs/file.md` describes the store's. Use
    /// the connection alone inside the closure, not the store.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::builder()
    ///     .app_migrations(&["CREATE TABLE app_notes (client_id INTEGER REFERENCES clients ON DELETE CASCADE, note TEXT)"])
    ///     .open_in_memory()?;
    /// store.transaction(|tx| {
    ///     let id: i64 = tx.clients().create(&NewClient::named("SuprCorp"))?.into();
    ///     tx.app(|sql| sql.execute("INSERT INTO app_notes VALUES (?1, 'pays late')", [id]))
    /// })?;
    /// let noted: String = store.read_app(|sql| {
    ///     let of_client = "SELECT name || ': ' || note FROM app_notes JOIN clients ON clients.id = client_id";
    ///     sql.query_row(of_client, [], |row| row.get(0))
    /// })?;
    /// assert_eq!(noted, "SuprCorp: pays late");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] with SQLite's own error, also where the SQL would write.
    pub fn read_app<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.snapshot()?.read(|connection| as_app(May::Read, || run(connection)).map_err(of_app))
    }

    /// How many of the app's migrations the file has seen; 0 where it has no tables of an app.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn app_version(&self) -> Result<u32> {
        self.read(|connection| Ok(version(connection)?))
    }
}

impl Transaction<'_> {
    /// Reads and writes the app's own tables with plain SQL as a part of the transaction, and reads the store's beside them. If
    /// the closure gives an error, it has changed nothing.
    ///
    /// SQL that would write to another table, define one, or begin or end a transaction is refused. Use the connection alone
    /// inside the closure, not the transaction's own handle. [`ClientStore::read_app`] has an example.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] with SQLite's own error.
    pub fn app<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.whole(|| as_app(May::Write, || run(self.connection())).map_err(of_app))
    }
}
