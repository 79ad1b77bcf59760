//! The constant SQL of a table, made once from its columns.

use super::{Column, Table, View};

/// The statements whose text depends on the columns only.
#[derive(Debug)]
pub(crate) struct Sql {
    both: String,
    live: String,
    internal: String,
    one: [String; 3],
    /// `INSERT INTO clients (id, name, …) `, to be followed by the rows.
    pub(crate) insert: String,
    /// `?1, ?2, …`: a stored column's number is its position, from 1.
    pub(crate) parameters: String,
}

impl Sql {
    pub(super) fn of(table: &Table) -> Self {
        let read = |column: &Column| match column.computed {
            Some(sql) => format!("{sql} AS {}", column.name),
            None => column.name.to_owned(),
        };
        let select = |view| {
            let columns: Vec<String> = table.columns_of(view).iter().map(read).collect();
            format!("SELECT {} FROM {}", columns.join(", "), table.name)
        };
        let stored = || table.columns.iter().enumerate().filter(|(_, column)| column.computed.is_none());
        let parameters: Vec<String> = stored().map(|(position, _)| format!("?{}", position + 1)).collect();
        let parameters = parameters.join(", ");
        let names: Vec<&str> = stored().map(|(_, column)| column.name).collect();
        let insert = format!("INSERT INTO {} ({}) ", table.name, names.join(", "));
        Sql {
            both: select(View::Both),
            live: select(View::Live),
            internal: select(View::Internal),
            one: [View::Both, View::Live, View::Internal].map(|view| select(view) + " WHERE id = ?1"),
            insert,
            parameters,
        }
    }

    /// `SELECT` of a view's columns, to be followed by conditions.
    pub(crate) fn select(&self, view: View) -> &str {
        match view {
            View::Both => &self.both,
            View::Live => &self.live,
            View::Internal => &self.internal,
        }
    }

    /// `SELECT` of a view's columns of one record by its id.
    pub(crate) fn one(&self, view: View) -> &str {
        &self.one[view as usize]
    }
}
