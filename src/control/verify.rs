//! `journal/verify`: whether requests came as they were expected.

use std::fmt;
use std::str::FromStr;

use http::StatusCode;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::input::{self, Pairs};
use super::journal::{Entry, Journal};
use super::pattern::{MethodPattern, PathPattern};
use super::respond::{self, Outcome, answered};
use crate::json;
use crate::record::same_name;
use crate::xml::{self, Leaf};

const HINT: &str = "Send what is expected, like {\"method\": \"POST\", \"path\": \"/clients\", \
                    \"body\": {\"name\": \"SuprCorp\"}, \"count\": 1}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    method: Option<MethodPattern>,
    path: Option<PathPattern>,
    #[serde(default)]
    query: Pairs<Expected>,
    #[serde(default)]
    headers: Pairs<Expected>,
    #[serde(default)]
    body: Pairs<Expected>,
    status: Option<u16>,
    #[serde(default)]
    count: Count,
}

/// What a field is expected to hold.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Expected {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
}

impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Expected::Null),
            Value::Bool(value) => Ok(Expected::Boolean(value)),
            Value::Number(number) => Ok(Expected::Number(number)),
            Value::String(text) => Ok(Expected::Text(text)),
            Value::Array(_) | Value::Object(_) => {
                Err(D::Error::custom("expected a text, a number, true, false or null; a/b names an element in another"))
            }
        }
    }
}

impl Expected {
    fn fits(&self, text: &str, nil: bool) -> bool {
        match self {
            Expected::Null => nil || text.is_empty(),
            Expected::Text(wanted) => !nil && text == wanted,
            Expected::Boolean(wanted) => matches!((text.trim(), wanted), ("true" | "1", true) | ("false" | "0", false)),
            Expected::Number(wanted) => {
                let decimal = |text: &str| Decimal::from_str(text.trim()).ok();
                decimal(text).is_some_and(|found| decimal(&wanted.to_string()) == Some(found))
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Null => f.write_str("nil"),
            Expected::Boolean(value) => value.fmt(f),
            Expected::Number(number) => number.fmt(f),
            Expected::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// How many requests there must be.
#[derive(Clone, Copy)]
struct Count {
    at_least: u64,
    at_most: Option<u64>,
}

impl Default for Count {
    fn default() -> Self {
        Count { at_least: 1, at_most: None }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or {\"at_least\": 1, \"at_most\": 3}")
    }

    fn visit_u64<E: Error>(self, exactly: u64) -> Result<Count, E> {
        Ok(Count { at_least: exactly, at_most: Some(exactly) })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Count, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bounds {
            at_least: Option<u64>,
            at_most: Option<u64>,
        }
        let Bounds { at_least, at_most } = Bounds::deserialize(MapAccessDeserializer::new(map))?;
        let least = at_least.unwrap_or(0);
        if at_least.is_none() && at_most.is_none() {
            return Err(A::Error::custom("expected at_least, at_most, or both"));
        }
        if at_most.is_some_and(|most| most < least) {
            return Err(A::Error::custom("at_most is less than at_least"));
        }
        Ok(Count { at_least: least, at_most })
    }
}

impl Count {
    fn admits(self, count: u64) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = |count: u64| if count == 1 { "request" } else { "requests" };
        match (self.at_least, self.at_most) {
            (0, Some(0)) => f.write_str("no request"),
            (least, Some(most)) if least == most => write!(f, "exactly {most} {}", requests(most)),
            (0, Some(most)) => write!(f, "at most {most} {}", requests(most)),
            (least, Some(most)) => write!(f, "{least} to {most} requests"),
            (least, None) => write!(f, "at least {least} {}", requests(least)),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [self.method.as_ref().map(MethodPattern::as_str), self.path.as_ref().map(PathPattern::as_str)];
        for word in words.into_iter().flatten() {
            write!(f, " {word}")?;
        }
        let fields = [("?", &self.query), ("header ", &self.headers), ("", &self.body)];
        let fields = fields.into_iter().flat_map(|(kind, pairs)| pairs.0.iter().map(move |pair| (kind, pair)));
        let fields = fields.map(|(kind, (name, wanted))| format!("{kind}{name} {wanted}"));
        let all: Vec<String> = fields.chain(self.status.map(|status| format!("status {status}"))).collect();
        if !all.is_empty() {
            write!(f, " with {}", all.join(" and "))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Verified {
    verified: bool,
    count: u64,
    numbers: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Nearest>,
}

/// The request that differs least.
#[derive(Serialize)]
struct Nearest {
    number: u64,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    at: String,
    expected: Expected,
    found: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found ", self.at.replacen('.', " ", 1), self.expected)?;
        match &self.found {
            Some(found) => write!(f, "{found:?}"),
            None => f.write_str("nothing"),
        }
    }
}

impl Expectation {
    fn differences(&self, entry: &Entry) -> Vec<Difference> {
        let mut differences = Vec::new();
        let text = |text: &str| Expected::Text(text.to_owned());
        if let Some(method) = self.method.as_ref().filter(|method| method.as_str() != entry.method) {
            let found = Some(entry.method.clone());
            differences.push(Difference { at: "method".to_owned(), expected: text(method.as_str()), found });
        }
        if let Some(path) = self.path.as_ref().filter(|path| !path.fits(&entry.path)) {
            let found = Some(entry.path.clone());
            differences.push(Difference { at: "path".to_owned(), expected: text(path.as_str()), found });
        }
        let query: Vec<(String, String)> =
            form_urlencoded::parse(entry.query.as_deref().unwrap_or_default().as_bytes()).into_owned().collect();
        for (name, wanted) in &self.query.0 {
            let found = query.iter().filter(|(other, _)| other == name).map(|(_, value)| (value.as_str(), false));
            differences.extend(difference("query", name, wanted, found));
        }
        for (name, wanted) in &self.headers.0 {
            let found = entry.headers.get(&name.to_ascii_lowercase()).map(|value| (value.as_str(), false));
            differences.extend(difference("headers", name, wanted, found.into_iter()));
        }
        if !self.body.0.is_empty() {
            // What is neither XML nor JSON has no fields.
            let body = entry.body.as_deref().unwrap_or_default().as_bytes();
            let leaves = xml::leaves(body).or_else(|_| json::leaves(body)).unwrap_or_default();
            for (name, wanted) in &self.body.0 {
                let dashed = name.replace('_', "-");
                let found = leaves.iter().filter(|leaf| same_name(&leaf.path, &dashed));
                let found = found.map(|Leaf { text, nil, .. }| (text.as_str(), *nil));
                differences.extend(difference("body", name, wanted, found));
            }
        }
        if let Some(status) = self.status.filter(|status| entry.status != Some(*status)) {
            let found = entry.status.map(|found| found.to_string());
            differences.push(Difference { at: "status".to_owned(), expected: Expected::Number(status.into()), found });
        }
        differences
    }
}

/// What keeps all that was found from being what is wanted.
fn difference<'a>(
    part: &str,
    name: &str,
    wanted: &Expected,
    found: impl Iterator<Item = (&'a str, bool)>,
) -> Option<Difference> {
    let mut last = None;
    for (text, nil) in found {
        if wanted.fits(text, nil) {
            return None;
        }
        last = Some(text.to_owned());
    }
    Some(Difference { at: format!("{part}.{name}"), expected: wanted.clone(), found: last })
}

impl Journal {
    pub(super) fn verify(&self, body: &[u8]) -> Outcome {
        let expectation: Expectation = input::read(body, HINT)?;
        let entries = self.entries();
        let mut numbers = Vec::new();
        let mut nearest: Option<Nearest> = None;
        for entry in &entries {
            let differences = expectation.differences(entry);
            if differences.is_empty() {
                numbers.push(entry.number);
            } else if nearest.as_ref().is_none_or(|other| differences.len() <= other.differences.len()) {
                nearest = Some(Nearest { number: entry.number, differences });
            }
        }
        let count = numbers.len() as u64;
        if expectation.count.admits(count) {
            return respond::json(&Verified { verified: true, count, numbers, message: None, nearest: None });
        }
        let nearest = nearest.filter(|_| count < expectation.count.at_least);
        let mut message = format!("Expected {}{expectation}, but {count} of {} fit.", expectation.count, entries.len());
        if let Some(nearest) = &nearest {
            let entry = entries.iter().find(|entry| entry.number == nearest.number);
            let line = entry.map_or_else(String::new, |entry| format!("{} {}", entry.method, entry.path));
            message.push_str(&format!("\nThe nearest is number {}, {line}:", nearest.number));
            for difference in &nearest.differences {
                message.push_str(&format!("\n  {difference}"));
            }
        }
        let message = Some(message);
        answered(StatusCode::CONFLICT, &Verified { verified: false, count, numbers, message, nearest })
    }
}
