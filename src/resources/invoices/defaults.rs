//! What an invoice gets that says less: its number and its due date.

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Error, Result};
use crate::value::{date_text, in_range, parse_date};

/// At most this many characters of a number are carried on to the next invoice; after a longer one, numbers start anew.
const LONGEST_NUMBER: usize = 255;

/// The newest created invoice's number, its last run of digits incremented until no invoice has it
/// (`docs/spec/invoices.md`, "Number").
pub(super) fn next_number(connection: &Connection) -> Result<String> {
    let newest: Option<String> = connection
        .prepare_cached("SELECT number FROM invoices ORDER BY created_at DESC, id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let carried_on = newest.filter(|number| number.chars().nth(LONGEST_NUMBER).is_none());
    let mut next = carried_on.map_or_else(|| "1".to_owned(), |number| following(&number));
    let mut taken = connection.prepare_cached("SELECT 1 FROM invoices WHERE number = ?1")?;
    while taken.exists([&next])? {
        next = following(&next);
    }
    Ok(next)
}

fn following(number: &str) -> String {
    let Some(end) = number.rfind(|character: char| character.is_ascii_digit()).map(|at| at + 1) else {
        return format!("{number}1");
    };
    let start = number[..end].rfind(|character: char| !character.is_ascii_digit());
    let start = start.map_or(0, |at| at + number[at..].chars().next().map_or(1, char::len_utf8));
    let mut digits = number.as_bytes()[start..end].to_vec();
    let nines = digits.iter().rev().take_while(|digit| **digit == b'9').count();
    let kept = digits.len() - nines;
    digits[kept..].fill(b'0');
    match kept.checked_sub(1) {
        Some(last) => digits[last] += 1,
        None => digits.insert(0, b'1'),
    }
    format!("{}{}{}", &number[..start], String::from_utf8_lossy(&digits), &number[end..])
}

/// The due date that a human format gives; none where it leaves the date to the body.
pub(super) fn due_at(format: &str, issued: &str) -> Result<Option<String>> {
    let lower = format.trim().to_ascii_lowercase();
    let days = match lower.as_str() {
        "upon receipt" | "due upon receipt" => Some("0"),
        _ => lower.strip_prefix("net ").or_else(|| lower.strip_suffix(" days")),
    };
    let days = days.map(str::trim).filter(|days| {
        let digits = days.strip_prefix('-').unwrap_or(days);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (Some(days), Some(issued)) = (days, parse_date(issued)) else {
        return Ok(None);
    };
    let due = days
        .parse()
        .ok()
        .and_then(TimeDelta::try_days)
        .and_then(|days| issued.checked_add_signed(days))
        .and_then(in_range);
    match due {
        Some(due) => Ok(Some(date_text(due))),
        None => Err(Error::invalid("due-at-human-format", "gives a date outside 0001-01-01 to 9999-12-31")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_increments_the_last_run_of_digits() {
        for (newest, next) in [
            ("1", "2"),
            ("0099", "0100"),
            ("99", "100"),
            ("A-7-b", "A-8-b"),
            ("INV", "INV1"),
            ("", "1"),
            ("2011/009é", "2011/010é"),
            ("é9", "é10"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(following(newest), next, "{newest}");
        }
    }

    #[test]
    fn the_due_date_follows_the_human_format() {
        let due = |format| due_at(format, "2011-03-31").unwrap();
        assert_eq!(due("NET 15").as_deref(), Some("2011-04-15"));
        assert_eq!(due("net 0").as_deref(), Some("2011-03-31"));
        assert_eq!(due("30 Days").as_deref(), Some("2011-04-30"));
        assert_eq!(due("Upon Receipt").as_deref(), Some("2011-03-31"));
        assert_eq!(due("due upon receipt").as_deref(), Some("2011-03-31"));
        assert_eq!(due("custom"), None);
        assert_eq!(due("NET soon"), None);
        assert!(due_at("NET 99999999999999999999", "2011-03-31").is_err());
        assert!(due_at("NET 3000000", "2011-03-31").is_err());
    }
}
