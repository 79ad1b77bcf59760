//! The answers: JSON, and errors that say what, where and what to do.

use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::api::{Body, Reason, answer};
use crate::error::Error;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The longest text of a failure, in bytes; the names of a hundred snapshots fit.
const MAX_TEXT: usize = 12_000;

pub(super) type Outcome = Result<Response<Body>, Failure>;

/// Why a call was refused; nothing has changed.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: Box<Message>,
    header: Option<(HeaderName, &'static str)>,
}

#[derive(Debug, Serialize)]
struct Message {
    message: String,
    /// Where in the body the mistake is, as a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    hint: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let message = Box::new(Message { message: short(message.into()), at: None, hint: short(hint.into()) });
        Failure { status, message, header: None }
    }

    /// 400.
    pub(super) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::new(StatusCode::BAD_REQUEST, message, hint)
    }

    /// 404 for a record that is not there.
    pub(super) fn missing(error: &Error) -> Self {
        Failure::new(StatusCode::NOT_FOUND, error.to_string(), "The list of these records shows which ids there are")
    }

    pub(super) fn at(mut self, path: impl Into<String>) -> Self {
        self.message.at = Some(short(path.into()));
        self
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response =
            answered(self.status, &self.message).unwrap_or_else(|_| answer(self.status, Body::from(Vec::new())));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let Message { message, at, .. } = *self.message;
        let reason = at.map(|at| format!("at {at}: {message}")).unwrap_or(message);
        response.extensions_mut().insert(Reason(reason));
        response
    }
}

/// Shortens a message, since it may quote a long part of a request.
fn short(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// 200 with a value.
pub(super) fn json(value: &impl Serialize) -> Outcome {
    answered(StatusCode::OK, value)
}

/// A status with a value, indented for those who read it in a terminal.
pub(super) fn answered(status: StatusCode, value: &impl Serialize) -> Outcome {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| failed(&error))?;
    bytes.push(b'\n');
    let mut response = answer(status, Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// 401, for a server that has a control token, or credentials of the API, or both.
pub(super) fn unauthorized(has_token: bool, has_credentials: bool) -> Failure {
    let token = "Send the --control-token as Authorization: Bearer TOKEN, or as the password of HTTP Basic";
    let credentials = "the API's user and password by HTTP Basic";
    let (message, hint) = match (has_token, has_credentials) {
        (true, false) => ("The control token is missing or wrong", token.to_owned()),
        (true, true) => {
            ("Neither the control token nor the API's credentials were sent", format!("{token}; or {credentials}"))
        }
        (false, _) => ("The API's credentials are missing or wrong", format!("Send {credentials}")),
    };
    Failure::new(StatusCode::UNAUTHORIZED, message, hint).with(WWW_AUTHENTICATE, "Basic realm=\"clientstore control\"")
}

pub(super) fn unknown_path() -> Failure {
    let hint =
        "There are health, state, records, reset, snapshots, seed, journal, journal/verify, faults, clock and throttle";
    Failure::new(StatusCode::NOT_FOUND, "There is no such control path", hint)
}

pub(super) fn wrong_method(allowed: &'static str) -> Failure {
    let (message, hint) = (format!("This path takes {allowed}"), "Use one of these methods");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, message, hint).with(ALLOW, allowed)
}

/// A document that the store refuses, or a failure of the store.
pub(super) fn not_loaded(error: &Error) -> Failure {
    let hint = "Correct the document; nothing of it was loaded";
    match error {
        Error::Load { line, source, .. } => {
            let line = match &**source {
                Error::Xml { line, .. } | Error::Json { line, .. } => Some(*line),
                Error::Invalid { line, .. } => *line,
                _ => *line,
            };
            let failure = Failure::invalid(source.to_string(), hint);
            match line {
                Some(line) => failure.at(format!("line {line}")),
                None => failure,
            }
        }
        other => failed(other),
    }
}

/// 500: a fault of the program or the machine.
pub(super) fn failed(error: &dyn std::error::Error) -> Failure {
    tracing::error!("a control call failed: {error}");
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here", "The server's log tells what")
}
