//! The resources: one file each, with its record, its filters and its rules.
//!
//! Adding one is a file here, its line in [`RESOURCES`], and its table in `schema.sql`.

pub(crate) mod clients;
pub(crate) mod invoices;
pub(crate) mod item_categories;
pub(crate) mod messages;
pub(crate) mod payments;
pub(crate) mod projects;

use rusqlite::Connection;

use crate::error::Result;
use crate::store::Resource;

/// Every resource, each after those that it refers to.
pub(crate) static RESOURCES: &[&dyn Resource] = &[
    &clients::Clients,
    &projects::Projects,
    &invoices::Invoices,
    &invoices::LineItems,
    &messages::Messages,
    &payments::Payments,
    &item_categories::ItemCategories,
];

/// The resource whose list has the root.
pub(crate) fn by_list(root: &str) -> Option<&'static dyn Resource> {
    RESOURCES.iter().copied().find(|resource| resource.table().is_list(root))
}

/// The resource whose record has the root.
pub(crate) fn by_element(root: &str) -> Option<&'static dyn Resource> {
    RESOURCES.iter().copied().find(|resource| resource.table().is_record(root))
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
        for resource in RESOURCES {
            let table = resource.table();
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
    fn elements_are_the_columns_with_dashes_and_each_stands_once() {
        for resource in RESOURCES {
            let columns = resource.table().columns;
            for (at, column) in columns.iter().enumerate() {
                assert_eq!(column.element, column.name.replace('_', "-"));
                assert!(columns[..at].iter().all(|other| other.element != column.element), "{}", column.element);
            }
            assert!(columns.is_sorted_by_key(|column| column.view), "a view's columns stand before the next view's");
            assert_eq!(columns[resource.table().id()].name, "id");
            assert!(resource.table().columns_of(View::Internal).iter().any(|column| column.name == resource.version()));
        }
    }
}
