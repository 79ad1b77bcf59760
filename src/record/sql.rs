//! The constant SQL of a table, made once from its columns.

use super::{Table, View};

/// The statements whose text depends on the columns only.
#[derive(Debug)]
pub(crate) struct Sql {
    both: String,
    live: String,
    internal: String,
    one: [String; 3],
    /// `INSERT INTO clients (id, name, …) `, to be followed by the rows.
    pub(crate) insert: String,
    /// `?1, ?2, …`
    pub(crate) parameters: String,
}

impl Sql {
    pub(super) fn of(table: &Table) -> Self {
        let names = |view| -> Vec<&str> { table.columns_of(view).iter().map(|column| column.name).collect() };
        let select = |view| format!("SELECT {} FROM {}", names(view).join(", "), table.name);
        let all = names(View::Internal);
        let parameters: Vec<String> = (1..=all.len()).map(|number| format!("?{number}")).collect();
        let parameters = parameters.join(", ");
        let insert = format!("INSERT INTO {} ({}) ", table.name, all.join(", "));
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
