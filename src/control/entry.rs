//! An entry of the journal: what is kept of a request and its answer, and how it is written.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::{Serialize, Serializer};

use super::pattern::MAX_PATH;
use super::secrets;
use crate::api::Api;

/// The most of a method that is kept, in bytes.
const MAX_METHOD: usize = 100;

/// The length of a body's chunks, in bytes. In JSON one byte may become six.
const CHUNK: usize = 8 * 1024;

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    time: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// By name, in order.
    headers: Vec<(String, String)>,
    pub(super) body: Content,
    pub(super) body_bytes: usize,
    route: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) fault: Option<&'static str>,
    pub(super) duration_ms: f64,
}

/// A body, or its beginning.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Binary(Vec<u8>),
}

impl Content {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Content::Text(text) => Some(text),
            Content::Binary(_) => None,
        }
    }

    /// Writes the chunk that begins at the byte as JSON, without quotes. Returns where the next chunk begins; `None`
    /// after the last.
    pub(super) fn write_chunk(&self, from: usize, out: &mut Vec<u8>) -> Option<usize> {
        match self {
            Content::Text(text) => {
                let rest = text.get(from..).unwrap_or_default();
                let chunk = &rest[..floor(rest, CHUNK)];
                write_text(chunk, out);
                (chunk.len() < rest.len()).then_some(from + chunk.len())
            }
            Content::Binary(bytes) => {
                let rest = bytes.get(from..).unwrap_or_default();
                // Three bytes make four letters.
                let chunk = &rest[..rest.len().min(3 * CHUNK)];
                out.extend_from_slice(STANDARD.encode(chunk).as_bytes());
                (chunk.len() < rest.len()).then_some(from + chunk.len())
            }
        }
    }
}

/// Writes a text as JSON does between the quotes.
fn write_text(text: &str, out: &mut Vec<u8>) {
    let at = out.len();
    // Writing to memory does not fail.
    if serde_json::to_writer(&mut *out, text).is_ok() {
        out.pop();
        out.remove(at);
    }
}

/// The length of the longest prefix of at most `bytes` bytes that ends with a whole character.
fn floor(text: &str, bytes: usize) -> usize {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// A text, or its beginning with an ellipsis.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    let end = floor(text, bytes);
    match end < text.len() {
        true => format!("{}…", &text[..end]),
        false => text.to_owned(),
    }
}

impl Entry {
    /// An entry of a request's head, without its secrets.
    pub(super) fn of(head: &Parts, api: &Api, route: Option<String>) -> Self {
        Entry {
            number: 0,
            time: api.store().time().now().to_rfc3339_opts(SecondsFormat::Millis, true),
            method: cut(head.method.as_str(), MAX_METHOD),
            path: cut(head.uri.path(), MAX_PATH),
            query: head.uri.query().map(secrets::query),
            headers: headers(&head.headers, api),
            body: Content::Text(String::new()),
            body_bytes: 0,
            route,
            status: None,
            fault: None,
            duration_ms: 0.0,
        }
    }

    /// Records that a person's own password was right.
    pub(super) fn admitted(&mut self) {
        let sent = self.headers.iter_mut().find(|(name, _)| name == AUTHORIZATION.as_str());
        if let Some((_, kept)) = sent
            && let Some(start) = kept.strip_suffix(secrets::WRONG)
        {
            *kept = format!("{start}{}", secrets::RIGHT);
        }
    }

    /// A header by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let at = self.headers.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(&self.headers[at].1)
    }

    /// How much memory it takes, in bytes: every part of it, and what the allocator and the journal add.
    pub(super) fn bytes(&self) -> usize {
        // All fields are named, so that a new one cannot be forgotten here.
        let Entry {
            number: _,
            time,
            method,
            path,
            query,
            headers,
            body,
            body_bytes: _,
            route,
            status: _,
            fault: _,
            duration_ms: _,
        } = self;
        let text = |text: &String| allocated(text.capacity());
        let body = match body {
            Content::Text(text) => text.capacity(),
            Content::Binary(bytes) => bytes.capacity(),
        };
        let pairs = allocated(headers.capacity() * size_of::<(String, String)>());
        allocated(size_of::<Self>() + 2 * size_of::<usize>())
            + 2 * size_of::<usize>()
            + [time, method, path].into_iter().map(text).sum::<usize>()
            + [query, route].into_iter().flatten().map(text).sum::<usize>()
            + pairs
            + headers.iter().map(|(name, value)| text(name) + text(value)).sum::<usize>()
            + allocated(body)
    }

    /// The entry as JSON before and after the body's text, with the quotes of the body.
    pub(super) fn around_body(&self) -> (String, String) {
        let key = match &self.body {
            Content::Text(_) => "\n  \"body\": \"",
            Content::Binary(_) => "\n  \"body_base64\": \"",
        };
        let json = serde_json::to_string_pretty(&Shown(self)).unwrap_or_default();
        // Only this line can begin so: inside texts, line ends are escaped.
        let at = json.find(key).map_or(json.len(), |at| at + key.len());
        let (before, after) = json.split_at(at);
        let indented = |json: &str| json.replace('\n', "\n    ");
        (format!("    {}", indented(before)), indented(after))
    }
}

/// The memory of an allocation, with what the allocator adds.
fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.next_multiple_of(16) + 16 }
}

fn headers(headers: &HeaderMap, api: &Api) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::with_capacity(headers.keys_len());
    // The values of a name come one after the other.
    for (name, value) in headers {
        let value = secrets::header(name, value.as_bytes(), headers, api);
        match kept.last_mut() {
            Some((last, values)) if last == name.as_str() => values.extend([", ", &value]),
            _ => kept.push((name.as_str().to_owned(), value)),
        }
    }
    kept.sort_unstable();
    kept
}

/// An entry without its body's text.
struct Shown<'a>(&'a Entry);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let entry = self.0;
        let mut object = serializer.serialize_struct("Entry", 13)?;
        object.serialize_field("number", &entry.number)?;
        object.serialize_field("time", &entry.time)?;
        object.serialize_field("method", &entry.method)?;
        object.serialize_field("path", &entry.path)?;
        object.serialize_field("query", &entry.query)?;
        object.serialize_field("headers", &Headers(&entry.headers))?;
        match &entry.body {
            Content::Text(_) => object.serialize_field("body", "")?,
            Content::Binary(_) => {
                object.serialize_field("body", &None::<&str>)?;
                object.serialize_field("body_base64", "")?;
            }
        }
        object.serialize_field("body_bytes", &entry.body_bytes)?;
        object.serialize_field("route", &entry.route)?;
        object.serialize_field("status", &entry.status)?;
        object.serialize_field("fault", &entry.fault)?;
        object.serialize_field("duration_ms", &entry.duration_ms)?;
        object.end()
    }
}

struct Headers<'a>(&'a [(String, String)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::ClientStore;

    fn entry(request: http::request::Builder) -> Entry {
        let api = Api::new(ClientStore::builder().deterministic(7).open_in_memory().unwrap());
        Entry::of(&request.body(()).unwrap().into_parts().0, &api, Some("/clients".to_owned()))
    }

    #[test]
    fn every_part_of_an_entry_is_counted() {
        let base = entry(Request::get("/clients")).bytes();
        assert!(base >= size_of::<Entry>());
        let long = "x".repeat(5000);
        for (part, longer) in [
            ("query", entry(Request::get(format!("/clients?{long}")))),
            ("header", entry(Request::get("/clients").header("a", &long))),
            ("header's name", entry(Request::get("/clients").header(&long, "a"))),
            ("body", Entry { body: Content::Text(long.clone()), ..entry(Request::get("/clients")) }),
            ("bytes", Entry { body: Content::Binary(long.clone().into()), ..entry(Request::get("/clients")) }),
            ("route", Entry { route: Some(long.clone()), ..entry(Request::get("/clients")) }),
        ] {
            assert!(longer.bytes() >= base + 4900, "{part}: {} {base}", longer.bytes());
        }
        let many = (0..100).fold(Request::get("/clients"), |request, n| request.header(format!("h{n}"), ""));
        assert!(entry(many).bytes() >= base + 100 * (size_of::<(String, String)>() + 16));
    }

    #[test]
    fn long_methods_and_paths_are_cut() {
        let long =
            entry(Request::builder().method("M".repeat(30_000).as_str()).uri(format!("/{}", "a".repeat(20_000))));
        assert_eq!(long.method, format!("{}…", "M".repeat(100)));
        assert_eq!(long.path, format!("/{}…", "a".repeat(MAX_PATH - 1)));
        assert!(long.bytes() < 3000, "{}", long.bytes());
    }

    #[test]
    fn a_body_is_written_in_chunks_as_if_it_were_written_whole() {
        for text in ["", "a\"b\\\n\u{1}é", &"é\u{1}".repeat(30_000)] {
            let (mut out, mut at, mut chunks) = (Vec::new(), Some(0), 0);
            while let Some(from) = at {
                let before = out.len();
                at = Content::Text(text.to_owned()).write_chunk(from, &mut out);
                assert!(out.len() - before <= 6 * CHUNK);
                chunks += 1;
            }
            assert_eq!(format!("\"{}\"", String::from_utf8(out).unwrap()), serde_json::to_string(text).unwrap());
            assert_eq!(chunks, text.len().div_ceil(CHUNK).max(1));
        }
        let bytes: Vec<u8> = (0..100_000).map(|n| n as u8).collect();
        let (mut out, mut at) = (Vec::new(), Some(0));
        while let Some(from) = at {
            at = Content::Binary(bytes.clone()).write_chunk(from, &mut out);
        }
        assert_eq!(STANDARD.decode(out).unwrap(), bytes);
    }
}
