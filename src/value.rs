//! Dates, datetimes and decimals: their SQL and wire text forms.
//!
//! The SQL form of a value is the text the documents carry, in its one canonical spelling, so that
//! a list streams from SQLite's row to the wire unchanged.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rust_decimal::Decimal;

/// A value in its SQL form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL's NULL, the wire's nil.
    Null,
    /// Integers, and booleans as 0 or 1.
    Integer(i64),
    /// Text, and dates, datetimes and decimals in their canonical text.
    Text(String),
}

impl Value {
    pub(crate) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.as_ref()))
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Integer(number)),
            ValueRef::Text(_) => value.as_str().map(Value::from),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// The text of a stored value; SQLite itself does not check that it is UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}"))
}

/// White space as XML has it: what is blank, and what is trimmed around a typed value.
pub(crate) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Whether XML 1.0 can carry the character at all.
pub(crate) fn is_xml_char(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        other => other >= ' ',
    }
}

/// What a column holds; each has one type name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Text,
    Boolean,
    Decimal,
    Date,
    DateTime,
}

impl Kind {
    /// The value of the `type` attribute; text has none.
    pub(crate) const fn type_name(self) -> Option<&'static str> {
        match self {
            Kind::Integer => Some("integer"),
            Kind::Text => None,
            Kind::Boolean => Some("boolean"),
            Kind::Decimal => Some("decimal"),
            Kind::Date => Some("date"),
            Kind::DateTime => Some("datetime"),
        }
    }

    /// Reads the wire's text into the SQL form; the error says what was expected.
    pub(crate) fn read(self, text: &str) -> Result<Value, String> {
        if self == Kind::Text {
            return Ok(Value::Text(text.to_owned()));
        }
        let trimmed = text.trim_matches(is_space);
        let expected = match self {
            Kind::Integer => match trimmed.parse::<i64>() {
                Ok(number) => return Ok(Value::Integer(number)),
                Err(_) => "an integer, like 42",
            },
            Kind::Boolean => match trimmed {
                "true" | "1" => return Ok(Value::Integer(1)),
                "false" | "0" => return Ok(Value::Integer(0)),
                _ => "a boolean: true, false, 1 or 0",
            },
            Kind::Decimal => return canonical_decimal(trimmed).map(Value::Text),
            Kind::Date => match parse_day(trimmed) {
                Some(date) => return Ok(Value::Text(date_text(date))),
                None => "a date, like 2011-03-31",
            },
            Kind::DateTime => match parse_datetime(trimmed) {
                Some(moment) => return Ok(Value::Text(datetime_text(moment))),
                None => "a datetime, like 2011-03-31T10:00:00Z",
            },
            Kind::Text => unreachable!("text was returned above"),
        };
        Err(format!("{} is not {expected}", quoted(text)))
    }

    /// Whether a stored value has the one canonical form of its kind.
    pub(crate) fn check(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (_, Value::Null) | (Kind::Integer, Value::Integer(_)) => Ok(()),
            (Kind::Boolean, Value::Integer(0 | 1)) => Ok(()),
            (Kind::Text, Value::Text(text)) => match crate::xml::find_illegal(text) {
                None => Ok(()),
                Some(character) => Err(format!(
                    "holds the character U+{:04X}, which XML cannot carry; remove it",
                    u32::from(character)
                )),
            },
            (Kind::Decimal | Kind::Date | Kind::DateTime, Value::Text(text)) => match self.read(text)? {
                Value::Text(canonical) if canonical == *text => Ok(()),
                _ => Err(format!("{} is not in its canonical form", quoted(text))),
            },
            _ => Err(format!("holds {value:?}, which is no {self:?}")),
        }
    }
}

/// A short, printable quotation of a value for a message.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// A decimal as the wire writes it: at least one fraction digit, no needless zeros.
///
/// At most 12 digits stand before the point and 6 after it (`docs/spec/wire.md`), so that every product of
/// two is exact.
fn canonical_decimal(text: &str) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("{} {why}", quoted(text)));
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return refuse("is not a decimal, like 253.44");
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > 12 {
        return refuse("has more than 12 digits before the point");
    }
    if fraction.len() > 6 {
        return refuse("has more than 6 digits after the point");
    }
    let mut canonical = String::with_capacity(whole.len() + fraction.len() + 3);
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        canonical.push('-');
    }
    canonical.push_str(if whole.is_empty() { "0" } else { whole });
    canonical.push('.');
    canonical.push_str(if fraction.is_empty() { "0" } else { fraction });
    Ok(canonical)
}

/// The canonical text of a decimal.
pub(crate) fn decimal_text(decimal: Decimal) -> String {
    let mut text = decimal.normalize().to_string();
    if text == "-0" {
        text.remove(0);
    }
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

/// The canonical text of a date.
pub(crate) fn date_text(date: NaiveDate) -> String {
    use chrono::Datelike;
    if in_range(date).is_none() {
        return date.format("%Y-%m-%d").to_string();
    }
    let mut text = String::with_capacity("2011-03-31T10:00:00Z".len());
    two_digits(&mut text, date.year_ce().1 / 100);
    two_digits(&mut text, date.year_ce().1 % 100);
    for number in [date.month(), date.day()] {
        text.push('-');
        two_digits(&mut text, number);
    }
    text
}

/// The canonical text of a datetime: UTC, whole seconds, `Z`.
pub(crate) fn datetime_text(moment: DateTime<Utc>) -> String {
    let mut text = date_text(moment.date_naive());
    for (before, number) in [('T', moment.hour()), (':', moment.minute()), (':', moment.second())] {
        text.push(before);
        two_digits(&mut text, number);
    }
    text.push('Z');
    text
}

fn two_digits(text: &mut String, number: u32) {
    text.extend([number / 10, number % 10].map(|digit| char::from(b'0' + digit as u8)));
}

/// A date's or a datetime's text, to compare stored ones with: those beyond the year 9999 come last,
/// which their `+` would put first.
pub(crate) fn bound(text: String) -> Value {
    Value::Text(text.replacen('+', ":", 1))
}

/// The same moment without its fraction of a second, which the store does not keep.
pub(crate) fn whole_seconds(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.with_nanosecond(0).unwrap_or(moment)
}

/// A date as `YYYY-MM-DD` or `YYYYMMDD`, years 1 to 9999.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let (date, rest) = leading_date(text.as_bytes())?;
    rest.is_empty().then_some(date)
}

/// A date, or the day of a datetime as it is written, whatever its offset (`docs/spec/wire.md`).
pub(crate) fn parse_day(text: &str) -> Option<NaiveDate> {
    let (date, rest) = leading_date(text.as_bytes())?;
    (rest.is_empty() || parse_datetime_at(date, rest).is_some()).then_some(date)
}

/// A datetime in any of the forms of `docs/spec/wire.md`: a date, then perhaps a time after `T` or a space,
/// perhaps seconds and a fraction (which is dropped), then perhaps `Z`, ` UTC` or an offset.
pub(crate) fn parse_datetime(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = leading_date(text.as_bytes())?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    let moment = parse_datetime_at(date, rest)?;
    in_range(moment.date()).map(|_| moment.and_utc())
}

/// The moment that a date and what follows it say.
fn parse_datetime_at(date: NaiveDate, rest: &[u8]) -> Option<NaiveDateTime> {
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (hour, rest) = number(rest, 1..=2)?;
    let (minute, rest) = number(rest.strip_prefix(b":")?, 2..=2)?;
    let (second, rest) = match rest.strip_prefix(b":") {
        Some(rest) => number(rest, 2..=2)?,
        None => (0, rest),
    };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits > 0).then(|| &fraction[digits..])?
        }
        None => rest,
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second)?;
    let offset = offset_minutes(rest)?;
    date.and_time(time).checked_sub_signed(TimeDelta::minutes(offset))
}

fn offset_minutes(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    match text {
        b"" | b"Z" | b"UTC" => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, rest) = number(rest, 2..=2)?;
            let (minutes, rest) = number(rest.strip_prefix(b":").unwrap_or(rest), 2..=2)?;
            if !rest.is_empty() || hours > 23 || minutes > 59 {
                return None;
            }
            let offset = i64::from(hours * 60 + minutes);
            Some(if *sign == b'-' { -offset } else { offset })
        }
        _ => None,
    }
}

fn leading_date(text: &[u8]) -> Option<(NaiveDate, &[u8])> {
    let (year, rest) = number(text, 4..=4)?;
    let dash = rest.strip_prefix(b"-");
    let (month, rest) = number(dash.unwrap_or(rest), 2..=2)?;
    let rest = if dash.is_some() { rest.strip_prefix(b"-")? } else { rest };
    let (day, rest) = number(rest, 2..=2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    in_range(date).map(|date| (date, rest))
}

/// A date from 0001-01-01 to 9999-12-31, which four digits can write.
pub(crate) fn in_range(date: NaiveDate) -> Option<NaiveDate> {
    use chrono::Datelike;
    (1..=9999).contains(&date.year()).then_some(date)
}

fn number(text: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<(u32, &[u8])> {
    let count = text.iter().take(*digits.end()).take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..count].iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    digits.contains(&count).then_some((value, &text[count..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_fraction_digit_and_no_needless_zeros() {
        for (sent, kept) in [
            ("2400", "2400.0"),
            ("253.440", "253.44"),
            ("0.3", "0.3"),
            ("-0", "0.0"),
            (".5", "0.5"),
            ("007.10", "7.1"),
            ("-12.5", "-12.5"),
            ("+1", "1.0"),
            ("999999999999.999999", "999999999999.999999"),
        ] {
            assert_eq!(Kind::Decimal.read(sent), Ok(Value::from(kept)), "{sent}");
        }
        for refused in ["", ".", "-", "1e3", "1,5", "ten", "1234567890123", "0.1234567", "1.2.3", "٣"] {
            assert!(Kind::Decimal.read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn datetimes_are_read_in_every_form_of_the_conventions() {
        for (sent, kept) in [
            ("2010-09-25 18:30", "2010-09-25T18:30:00Z"),
            ("2010-09-25 6:30", "2010-09-25T06:30:00Z"),
            ("2010-09-25 18:30:00 UTC", "2010-09-25T18:30:00Z"),
            ("2010-09-25 18:30:00 +0000", "2010-09-25T18:30:00Z"),
            ("2011-03-31T10:00:00Z", "2011-03-31T10:00:00Z"),
            ("2011-03-31T10:00:00+02:00", "2011-03-31T08:00:00Z"),
            ("2011-03-31T10:00:00.1234567Z", "2011-03-31T10:00:00Z"),
            ("2112-12-31", "2112-12-31T00:00:00Z"),
            ("20101231", "2010-12-31T00:00:00Z"),
            (" 2011-03-31T23:30:00-0100\n", "2011-04-01T00:30:00Z"),
        ] {
            assert_eq!(Kind::DateTime.read(sent), Ok(Value::from(kept)), "{sent}");
        }
        for refused in [
            "",
            "2011-02-30",
            "2011-03-31T25:00:00Z",
            "2011-03-31T10",
            "2011-03-31T10:00:00X",
            "0000-01-01",
            "9999-12-31T23:59:59-01:00",
            "2011-0331",
            "2011-03-31T10:00:00.Z",
            "2011-03-31T10:00:00+99:00",
        ] {
            assert!(Kind::DateTime.read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn booleans_integers_and_dates_are_trimmed_and_checked() {
        assert_eq!(Kind::Boolean.read(" true\n"), Ok(Value::Integer(1)));
        assert!(Kind::Boolean.read("yes").is_err());
        assert_eq!(Kind::Integer.read("\t-7 "), Ok(Value::Integer(-7)));
        assert!(Kind::Integer.read("9223372036854775808").is_err());
        assert_eq!(Kind::Date.read("20110331"), Ok(Value::from("2011-03-31")));
        for datetime in ["2011-03-31T10:00:00Z", "2011-03-31T23:30:00-05:00", "2011-03-31 00:00:00 UTC"] {
            assert_eq!(Kind::Date.read(datetime), Ok(Value::from("2011-03-31")), "{datetime}");
        }
        assert!(Kind::Date.read("2011-03-31 or so").is_err());
        assert!(Kind::Date.read("2011-03-31T25:00:00Z").is_err());
    }
}
