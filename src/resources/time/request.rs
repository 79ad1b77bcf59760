//! What a request says of a time entry: `docs/spec/time.md`, "Writing an entry".

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::Call;
use super::super::assignments::{naming, of_column};
use super::entry;
use crate::error::{Error, Result};
use crate::format::{Purpose, parse_any_day};
use crate::record::{Document, Table, Values, column};
use crate::value::{Kind, Value, is_space, quoted};

/// What stands in a request. Its days and hours have forms of their own, so that they are texts here.
static FIELDS: Table = of_column(&[
    column!(notes: Option<String>).writable(),
    column!(hours: Option<String>).writable(),
    column!(project_id: Option<i64>).writable(),
    column!(task_id: Option<i64>).writable(),
    column!(spent_at: Option<String>).writable(),
    column!(of_user: Option<i64>).writable(),
]);
static REQUEST: Document = naming(&FIELDS, "request");

/// What a request says; what it does not say is none.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) of_user: Option<i64>,
    pub(super) hours: Option<Hours>,
    pub(super) spent_at: Option<NaiveDate>,
    notes: Option<String>,
    project_id: Option<i64>,
    task_id: Option<i64>,
}

/// Hours as a request gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// Blank: the timer is to start.
    Timer,
    Given(Decimal),
}

impl Request {
    /// Reads the body of a call.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::Xml`], [`Error::Json`] and [`Error::Form`] where it cannot be read.
    pub(super) fn read(call: &Call<'_>) -> Result<Self> {
        let fields = call.body.read(&REQUEST, Purpose::Create)?;
        let hours = fields.get("hours").map(|hours| match hours {
            Value::Text(text) => parse_hours(text).map_err(|reason| Error::invalid("hours", reason)),
            _ => Ok(Hours::Timer),
        });
        let spent_at = fields.text("spent_at").filter(|text| !text.chars().all(is_space));
        let spent_at = spent_at.map(|text| {
            parse_any_day(text).ok_or_else(|| {
                let reason = format!("{} is no day; send one like 2006-10-17 or Tue, 17 Oct 2006", quoted(text));
                Error::invalid("spent-at", reason)
            })
        });
        Ok(Request {
            of_user: fields.integer("of_user"),
            hours: hours.transpose()?,
            spent_at: spent_at.transpose()?,
            notes: fields.get("notes").map(|_| fields.text("notes").unwrap_or_default().to_owned()),
            project_id: fields.integer("project_id"),
            task_id: fields.integer("task_id"),
        })
    }

    /// The fields of an entry that it sets.
    pub(super) fn values(&self, values: &mut Values) {
        if let Some(notes) = &self.notes {
            values.set("notes", Value::Text(notes.clone()));
        }
        if let Some(Hours::Given(hours)) = self.hours {
            values.set("hours", Value::Text(crate::value::decimal_text(hours)));
        }
        for (column, id) in [("project_id", self.project_id), ("task_id", self.task_id)] {
            if let Some(id) = id {
                values.set(column, Value::Integer(id));
            }
        }
        if let Some(day) = self.spent_at {
            values.set("spent_at", Value::Text(crate::value::date_text(day)));
        }
    }
}

/// Hours as a decimal or as `h:mm`, in hundredths; nothing for the timer.
fn parse_hours(text: &str) -> Result<Hours, String> {
    let trimmed = text.trim_matches(is_space);
    if trimmed.is_empty() {
        return Ok(Hours::Timer);
    }
    let hours = match clock_hours(trimmed) {
        Some(hours) => hours,
        None => match Kind::Decimal.read(trimmed) {
            Ok(Value::Text(text)) => text.parse().map_err(|_| not_hours(text.as_str()))?,
            _ => return Err(not_hours(text)),
        },
    };
    if hours.is_sign_negative() && !hours.is_zero() || hours > entry::DAY {
        return Err(format!("is {}; an entry has 0 to 24 hours", quoted(text)));
    }
    Ok(Hours::Given(entry::hundredths(hours)))
}

fn not_hours(text: &str) -> String {
    format!("{} is no number of hours; send one like 1.5 or 1:30", quoted(text))
}

/// `1:30`
fn clock_hours(text: &str) -> Option<Decimal> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=3).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60).then(|| Decimal::from(hours * 60 + minutes) / Decimal::from(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_decimals_or_hours_and_minutes_in_hundredths() {
        for (text, hundredths) in [
            ("1.5", 150),
            ("1:30", 150),
            ("0:20", 33),
            ("0:40", 67),
            ("0:00", 0),
            ("24:00", 2400),
            ("24", 2400),
            (" .005 ", 1),
            ("2.344999", 234),
            ("-0", 0),
        ] {
            assert_eq!(parse_hours(text), Ok(Hours::Given(Decimal::new(hundredths, 2))), "{text}");
        }
        for text in ["", " ", "\n"] {
            assert_eq!(parse_hours(text), Ok(Hours::Timer));
        }
        for text in ["24.001", "24:01", "-1", "1:3", "1:60", ":30", "1:", "-1:30", "1e1", "1,5", "one", "9999:00"] {
            assert!(parse_hours(text).is_err(), "{text}");
        }
    }
}
