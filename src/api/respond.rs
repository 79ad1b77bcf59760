//! The answers of `wire.md`: the one place where an error becomes a status and a Hint.

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};

use super::body::{Body, Stream};
use crate::error::Error;
use crate::format::{Format, Node, tree};

const HINT: HeaderName = HeaderName::from_static("hint");
const STATUS: HeaderName = HeaderName::from_static("status");

/// Longer hints are cut; some programs read header lines into small buffers.
const MAX_HINT: usize = 500;

/// 200 with a document.
pub(super) fn document(document: impl Into<Body>, format: Format) -> Response<Body> {
    with_content(document.into(), format)
}

/// 200 with a list too long to be held, whose beginning is read already.
pub(super) fn streamed(list: Box<Stream>, format: Format) -> Response<Body> {
    with_content(Body::streamed(list), format)
}

fn with_content(body: Body, format: Format) -> Response<Body> {
    let mut response = answer(StatusCode::OK, body);
    response.headers_mut().insert(CONTENT_TYPE, content_type(format));
    response
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Xml(_) => "application/xml; charset=utf-8",
        Format::Json => "application/json; charset=utf-8",
    })
}

/// The answer as its request's method wants it: to HEAD, all but the body.
pub(super) fn to(method: &Method, response: Response<Body>) -> Response<Body> {
    if method == Method::HEAD { response.map(|_| Body::from(Vec::new())) } else { response }
}

/// 201 with the new record's path.
pub(super) fn created(path: &str) -> Response<Body> {
    located(StatusCode::CREATED, path)
}

/// 200 for an update or an action, with the record's path.
pub(super) fn changed(path: &str) -> Response<Body> {
    located(StatusCode::OK, path)
}

/// 200 and nothing more, as for a delete.
pub(crate) fn done() -> Response<Body> {
    answer(StatusCode::OK, Body::from(Vec::new()))
}

fn located(status: StatusCode, path: &str) -> Response<Body> {
    let mut response = answer(status, Body::from(Vec::new()));
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The answer to an error; the error goes along among the extensions, for logs and tests.
pub(super) fn error(error: Error, format: Format) -> Response<Body> {
    let mut response = match &error {
        Error::NotFound { record, id } => {
            refusal(StatusCode::NOT_FOUND, &format!("There is no {record} {id}."), None, format)
        }
        Error::Refused { rule, .. } => hinted(StatusCode::BAD_REQUEST, &format!("{rule}."), &error.to_string(), format),
        Error::Invalid { .. } | Error::Xml { .. } | Error::Json { .. } | Error::Form { .. } | Error::Load { .. } => {
            let message = if format == Format::Json { error.in_json() } else { error.to_string() };
            hinted(StatusCode::BAD_REQUEST, &message, &message, format)
        }
        Error::Busy { .. } => {
            let message = "The store is busy: another program is writing to its file; try again in a second.";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, message, None, format);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here; the log tells what.", None, format),
    };
    response.extensions_mut().insert(error);
    response
}

/// 401, with what is wrong.
pub(super) fn unauthorized(message: &str, format: Format) -> Response<Body> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, message, None, format);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Harvest\""));
    response
}

/// 503 for a call that is one too many.
pub(super) fn throttled(seconds: u64, format: Format) -> Response<Body> {
    let message = format!("Too many calls; wait {seconds} seconds without one.");
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &message, None, format);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 404 for a path.
pub(super) fn unknown_path(format: Format) -> Response<Body> {
    refusal(StatusCode::NOT_FOUND, "There is no such path.", None, format)
}

/// 405.
pub(super) fn wrong_method(allowed: &str, format: Format) -> Response<Body> {
    let message = format!("This path takes {allowed}.");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &message, None, format);
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// A refusal whose Hint says what to do.
pub(crate) fn hinted(status: StatusCode, message: &str, hint: &str, format: Format) -> Response<Body> {
    refusal(status, message, Some(hint), format)
}

fn refusal(status: StatusCode, message: &str, hint: Option<&str>, format: Format) -> Response<Body> {
    let document = tree::write(&[Node::Text("message", message.to_owned())], format);
    let mut response = answer(status, Body::from(document));
    response.headers_mut().insert(CONTENT_TYPE, content_type(format));
    if let Some(hint) = hint.and_then(|hint| HeaderValue::try_from(printable(hint)).ok()) {
        response.headers_mut().insert(HINT, hint);
    }
    response
}

/// One line of printable ASCII: everything else is escaped.
fn printable(hint: &str) -> String {
    let mut line = String::with_capacity(hint.len());
    for character in hint.chars() {
        match character {
            ' '..='~' => line.push(character),
            '…' => line.push_str("..."),
            other => line.extend(other.escape_default()),
        }
        if line.len() >= MAX_HINT {
            line.push_str("...");
            break;
        }
    }
    line
}

/// A status, and a body as it is.
pub(crate) fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let length = body.length().map(HeaderValue::from);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let line = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default());
    if let Ok(line) = HeaderValue::try_from(line) {
        response.headers_mut().insert(STATUS, line);
    }
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}
