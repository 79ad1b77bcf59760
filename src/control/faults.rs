//! `faults`: rules that make requests fail.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use serde::{Deserialize, Serialize, Serializer};

use super::input::{self, AtMost, Pairs};
use super::pattern::{MethodPattern, PathPattern};
use super::respond::Failure;
use crate::api::{Body, answer};
use crate::store::random;
use crate::value::quoted;

const HINT: &str = "A rule is like {\"method\": \"POST\", \"path\": \"/clients\", \"answer\": {\"status\": 503}}; \
                    docs/control.md has its keys";

/// The most rules at a time. Each request is compared with all of them.
const MAX_RULES: usize = 100;

/// The longest headers of an answer, in bytes. The budget does not count them.
const MAX_HEADERS: usize = 16 * 1024;

/// The longest wait, in milliseconds.
const MAX_DELAY: u64 = 600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"rules\"")]
struct Input {
    rules: AtMost<MAX_RULES, Rule>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object with the keys of a rule")]
struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<MethodPattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathPattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<Probability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<Delay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<Drops>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "f64")]
struct Probability(f64);

impl TryFrom<f64> for Probability {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        let is_probability = (0.0..=1.0).contains(&number);
        is_probability.then_some(Probability(number)).ok_or_else(|| format!("{number} is not from 0 to 1"))
    }
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "u64")]
struct Delay(u64);

impl TryFrom<u64> for Delay {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        (number <= MAX_DELAY).then_some(Delay(number)).ok_or_else(|| format!("{number} is more than {MAX_DELAY}"))
    }
}

/// When the connection is dropped.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drops {
    /// Before the API sees the request.
    Request,
    /// After it was answered.
    Answer,
}

/// An answer in place of the API's.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"status\", \"headers\" and \"body\"")]
struct Answer {
    status: Status,
    #[serde(default, skip_serializing_if = "is_empty")]
    headers: Pairs<HeaderText>,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    body: Text,
}

/// A body that all answers share.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
struct Text(Bytes);

impl Text {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(text.into())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

fn is_empty<V>(pairs: &Pairs<V>) -> bool {
    pairs.0.is_empty()
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "u16")]
struct Status(u16);

impl TryFrom<u16> for Status {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        let can_be_sent = (200..=599).contains(&number);
        can_be_sent
            .then_some(Status(number))
            .ok_or_else(|| format!("{number} is no status that can be sent; give one from 200 to 599"))
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String")]
struct HeaderText(String);

impl TryFrom<String> for HeaderText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match HeaderValue::from_str(&text) {
            Ok(_) => Ok(HeaderText(text)),
            Err(_) => Err(format!("{} cannot stand in a header", quoted(&text))),
        }
    }
}

impl Rule {
    /// Checks that keys fit together. The error has the key and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.delay_ms.is_none() && self.answer.is_none() && self.drop.is_none() && self.cut.is_none() {
            return Err(("", "The rule does nothing; give it delay_ms, answer, drop or cut".to_owned()));
        }
        if self.drop.is_some() && (self.answer.is_some() || self.cut.is_some()) {
            return Err((".drop", "A dropped connection sends no answer; leave out answer and cut".to_owned()));
        }
        if self.seed.is_some() && self.probability.is_none() {
            return Err((".seed", "A seed is for a probability; give that too".to_owned()));
        }
        let Some(Answer { status, headers, body }) = &self.answer else { return Ok(()) };
        if matches!(status.0, 204 | 205 | 304) && !body.is_empty() {
            return Err((".answer.body", format!("An answer with status {} has no body", status.0)));
        }
        let length = headers.0.iter().map(|(name, HeaderText(text))| name.len() + text.len() + 4).sum::<usize>();
        if length > MAX_HEADERS {
            let message = format!("The headers are {length} bytes long together; they may be {MAX_HEADERS}");
            return Err((".answer.headers", message));
        }
        for (name, _) in &headers.0 {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            let message = match parsed {
                Ok(CONTENT_LENGTH | TRANSFER_ENCODING) => format!("{name} follows from the body; use cut to break it"),
                Ok(_) => continue,
                Err(_) => format!("{} is no name of a header", quoted(name)),
            };
            return Err((".answer.headers", message));
        }
        Ok(())
    }

    fn fits(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|pattern| pattern.fits(method))
            && self.path.as_ref().is_none_or(|pattern| pattern.fits(path))
    }

    /// Whether it fires for the given one of the requests that it matched, counted from 1.
    fn fires(&self, number: u64) -> bool {
        let first = self.nth.map_or(1, NonZeroU64::get);
        let times = match (self.times, self.nth) {
            (Some(times), _) => times.get(),
            (None, Some(_)) => 1,
            (None, None) => u64::MAX,
        };
        let is_due = number >= first && number - first < times;
        is_due
            && self.probability.is_none_or(|Probability(probability)| {
                // 53 bits make a number from 0 to below 1.
                let drawn = (random(self.seed.unwrap_or(0), number) >> 11) as f64 / (1_u64 << 53) as f64;
                drawn < probability
            })
    }

    fn effect(&self) -> Effect {
        Effect {
            delay: self.delay_ms.map(|Delay(milliseconds)| Duration::from_millis(milliseconds)),
            answer: self.answer.as_ref().map(Answer::response),
            drops: self.drop,
            cut: self.cut,
        }
    }
}

impl Answer {
    fn response(&self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status.0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = answer(status, Body::from(self.body.0.clone()));
        let headers = response.headers_mut();
        if matches!(self.status.0, 204 | 304) {
            headers.remove(CONTENT_LENGTH);
        }
        if !self.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        }
        for (name, HeaderText(text)) in &self.headers.0 {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text)) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// What a rule does to a request.
pub(crate) struct Effect {
    pub(crate) delay: Option<Duration>,
    pub(crate) answer: Option<Response<Body>>,
    pub(crate) drops: Option<Drops>,
    /// How much of the answer's body is sent.
    pub(crate) cut: Option<u64>,
}

impl Effect {
    /// Its name in the journal.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Effect { drops: Some(_), .. } => "drop",
            Effect { cut: Some(_), .. } => "cut",
            Effect { answer: Some(_), .. } => "answer",
            _ => "delay",
        }
    }
}

/// The rules. Requests are compared with them outside the lock.
#[derive(Default)]
pub(super) struct Faults {
    rules: Mutex<Arc<Vec<Armed>>>,
}

#[derive(Serialize)]
struct Armed {
    #[serde(flatten)]
    rule: Rule,
    matched: AtomicU64,
    fired: AtomicU64,
}

#[derive(Serialize)]
pub(super) struct Shown {
    rules: Arc<Vec<Armed>>,
}

impl Faults {
    /// The effect of the first rule that fires.
    pub(super) fn decide(&self, method: &Method, path: &str) -> Option<Effect> {
        let rules = self.rules();
        rules.iter().filter(|armed| armed.rule.fits(method, path)).find_map(|armed| {
            let number = armed.matched.fetch_add(1, Ordering::Relaxed) + 1;
            armed.rule.fires(number).then(|| {
                armed.fired.fetch_add(1, Ordering::Relaxed);
                armed.rule.effect()
            })
        })
    }

    pub(super) fn set(&self, body: &[u8]) -> Result<Shown, Failure> {
        let Input { rules: AtMost(rules) } = input::read(body, HINT)?;
        for (at, rule) in rules.iter().enumerate() {
            rule.check().map_err(|(key, message)| Failure::invalid(message, HINT).at(format!("rules[{at}]{key}")))?;
        }
        let armed = |rule| Armed { rule, matched: AtomicU64::new(0), fired: AtomicU64::new(0) };
        Ok(self.replace(rules.into_iter().map(armed).collect()))
    }

    pub(super) fn clear(&self) -> Shown {
        self.replace(Vec::new())
    }

    fn replace(&self, rules: Vec<Armed>) -> Shown {
        let rules = Arc::new(rules);
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&rules);
        Shown { rules }
    }

    pub(super) fn shown(&self) -> Shown {
        Shown { rules: self.rules() }
    }

    pub(super) fn count(&self) -> usize {
        self.rules().len()
    }

    fn rules(&self) -> Arc<Vec<Armed>> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
