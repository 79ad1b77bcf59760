//! `journal/verify`: whether requests came as they were expected.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use http::StatusCode;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::entry::Entry;
use super::input::{self, Pairs};
use super::journal::Journal;
use super::pattern::{MethodPattern, PathPattern};
use super::respond::{self, Outcome, answered};
use crate::api::Reason;
use crate::json;
use crate::xml::{self, Leaf};

const HINT: &str = "Send what is expected, like {\"method\": \"POST\", \"path\": \"/clients\", \
                    \"body\": {\"name\": \"SuprCorp\"}, \"count\": 1}";

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with \"method\", \"path\", \"query\", \"headers\", \"body\", \"status\" or \"count\""
)]
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

impl Expected {
    /// The value as messages show it.
    fn short(&self) -> Expected {
        match self {
            Expected::Text(text) => Expected::Text(short(text)),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Null => f.write_str("nil"),
            Expected::Boolean(value) => value.fmt(f),
            Expected::Number(number) => number.fmt(f),
            Expected::Text(text) => write!(f, "{:?}", short(text)),
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
        #[serde(deny_unknown_fields, expecting = "an object with \"at_least\" or \"at_most\"")]
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

/// The parts of a request that can be expected by name, in maps, so that looking one up takes constant time.
struct Parts {
    query: HashMap<String, Vec<(String, bool)>>,
    body: HashMap<String, Vec<(String, bool)>>,
}

/// Called with each difference: the part of the request, the name in it, what was expected, and what was found.
type Tell<'a> = dyn FnMut([&str; 2], Expected, Option<&str>) + 'a;

impl Expectation {
    fn parts(&self, entry: &Entry) -> Parts {
        let (mut query, mut body) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        if !self.query.0.is_empty() {
            let sent = entry.query.as_deref().unwrap_or_default();
            for (name, value) in form_urlencoded::parse(sent.as_bytes()) {
                query.entry(name.into_owned()).or_default().push((value.into_owned(), false));
            }
        }
        if !self.body.0.is_empty() {
            // What is neither XML nor JSON has no fields.
            let sent = entry.body.text().unwrap_or_default().as_bytes();
            for Leaf { path, text, nil } in xml::leaves(sent).or_else(|_| json::leaves(sent)).unwrap_or_default() {
                body.entry(path.replace('_', "-")).or_default().push((text, nil));
            }
        }
        Parts { query, body }
    }

    /// Calls `differ` with each difference.
    fn compare(&self, entry: &Entry, tell: &mut Tell<'_>) {
        let text = |text: &str| Expected::Text(text.to_owned());
        if let Some(method) = self.method.as_ref().filter(|method| method.as_str() != entry.method) {
            tell(["method", ""], text(method.as_str()), Some(&entry.method));
        }
        if let Some(path) = self.path.as_ref().filter(|path| !path.fits(&entry.path)) {
            tell(["path", ""], text(path.as_str()), Some(&entry.path));
        }
        let parts = self.parts(entry);
        let mut among = |part: &str, name: &str, wanted: &Expected, found: &[(String, bool)]| {
            if !found.iter().any(|(text, nil)| wanted.fits(text, *nil)) {
                tell([part, name], wanted.short(), found.last().map(|(text, _)| text.as_str()));
            }
        };
        for (name, wanted) in &self.query.0 {
            among("query", name, wanted, parts.query.get(name).map_or(&[], Vec::as_slice));
        }
        for (name, wanted) in &self.headers.0 {
            let found = entry.header(&name.to_ascii_lowercase()).map(|value| (value.to_owned(), false));
            among("headers", name, wanted, found.as_slice());
        }
        for (name, wanted) in &self.body.0 {
            among("body", name, wanted, parts.body.get(&name.replace('_', "-")).map_or(&[], Vec::as_slice));
        }
        if let Some(status) = self.status.filter(|status| entry.status != Some(*status)) {
            let found = entry.status.map(|found| found.to_string());
            tell(["status", ""], Expected::Number(status.into()), found.as_deref());
        }
    }

    fn differences(&self, entry: &Entry) -> Vec<Difference> {
        let mut differences = Vec::new();
        self.compare(entry, &mut |[part, name], expected, found| {
            let at = if name.is_empty() { part.to_owned() } else { format!("{part}.{name}") };
            differences.push(Difference { at, expected, found: found.map(short) });
        });
        differences
    }
}

/// The longest text that a message shows, in bytes.
const MAX_TOLD: usize = 1000;

/// A text, or its beginning with an ellipsis.
fn short(text: &str) -> String {
    super::entry::cut(text, MAX_TOLD)
}

impl Journal {
    pub(super) fn verify(&self, body: &[u8]) -> Outcome {
        let expectation: Expectation = input::read(body, HINT)?;
        let (entries, _) = self.after(0);
        let mut numbers = Vec::new();
        let mut nearest: Option<(usize, &Entry)> = None;
        for entry in &entries {
            let mut differences = 0;
            expectation.compare(entry, &mut |_, _, _| differences += 1);
            if differences == 0 {
                numbers.push(entry.number);
            } else if nearest.is_none_or(|(least, _)| differences <= least) {
                nearest = Some((differences, entry));
            }
        }
        let count = numbers.len() as u64;
        if expectation.count.admits(count) {
            return respond::json(&Verified { verified: true, count, numbers, message: None, nearest: None });
        }
        let nearest = nearest.filter(|_| count < expectation.count.at_least);
        let mut message = format!("Expected {}{expectation}, but {count} of {} fit.", expectation.count, entries.len());
        let nearest = nearest.map(|(_, entry)| {
            let (number, differences) = (entry.number, expectation.differences(entry));
            message.push_str(&format!("\nThe nearest is number {number}, {entry}:"));
            for difference in &differences {
                message.push_str(&format!("\n  {difference}"));
            }
            Nearest { number, differences }
        });
        let reason = Reason(message.clone());
        let message = Some(message);
        let mut response =
            answered(StatusCode::CONFLICT, &Verified { verified: false, count, numbers, message, nearest })?;
        response.extensions_mut().insert(reason);
        Ok(response)
    }
}
