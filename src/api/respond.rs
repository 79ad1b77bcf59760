//! The answers of `wire.md`: the one place where an error becomes a status and a Hint.

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};

use super::body::Body;
use crate::error::Error;
use crate::xml::{Dialect, write_error};

const HINT: HeaderName = HeaderName::from_static("hint");
const STATUS: HeaderName = HeaderName::from_static("status");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");

/// The reason may name paths of this machine, so that only the program's operator is told.
const INTERNAL: &str = "Something went wrong here; it is no fault of the request.";

/// Longer hints are cut; some programs read header lines into small buffers.
const MAX_HINT: usize = 500;

/// Why a request was refused, for the log; it is among the extensions of an answer that has no [`Error`] there.
#[derive(Clone, Debug)]
pub(crate) struct Reason(pub(crate) String);

/// What the log says of an answer's reason, on one line of printable ASCII.
pub(crate) fn reason(response: &Response<Body>) -> Option<String> {
    let extensions = response.extensions();
    let error = extensions.get::<Error>().map(|error| printable(&error.to_string()));
    error.or_else(|| extensions.get::<Reason>().map(|Reason(reason)| printable(reason)))
}

/// 200 with a document.
pub(super) fn document(document: impl Into<Body>) -> Response<Body> {
    let mut response = answer(StatusCode::OK, document.into());
    response.headers_mut().insert(CONTENT_TYPE, XML);
    response
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
pub(super) fn error(error: Error, dialect: Dialect) -> Response<Body> {
    let mut response = match &error {
        Error::NotFound { record, id } => {
            refusal(StatusCode::NOT_FOUND, &format!("There is no {record} {id}."), None, dialect)
        }
        Error::Refused { rule, .. } => {
            hinted(StatusCode::BAD_REQUEST, &format!("{rule}."), &error.to_string(), dialect)
        }
        Error::Invalid { .. } | Error::Xml { .. } | Error::Load { .. } => {
            let message = error.to_string();
            hinted(StatusCode::BAD_REQUEST, &message, &message, dialect)
        }
        Error::Busy { .. } => {
            let message = "The store is busy: somebody else is writing to it; try again in a second.";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, message, None, dialect);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Error::ReadOnly { .. } => unavailable("The store can only be read.", &error, dialect),
        Error::IdsExhausted { .. } => unavailable("There is no id left for a new record.", &error, dialect),
        Error::Moved { .. } => unavailable("The store's file was moved, replaced or deleted.", &error, dialect),
        _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, None, dialect),
    };
    response.extensions_mut().insert(error);
    response
}

/// 503 for what will not go away by itself.
fn unavailable(message: &str, error: &Error, dialect: Dialect) -> Response<Body> {
    hinted(StatusCode::SERVICE_UNAVAILABLE, message, &error.to_string(), dialect)
}

/// 401, with what is wrong.
pub(super) fn unauthorized(message: &str, dialect: Dialect) -> Response<Body> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, message, None, dialect);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Harvest\""));
    response
}

/// 503 for a call that is one too many.
pub(super) fn throttled(seconds: u64, dialect: Dialect) -> Response<Body> {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let message = format!("Too many calls; wait {seconds} {unit} without one.");
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &message, None, dialect);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 404 for a path; who looks around is told where to look.
pub(super) fn unknown_path(path: &str, dialect: Dialect) -> Response<Body> {
    match path.trim_end_matches('/') {
        "" => {
            let message = "This is clientstore, which answers as the classic Harvest API.";
            let hint = "Look at /clients, /projects, /invoices or /account/who_am_i; serve --control adds a page at \
                        /_clientstore/";
            hinted(StatusCode::NOT_FOUND, message, hint, dialect)
        }
        path if path == "/_clientstore" || path.starts_with("/_clientstore/") => {
            let hint = "Start the server with --control to have the page and the control paths";
            hinted(StatusCode::NOT_FOUND, "This server has no control paths.", hint, dialect)
        }
        _ => refusal(StatusCode::NOT_FOUND, "There is no such path.", None, dialect),
    }
}

/// 405.
pub(super) fn wrong_method(allowed: &'static str, dialect: Dialect) -> Response<Body> {
    let message = format!("This path takes {allowed}.");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &message, None, dialect);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A refusal whose Hint says what to do.
pub(crate) fn hinted(status: StatusCode, message: &str, hint: &str, dialect: Dialect) -> Response<Body> {
    refusal(status, message, Some(hint), dialect)
}

fn refusal(status: StatusCode, message: &str, hint: Option<&str>, dialect: Dialect) -> Response<Body> {
    let mut response = answer(status, Body::from(write_error(message, dialect)));
    response.headers_mut().insert(CONTENT_TYPE, XML);
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
