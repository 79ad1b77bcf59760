//! The constant SQL of a table, made once from its columns.

use super::{Column, Table, View};
use crate::value::Kind;

/// The statements whose text depends on the columns only.
#[derive(Debug)]
pub(crate) struct Sql {
    both: String,
    live: String,
    internal: String,
    one: [String; 3],
    short: [String; 3],
    octets: [String; 3],
    /// `INSERT INTO clients (id, name, …) `, to be followed by the rows.
    pub(crate) insert: String,
    /// `?1, ?2, …`: a stored column's number is its position, from 1.
    pub(crate) parameters: String,
}

/// In the order of their numbers.
const VIEWS: [View; 3] = [View::Both, View::Live, View::Internal];

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
        let octets = |view| {
            let texts = table.columns_of(view).iter().filter(|column| column.kind == Kind::Text);
            let length =
                |column: &Column| format!("ifnull(octet_length({}), 0)", column.computed.unwrap_or(column.name));
            let lengths: Vec<String> = texts.map(length).collect();
            if lengths.is_empty() { "0".to_owned() } else { lengths.join(" + ") }
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
            one: VIEWS.map(|view| select(view) + " WHERE id = ?1"),
            short: VIEWS.map(|view| format!("{} WHERE id = ?1 AND {} <= ?2", select(view), octets(view))),
            octets: VIEWS.map(octets),
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

    /// The same where the view's texts come to at most `?2` bytes together; of a longer record it reads none of them.
    pub(crate) fn short(&self, view: View) -> &str {
        &self.short[view as usize]
    }

    /// How many bytes a view's texts come to together, as an expression for which SQLite reads none of those it stores.
    pub(crate) fn octets(&self, view: View) -> &str {
        &self.octets[view as usize]
    }
}
