//! Days in the forms that programs sent for time and expenses (`docs/spec/time.md`, "Writing an entry").

use chrono::{DateTime, NaiveDate};

use crate::value::{in_range, is_space, parse_day};

/// A day in any form that programs sent.
pub(crate) fn parse_any_day(text: &str) -> Option<NaiveDate> {
    let text = text.trim_matches(is_space);
    let plain = || {
        let form = if text.contains('/') { "%Y/%m/%d" } else { "%Y-%m-%d" };
        NaiveDate::parse_from_str(text, form).ok()
    };
    let with_weekday = || NaiveDate::parse_from_str(text, "%a, %d %b %Y").ok();
    let of_ruby = || {
        let text = text.replacen(" UTC ", " +0000 ", 1);
        let moment = DateTime::parse_from_str(&text, "%a %b %d %H:%M:%S %z %Y").ok()?;
        Some(moment.naive_local().date())
    };
    parse_day(text).or_else(|| plain().or_else(with_weekday).or_else(of_ruby).and_then(in_range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_every_form_that_programs_sent() {
        for text in [
            "Mon, 28 Dec 2009",
            " 2009-12-28\n",
            "20091228",
            "2009/12/28",
            "Mon Dec 28 00:00:00 -0500 2009",
            "Mon Dec 28 23:59:59 +0900 2009",
            "Mon Dec 28 23:30:00 UTC 2009",
            "2009-12-28T23:30:00-05:00",
            "2009-12-28 10:00 UTC",
        ] {
            assert_eq!(parse_any_day(text), NaiveDate::from_ymd_opt(2009, 12, 28), "{text}");
        }
        for text in ["2017-1-8", "2017/1/8", "Sun, 8 Jan 2017", "Sun, 08 Jan 2017"] {
            assert_eq!(parse_any_day(text), NaiveDate::from_ymd_opt(2017, 1, 8), "{text}");
        }
        for text in
            ["Tue, 28 Dec 2009", "2009-13-01", "2009/02/30", "28/12/2009", "today", "12009-01-01", "-1-01-01", ""]
        {
            assert_eq!(parse_any_day(text), None, "{text}");
        }
    }
}
