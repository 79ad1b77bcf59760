//! The answers of `docs/spec/wire.md`: the one place where an error becomes a status and a Hint.

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};

use super::body::Body;
use crate::error::Error;
use crate::format::{Format, Node, tree};

const HINT: HeaderName = HeaderName::from_static("hint");
const STATUS: HeaderName = HeaderName::from_static("status");

/// The answer leaves the reason out, since it may name paths of this machine. The log has it.
const INTERNAL: &str = "Something went wrong here; it is no fault of the request.";

/// Longer hints are cut; some programs read header lines into small buffers.
const MAX_HINT: usize = 500;

/// Why a request was refused, for the log; it is among the extensions of an answer that has no [`Error`] there.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only the server has a log"))]
pub(crate) struct Reason(pub(crate) String);

/// The reason of an answer for the log, on one line of printable ASCII.
#[cfg(feature = "server")]
pub(crate) fn reason(response: &Response<Body>) -> Option<String> {
    let extensions = response.extensions();
    let error = extensions.get::<Error>().map(|error| printable(&error.to_string()));
    error.or_else(|| extensions.get::<Reason>().map(|Reason(reason)| printable(reason)))
}

/// 200 with a document.
pub(super) fn document(document: impl Into<Body>, format: Format) -> Response<Body> {
    with_document(StatusCode::OK, document, format)
}

fn with_document(status: StatusCode, document: impl Into<Body>, format: Format) -> Response<Body> {
    let mut response = answer(status, document.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type(format));
    response
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Xml(_) => "application/xml; charset=utf-8",
        Format::Json => "application/json; charset=utf-8",
    })
}

/// The answer for the request's method: for HEAD, without the body.
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

/// 200 for a delete that has archived the record instead; the Hint says so.
pub(super) fn archived(hint: &str) -> Response<Body> {
    let mut response = done();
    if let Ok(hint) = HeaderValue::try_from(printable(hint)) {
        response.headers_mut().insert(HINT, hint);
    }
    response
}

/// The document that a change returns, with the record's path if there is one.
pub(super) fn told(status: StatusCode, told: Vec<u8>, path: Option<&str>, format: Format) -> Response<Body> {
    let mut response = with_document(status, told, format);
    if let Some(location) = path.and_then(|path| HeaderValue::try_from(path).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn located(status: StatusCode, path: &str) -> Response<Body> {
    let mut response = answer(status, Body::from(Vec::new()));
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The answer to an error. The error itself is among its extensions, for logs and tests.
pub(super) fn error(error: Error, format: Format) -> Response<Body> {
    let mut response = match &error {
        Error::NotFound { record, id } => {
            refusal(StatusCode::NOT_FOUND, &format!("There is no {record} {id}."), None, format)
        }
        Error::NoPerson { .. } => {
            refusal(StatusCode::NOT_FOUND, "There is no person with that e-mail address.", None, format)
        }
        Error::Refused { rule, .. } => hinted(StatusCode::BAD_REQUEST, &format!("{rule}."), &error.to_string(), format),
        Error::Invalid { .. } | Error::Xml { .. } | Error::Json { .. } | Error::Form { .. } | Error::Load { .. } => {
            let message = if format == Format::Json { error.in_json() } else { error.to_string() };
            hinted(StatusCode::BAD_REQUEST, &message, &message, format)
        }
        Error::Busy { .. } => {
            let message = "The store is busy: somebody else is writing to it; try again in a second.";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, message, None, format);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Error::NoAccount { .. } => hinted(
            StatusCode::NOT_FOUND,
            "There is no such account.",
            "An account's name stands first in the host, like demo.localhost or demo.harvestapp.com",
            format,
        ),
        Error::TooManyAccounts { .. } => unavailable("There are too many accounts.", &error, format),
        Error::ReadOnly { .. } => unavailable("The store can only be read.", &error, format),
        Error::IdsExhausted { .. } => unavailable("There is no id left for a new record.", &error, format),
        Error::Moved { .. } => unavailable("The store's file was moved, replaced or deleted.", &error, format),
        _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, None, format),
    };
    response.extensions_mut().insert(error);
    response
}

/// 503 for a state that only the operator can end.
fn unavailable(message: &str, error: &Error, format: Format) -> Response<Body> {
    hinted(StatusCode::SERVICE_UNAVAILABLE, message, &error.to_string(), format)
}

/// 401, with what is wrong.
pub(super) fn unauthorized(message: &str, format: Format) -> Response<Body> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, message, None, format);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Harvest\""));
    response
}

/// 503 for a call above the limit on calls.
pub(super) fn throttled(seconds: u64, format: Format) -> Response<Body> {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let message = format!("Too many calls; wait {seconds} {unit} without one.");
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &message, None, format);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 404 for an unknown path. For the root and the control paths it says what to try instead.
pub(super) fn unknown_path(path: &str, format: Format) -> Response<Body> {
    let message = match path.trim_end_matches('/') {
        "" => {
            "This is clientstore, which answers as the classic Harvest API. Look at /clients, /projects, /invoices or \
             /account/who_am_i; serve --control adds a page at /_clientstore/."
        }
        path if path == "/_clientstore" || path.starts_with("/_clientstore/") => {
            "This server has no control paths. Start it with --control to have them, and a page."
        }
        _ => "There is no such path.",
    };
    refusal(StatusCode::NOT_FOUND, message, None, format)
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
    let document = tree::write("hash", &[Node::Text("message", message.to_owned())], format);
    let mut response = with_document(status, document, format);
    response.extensions_mut().insert(Reason(message.to_owned()));
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
