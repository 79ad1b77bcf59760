//! Values as `wire.md` reads and writes them, computed here on their own: money in whole numbers of
//! millionths, days counted from 1970-01-01.

/// White space around typed values, and what is blank.
pub const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

pub const MILLION: i128 = 1_000_000;

pub fn blank(text: &str) -> bool {
    text.trim_matches(SPACE).is_empty()
}

/// Millionths: at most 12 digits before the point and 6 after it.
pub fn decimal(text: &str) -> Option<i128> {
    let text = text.trim_matches(SPACE);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole, 12) || !plain(fraction, 6) {
        return None;
    }
    let millionths: i128 = format!("{whole}{fraction:0<6}").parse().ok()?;
    Some(sign * millionths)
}

/// At least `least` digits after the point, and no needless zeros beyond them.
pub fn decimal_text(millionths: i128, least: usize) -> String {
    let (whole, rest) = (millionths.abs() / MILLION, millionths.abs() % MILLION);
    let mut text = format!("{}{whole}.{rest:06}", if millionths < 0 { "-" } else { "" });
    while text.ends_with('0') && text.len() - text.find('.').unwrap() - 1 > least {
        text.pop();
    }
    text
}

/// A quotient of millionths in whole cents, halves away from zero.
pub fn cents(numerator: i128, denominator: i128) -> i128 {
    let (numerator, sign) = (numerator.abs() * 100, numerator.signum());
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    sign * (whole + i128::from(rest * 2 >= denominator)) * 10_000
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_before(year: i64) -> i64 {
    let years = year - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}

/// The first day that counts from 1970-01-01 must not be before, and the last one not after.
fn first_and_last() -> (i64, i64) {
    (-days_before(1970), days_before(10_000) - days_before(1970) - 1)
}

fn day_number(year: i64, month: i64, day: i64) -> Option<i64> {
    let valid = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    valid.then(|| days_before(year) - days_before(1970) + months + day - 1)
}

/// A day as the documents write it; none beyond four digits of a year.
pub fn date_text(number: i64) -> Option<String> {
    let (first, last) = first_and_last();
    if !(first..=last).contains(&number) {
        return None;
    }
    let mut year = (1970 + number.div_euclid(if number < 0 { 365 } else { 366 })).max(1);
    while days_before(year + 1) - days_before(1970) <= number {
        year += 1;
    }
    let mut rest = number - (days_before(year) - days_before(1970));
    let mut month = 1;
    while rest >= days_in(year, month) {
        rest -= days_in(year, month);
        month += 1;
    }
    Some(format!("{year:04}-{month:02}-{:02}", rest + 1))
}

/// `2011-03-31` or `20110331`, as days.
pub fn date(text: &str) -> Option<i64> {
    let text = text.trim_matches(SPACE);
    let digits = match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => text.replace('-', ""),
        _ => text.to_owned(),
    };
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from, to| digits[from..to].parse::<i64>().ok();
    day_number(part(0, 4)?, part(4, 6)?, part(6, 8)?)
}

/// A moment's canonical text, given in seconds from 1970.
pub fn moment_text(seconds: i64) -> Option<String> {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    date_text(day).map(|date| format!("{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60))
}

/// A moment in the forms of `wire.md`, in seconds from 1970.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim_matches(SPACE);
    let Some(split) = text.find(['T', ' ']) else {
        return date(text).map(|day| day * 86_400);
    };
    let day = date(&text[..split])?;
    let rest = &text[split + 1..];
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != ':').unwrap_or(rest.len());
    let mut parts = rest[..end].split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
        return None;
    }
    let offset = match rest[end..].trim_start_matches(' ') {
        "" | "Z" | "UTC" => 0,
        offset => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let digits = offset.get(1..)?.replace(':', "");
            let part = |from, to| digits.get(from..to).and_then(|part| part.parse::<i64>().ok());
            (digits.len() == 4).then_some(())?;
            sign * (part(0, 2)? * 3600 + part(2, 4)? * 60)
        }
    };
    let seconds = day * 86_400 + hour * 3600 + minute * 60 + second - offset;
    moment_text(seconds).map(|_| seconds)
}

/// The symbol of a currency's label (`clients.md`).
pub fn symbol(label: &str) -> String {
    let code = label.rfind(" - ").map_or(label, |at| &label[at + 3..]);
    for (symbol, codes) in [
        ("$", "USD CAD AUD NZD HKD SGD MXN"),
        ("€", "EUR"),
        ("£", "GBP"),
        ("¥", "JPY CNY"),
        ("kr", "SEK NOK DKK"),
        ("₹", "INR"),
        ("R$", "BRL"),
        ("R", "ZAR"),
        ("₪", "ILS"),
        ("₽", "RUB"),
        ("zł", "PLN"),
    ] {
        if codes.split(' ').any(|one| one == code) && !code.contains(SPACE) {
            return symbol.to_owned();
        }
    }
    code.to_owned()
}
