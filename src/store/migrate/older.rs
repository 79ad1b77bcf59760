//! Whether an older file is as its version left it.
//!
//! No schema of an older version is kept for that. The file's objects are made in memory, the steps run over them, and
//! what comes out must be the newest schema.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};

use super::super::schema::{self, Difference, Fault, Object, objects};
use super::{Step, run};
use crate::error::Result;

/// Where the schema of an older file differs from what its version had.
///
/// What a step makes anew under the same name is right once the step has run, so a change to it is not told. Where a
/// step fails, what it failed at is told and what comes after is not.
pub(super) fn differences(
    connection: &Connection,
    version: i64,
    steps: &[Step],
    newest: &[Object],
) -> Result<Vec<Difference>> {
    let found = objects(connection)?;
    let is_newest = |object: &Object| newest.iter().any(|other| other.kind == object.kind && other.name == object.name);
    let is_named = |name: &str| steps.iter().any(|step| names(step.script, name));
    // A trigger would go unseen with a table that is made anew, and a column would be lost with it.
    let foreign = found.iter().filter(|object| !is_newest(object) && !is_named(&object.name));
    let mut differences: Vec<_> =
        foreign.map(|object| Difference { object: object.clone(), fault: Fault::Foreign }).collect();
    let copy = copy(&found)?;
    if let Err(error) = steps.iter().try_for_each(|step| run_script(&copy, step.script)) {
        differences.insert(0, failure(&error, version));
        return Ok(differences);
    }
    for object in found.iter().filter(|object| object.kind == "table" && is_newest(object)) {
        let kept = columns(&copy, &object.name)?;
        if columns(connection, &object.name)?.iter().any(|column| !kept.contains(column) && !is_named(column)) {
            differences.push(Difference { object: object.clone(), fault: Fault::Changed });
        }
    }
    for difference in schema::differences(&copy, newest)? {
        if !differences.iter().any(|other| other.object.name == difference.object.name) {
            differences.push(difference);
        }
    }
    Ok(differences)
}

/// An empty database in memory with the objects. One that cannot be made there is missing in it.
fn copy(found: &[Object]) -> Result<Connection> {
    let copy = Connection::open_in_memory()?;
    copy.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF")?;
    // Indexes and triggers need their tables. A virtual table would run its module's code.
    let of = |is_table: bool| found.iter().filter(move |object| (object.kind == "table") == is_table);
    for object in of(true).chain(of(false)).filter(|object| !object.sql.starts_with("CREATE VIRTUAL")) {
        drop(copy.execute(&object.sql, []));
    }
    Ok(copy)
}

fn run_script(connection: &Connection, script: &str) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, script);
    while let Some(mut statement) = statements.next()? {
        run(&mut statement)?;
    }
    Ok(())
}

/// What a step failed at. SQLite says `no such trigger: clients_deleted` of what is not there.
fn failure(error: &rusqlite::Error, version: i64) -> Difference {
    let text = error.to_string();
    let missing = text.strip_prefix("no such ").and_then(|text| text.split(" in ").next()?.split_once(": "));
    let object = |kind: &str, name: &str| Object { kind: kind.to_owned(), name: name.to_owned(), sql: String::new() };
    match missing {
        Some((kind @ ("table" | "index" | "trigger" | "view"), name)) => {
            let name = name.strip_prefix("main.").unwrap_or(name);
            Difference { object: object(kind, name), fault: Fault::Missing }
        }
        _ => Difference { object: object("schema", &format!("of version {version}")), fault: Fault::Changed },
    }
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM pragma_table_info(?1, 'main')")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Whether a script has the name as a word.
fn names(script: &str, name: &str) -> bool {
    let is_of_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    script.match_indices(name).any(|(at, found)| {
        let before = at.checked_sub(1).map(|at| script.as_bytes()[at]);
        !is_of_word(before) && !is_of_word(script.as_bytes().get(at + found.len()).copied())
    })
}
