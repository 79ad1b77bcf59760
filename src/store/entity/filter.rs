//! Which records of a table a list shows: filters, described once for the typed access and for the
//! query string.

use std::borrow::Cow;
use std::num::IntErrorKind;

use chrono::{DateTime, NaiveDate, Utc};

use crate::error::{Error, Result};
use crate::value::{Kind, Value, bound, date_text, datetime_text, is_space, parse_date, parse_datetime};

/// Something that lists of an entity can be narrowed by.
pub struct Filter {
    /// Its names in a query string, the usual one first.
    pub(crate) names: &'static [&'static str],
    pub(crate) by: By,
}

/// How a filter narrows a list.
pub enum By {
    /// The value, of the kind, is the parameter of a condition such as `client_id = ?`.
    Value {
        kind: Kind,
        condition: &'static str,
        /// Whether the condition's index gives the records in another order than the list's.
        sorts: bool,
    },
    /// The value is one of these texts, each with its condition, in which `?` is today. Any other text
    /// finds nothing.
    Choice(&'static [(&'static str, &'static str)]),
    /// The value is one of these texts, each with its condition. Any other text is ignored.
    Switch(&'static [(&'static str, &'static str)]),
    /// The value is a page's number, from 1; a page has as many records.
    Page(i64),
}

impl Filter {
    /// `updated_since`, which every resource has that has filters.
    pub(crate) const UPDATED_SINCE: Filter = Filter {
        names: &["updated_since"],
        by: By::Value { kind: Kind::DateTime, condition: "updated_at >= ?", sorts: true },
    };

    /// `client`, where records belong to a client.
    pub(crate) const CLIENT: Filter =
        Filter { names: &["client"], by: By::Value { kind: Kind::Integer, condition: "client_id = ?", sorts: false } };

    pub(crate) fn page_size(&self) -> Option<i64> {
        match self.by {
            By::Page(size) => Some(size),
            _ => None,
        }
    }

    /// Reads the value of a query parameter.
    pub(crate) fn narrow(&self, selection: &mut Selection, text: &str) -> Result<()> {
        let (raw, text) = (text, text.trim_matches(is_space));
        match &self.by {
            By::Value { kind: Kind::DateTime, .. } => match parse_datetime(text) {
                Some(moment) => self.moment(selection, moment),
                None => {
                    return Err(Error::invalid(
                        self.names[0],
                        "cannot be read; send UTC like 2010-09-25 18:30, 2010-09-25T18:30:00Z or 20100925",
                    ));
                }
            },
            By::Value { kind: Kind::Date, .. } => match parse_date(text) {
                Some(day) => self.day(selection, day),
                None => {
                    return Err(Error::invalid(
                        self.names[0],
                        "cannot be read; send a date like 20110331 or 2011-03-31",
                    ));
                }
            },
            By::Value { .. } => match text.parse() {
                Ok(number) => self.integer(selection, number),
                Err(_) => selection.nothing(),
            },
            By::Choice(_) => self.choice(selection, raw),
            By::Switch(_) => self.switch(selection, text),
            By::Page(_) => self.page(selection, page(text)),
        }
        Ok(())
    }

    /// Only records with the integer, or of the record with the id.
    pub(crate) fn integer(&self, selection: &mut Selection, number: i64) {
        self.value(selection, Value::Integer(number));
    }

    pub(crate) fn moment(&self, selection: &mut Selection, moment: DateTime<Utc>) {
        self.value(selection, bound(datetime_text(moment)));
    }

    pub(crate) fn day(&self, selection: &mut Selection, day: NaiveDate) {
        self.value(selection, bound(date_text(day)));
    }

    fn value(&self, selection: &mut Selection, value: Value) {
        if let By::Value { condition, sorts, .. } = self.by {
            selection.and(condition, value);
            selection.sorts |= sorts;
        }
    }

    pub(crate) fn choice(&self, selection: &mut Selection, text: &str) {
        let By::Choice(choices) = self.by else { return };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, condition)) => {
                let value = condition.contains('?').then(|| Value::Text(date_text(selection.today)));
                selection.and(condition, value);
            }
            None => selection.nothing(),
        }
    }

    pub(crate) fn switch(&self, selection: &mut Selection, text: &str) {
        let By::Switch(choices) = self.by else { return };
        if let Some((_, condition)) = choices.iter().find(|(name, _)| *name == text) {
            selection.and(condition, None);
        }
    }

    /// Only the page; 0 is page 1.
    pub(crate) fn page(&self, selection: &mut Selection, number: u32) {
        if let By::Page(size) = self.by {
            selection.window = Some((i64::from(number.max(1) - 1) * size, size));
        }
    }
}

/// What is no number is the first page; a number beyond all pages is past the end.
fn page(text: &str) -> u32 {
    text.parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => u32::MAX,
        _ => 1,
    })
}

/// Which records of a table a list shows.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub(crate) conditions: Vec<(Cow<'static, str>, Option<Value>)>,
    /// Set where the conditions' index gives the records in another order than the list's.
    pub(crate) sorts: bool,
    /// The column whose values the list ascends by, those of equal values by id; none where that is the entity's order.
    pub(crate) by: Option<&'static str>,
    /// The order in SQL, in the place of the entity's.
    pub(crate) order: Option<String>,
    /// The part of the list that is shown: how many records come before it, and how many it has.
    pub(crate) window: Option<(i64, i64)>,
    /// The first and the last day of the week that it shows, where its document names them.
    pub(crate) week: Option<(NaiveDate, NaiveDate)>,
    /// The day that filters take for today.
    pub(crate) today: NaiveDate,
}

impl Selection {
    /// Of a store whose day it is.
    pub(crate) fn on(today: NaiveDate) -> Self {
        Selection { today, ..Selection::default() }
    }

    /// Whether it is the whole list.
    pub(crate) fn is_whole(&self) -> bool {
        self.conditions.is_empty() && self.window.is_none()
    }

    /// Adds a condition with its parameter, a single `?`.
    pub(crate) fn and(&mut self, condition: &'static str, value: impl Into<Option<Value>>) {
        self.conditions.push((Cow::Borrowed(condition), value.into()));
    }

    /// Only records that belong to the one with the id.
    pub(crate) fn belonging_to(&mut self, column: &'static str, id: i64) {
        self.conditions.push((Cow::Owned(format!("{column} = ?")), Some(Value::Integer(id))));
    }

    /// No record at all.
    pub(crate) fn nothing(&mut self) {
        self.and("0", None);
    }
}
