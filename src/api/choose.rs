//! The format of an answer (`docs/spec/json.md`).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Uri};

use super::route;
use crate::format::{BodyFormat, Dialect, Format, RequestBody};

/// The `Content-Type` of a request; empty if it has none.
pub(super) fn content_type(headers: &HeaderMap) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(headers.get(CONTENT_TYPE).map_or(&[], |value| value.as_bytes()))
}

/// The format of the answer. The path's suffix decides, then `Accept`, then the request's body.
pub(super) fn format(uri: &Uri, headers: &HeaderMap, body: &[u8], dialect: Dialect) -> Format {
    let of_body = || {
        let body = RequestBody { bytes: body, content_type: &content_type(headers), ..RequestBody::default() };
        // An empty body has only the format that its type names.
        let body = if body.is_none() { RequestBody { bytes: b"", ..body } } else { body };
        body.format() == BodyFormat::Json
    };
    let is_json = route::suffix_is_json(uri.path()).or_else(|| accepts_json(headers)).unwrap_or_else(of_body);
    if is_json { Format::Json } else { Format::Xml(dialect) }
}

/// Whether JSON is preferred to XML; `None` if neither is named.
fn accepts_json(headers: &HeaderMap) -> Option<bool> {
    let (mut json, mut xml) = (0, 0);
    for value in headers.get_all(ACCEPT) {
        for range in String::from_utf8_lossy(value.as_bytes()).split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let best = if kind.eq_ignore_ascii_case("application/json") {
                &mut json
            } else if kind.eq_ignore_ascii_case("application/xml") || kind.eq_ignore_ascii_case("text/xml") {
                &mut xml
            } else {
                continue;
            };
            let named = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            *best = (*best).max(named.map_or(1000, thousandths));
        }
    }
    (json > 0 || xml > 0).then_some(json > xml)
}

/// A q-value in thousandths; 0 if it cannot be read.
fn thousandths(q: &str) -> u32 {
    let (whole, fraction) = q.trim().split_once('.').unwrap_or((q.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match (whole, format!("{fraction:0<3}").parse::<u32>()) {
        ("1", Ok(0)) => 1000,
        ("0", Ok(thousandths)) => thousandths,
        _ => 0,
    }
}
