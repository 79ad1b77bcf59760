//! The resources: one file each, with its record, its filters, its rules and its endpoints.
//!
//! Adding one is a file here, its line in [`RESOURCES`], and its table in `schema.sql`.

pub(crate) mod account;
pub(crate) mod assignments;
pub(crate) mod clients;
pub(crate) mod contacts;
pub(crate) mod endpoint;
pub(crate) mod expense_categories;
pub(crate) mod expenses;
pub(crate) mod invoices;
pub(crate) mod item_categories;
mod methods;
pub(crate) mod people;
pub(crate) mod projects;
mod reports;
#[cfg(all(test, feature = "api"))]
mod roles;
pub(crate) mod task_assignments;
pub(crate) mod tasks;
pub(crate) mod time;
pub(crate) mod user_assignments;

use rusqlite::Connection;

pub(crate) use self::endpoint::{Answer, Call, Caller, Endpoint, LongTree, PathDay, Plan, Resource, Telling};
pub(crate) use self::methods::Methods;
use crate::error::Result;
use crate::store::Entity;

/// Every resource, each after those that it refers to.
pub(crate) static RESOURCES: &[&Resource] = &[
    &clients::RESOURCE,
    &projects::RESOURCE,
    &invoices::RESOURCE,
    &invoices::LINES,
    &invoices::messages::RESOURCE,
    &invoices::payments::RESOURCE,
    &item_categories::RESOURCE,
    &tasks::RESOURCE,
    &people::RESOURCE,
    &contacts::RESOURCE,
    &task_assignments::RESOURCE,
    &user_assignments::RESOURCE,
    &time::RESOURCE,
    &expense_categories::RESOURCE,
    &expenses::RESOURCE,
];

/// Every entity, each after those that it refers to.
pub(crate) fn entities() -> impl Iterator<Item = &'static Entity> + Clone {
    RESOURCES.iter().map(|resource| resource.entity)
}

/// Every endpoint, with its resource where it shows records.
pub(crate) fn endpoints() -> impl Iterator<Item = (Option<&'static Resource>, &'static Endpoint)> {
    let of_resources = RESOURCES
        .iter()
        .copied()
        .flat_map(|resource| resource.endpoints.iter().map(move |endpoint| (Some(resource), endpoint)));
    of_resources.chain(account::ENDPOINTS.iter().map(|endpoint| (None, endpoint)))
}

/// The entity whose list has the root.
pub(crate) fn by_list(root: &str) -> Option<&'static Entity> {
    entities().find(|entity| entity.document.is_list(root))
}

/// The entity whose record has the root.
pub(crate) fn by_element(root: &str) -> Option<&'static Entity> {
    entities().find(|entity| entity.document.is_one(root))
}

/// How many rows a counting statement finds for an id.
fn count(connection: &Connection, sql: &str, id: i64) -> Result<u64> {
    let count: i64 = connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::View;
    use crate::{ClientStore, value::Kind};

    #[test]
    fn every_table_of_columns_is_the_files() {
        let store = ClientStore::open_in_memory().unwrap();
        for Entity { table, .. } in entities() {
            let in_file: Vec<(String, String, bool)> = store
                .read(|connection| {
                    let mut info =
                        connection.prepare("SELECT name, type, \"notnull\" OR pk FROM pragma_table_info(?1)")?;
                    let rows = info.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                    Ok(rows.collect::<rusqlite::Result<_>>()?)
                })
                .unwrap();
            let described: Vec<(String, String, bool)> = table
                .columns
                .iter()
                .filter(|column| column.computed.is_none())
                .map(|column| {
                    let sql_type = match column.kind {
                        Kind::Integer | Kind::Boolean => "INTEGER",
                        Kind::Text | Kind::Decimal | Kind::Date | Kind::DateTime => "TEXT",
                    };
                    (column.name.to_owned(), sql_type.to_owned(), column.nil == crate::record::Nil::Never)
                })
                .collect();
            assert_eq!(in_file, described, "{}", table.name);
        }
    }

    #[test]
    fn each_element_stands_once_and_a_views_columns_stand_before_the_next_views() {
        for entity in entities() {
            let columns = entity.table.columns;
            for (at, column) in columns.iter().enumerate() {
                assert_eq!(column.element, column.name.replace('_', "-"));
                assert!(columns[..at].iter().all(|other| other.element != column.element), "{}", column.element);
            }
            assert!(columns.is_sorted_by_key(|column| column.view), "{}", entity.table.name);
            assert_eq!(columns[entity.table.id()].name, "id");
            assert!(entity.table.columns_of(View::Internal).iter().any(|column| column.name == entity.version));
        }
    }

    #[test]
    fn every_column_that_a_rule_names_is_the_tables() {
        for entity in entities() {
            for column in entity.rules.iter().flat_map(|rule| rule.columns()) {
                assert!(entity.table.find(column).is_some(), "{}: :{column}", entity.table.name);
            }
        }
    }

    /// The files under a folder.
    fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn no_other_file_has_the_names_of_resources() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        // The page knows which columns to show; the next test sees to it that it knows every list.
        let may = ["resources", "generate", "control/page/records.js"].map(|path| source.join(path));
        let names = entities().flat_map(|entity| [entity.table.name, entity.document.list]);
        let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        let mut looked_at = 0;
        for file in files(&source).into_iter().filter(|file| !may.iter().any(|path| file.starts_with(path))) {
            let is_test = file.file_name().is_some_and(|name| name == "tests.rs");
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for line in code.lines().filter(|line| !is_test && !line.trim_start().starts_with("//")) {
                looked_at += 1;
                assert!(!quoted.iter().any(|name| line.contains(name)), "{}: {line}", file.display());
            }
        }
        assert!(looked_at > 5_000, "{looked_at} lines");
    }

    #[test]
    fn the_page_shows_every_list() {
        let script = include_str!("../control/page/records.js");
        let lists = endpoints().filter(|(_, endpoint)| matches!(endpoint.operation, endpoint::Operation::List));
        for (_, endpoint) in lists.filter(|(_, endpoint)| !endpoint.path.contains('{')) {
            let name = &endpoint.path[1..];
            assert!(script.contains(&format!("name: \"{name}\"")), "{name}");
            assert!(script.contains(&format!("\n  {name}: \"")), "what the page says where {name} is empty");
        }
    }
}
