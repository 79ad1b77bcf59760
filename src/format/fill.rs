//! From the named values of a document to a record's fields, whatever the document's format.

use std::borrow::Cow;

use super::Purpose;
use super::days::parse_any_day;
use crate::record::{Column, Document, Known, Nil, Values, same_name};
use crate::value::{Kind, Value, date_text, is_space};

/// Fills in the fields of one record, in the order in which a document says them.
pub(super) struct Filler {
    document: &'static Document,
    purpose: Purpose,
    pub(super) values: Values,
    /// Where the next column is likely to be found.
    expected: usize,
    /// What the names of other editions say, by the column that they stand for.
    stand_ins: Vec<(usize, Value)>,
}

impl Filler {
    /// With room for the values of the first columns, as many as `width`.
    pub(super) fn new(document: &'static Document, purpose: Purpose, width: usize) -> Self {
        let values = Values::with_width(document.table, width);
        Filler { document, purpose, values, expected: 0, stand_ins: Vec::new() }
    }

    /// What a name of the document is. Documents mostly keep the columns' order, so the next column is tried first.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Found {
        let Filler { document, purpose, expected, .. } = self;
        match document.table.columns.get(*expected) {
            Some(next) if name == purpose.element(next) && takes_as(*purpose, next) => Found::Column(*expected),
            _ => match document.names().find(name) {
                Some(known) => meaning(document, known, name, *purpose),
                None => Found::Nothing,
            },
        }
    }

    /// Sets what was found. A repeated name: the last wins.
    pub(super) fn set(&mut self, found: Found, value: Value) {
        match found {
            Found::Column(position) => {
                self.expected = position + 1;
                self.values.set_at(position, value);
            }
            Found::StandIn { position, computed } => {
                if let Some(computed) = computed {
                    self.values.set_at(computed, value.clone());
                }
                self.stand_ins.retain(|(other, _)| *other != position);
                self.stand_ins.push((position, value));
            }
            Found::Attached | Found::Asked(_) | Found::Ignored | Found::Unplaced | Found::Nothing => {}
        }
    }

    /// The fields; a stand-in counts where its column is missing, or is an empty text.
    pub(super) fn finish(mut self) -> Values {
        for (position, value) in self.stand_ins {
            let missing = match self.values.at(position) {
                None => true,
                // An empty listed value is one that does not fit.
                Some(Value::Text(text)) => text.is_empty() && self.document.table.columns[position].allowed.is_empty(),
                Some(_) => false,
            };
            if missing {
                self.values.set_at(position, value);
            }
        }
        self.values
    }
}

/// What a name of a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Column(usize),
    /// Another edition's name of a column, and the computed column that the document shows by it.
    StandIn {
        position: usize,
        computed: Option<usize>,
    },
    Attached,
    /// An element that says how the record is made.
    Asked(&'static str),
    /// A field that the document's purpose does not set.
    Ignored,
    /// A name that is known and has no place.
    Unplaced,
    Nothing,
}

/// What a known name is.
pub(super) fn meaning(document: &Document, known: &Known, name: &str, purpose: Purpose) -> Found {
    let columns = &document.table.columns;
    let is_set = |position: &&usize| {
        let column = &columns[**position];
        takes_as(purpose, column) && same_name(name, purpose.element(column))
    };
    if let Some(position) = known.columns.iter().find(is_set) {
        return Found::Column(*position);
    }
    let own = known.columns.iter().copied().find(|position| same_name(name, columns[*position].element));
    let computed = own.filter(|_| purpose == Purpose::Document);
    let is_also = |position: &&usize| columns[**position].also.is_some_and(|also| same_name(name, also));
    let mut stand_ins = known.columns.iter().filter(is_also).peekable();
    let has_other = stand_ins.peek().is_some();
    let is_known = |unplaced: &&'static str| same_name(name, unplaced);
    let asked = document.asked.iter().copied().find(is_known);
    match (stand_ins.find(|position| purpose.takes(&columns[**position])), computed) {
        (Some(position), computed) => Found::StandIn { position: *position, computed },
        (None, Some(position)) => Found::Column(position),
        _ if document.attached.is_some_and(|attached| same_name(name, attached)) => Found::Attached,
        _ if own.is_some() || has_other => Found::Ignored,
        _ => match asked.or_else(|| document.unplaced.iter().copied().find(is_known)) {
            None => Found::Nothing,
            Some(_) if purpose == Purpose::Document => Found::Unplaced,
            Some(_) if purpose == Purpose::Update => Found::Ignored,
            Some(_) => asked.map_or(Found::Ignored, Found::Asked),
        },
    }
}

/// Whether a document of the purpose sets the column by its element.
fn takes_as(purpose: Purpose, column: &Column) -> bool {
    purpose.takes(column) && column.computed.is_none()
}

/// What a name's text says; `None` leaves the field as it is.
pub(super) fn field_value(column: &Column, text: Cow<'_, str>, nil: bool) -> Result<Option<Value>, String> {
    let nullable = column.nil != Nil::Never;
    match column.kind {
        Kind::Text if nil && nullable => Ok(Some(Value::Null)),
        Kind::Text if nil => Ok(Some(Value::Text(String::new()))),
        Kind::Text => Ok(Some(Value::Text(text.into_owned()))),
        Kind::Date if column.any_day && !nil && parse_any_day(&text).is_some() => {
            Ok(parse_any_day(&text).map(|day| Value::Text(date_text(day))))
        }
        _ if !nil && !text.chars().all(is_space) => column.kind.read(&text).map(Some),
        _ if nullable => Ok(Some(Value::Null)),
        _ if column.required => Err("is required and cannot be empty".to_owned()),
        _ => Ok(None),
    }
}
