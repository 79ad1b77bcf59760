//! Who may send requests: the hosts and the origins that the server answers to.
//!
//! A web page can make its reader's browser send requests to a server on the same machine. It can even use a host name
//! of its own that points there. So a request must name a host that no such page can have, and must not come from a
//! page of another origin.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::origin::{Decision, Refusal, Rules};
use crate::accounts::AccountName;
use crate::api::{Api, Body, done};
use crate::control::Controller;

/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

const NAMES: &str = "An account's name is 1 to 63 letters, digits and dashes, and neither begins nor ends with a dash";

/// A host or an origin cannot be allowed, since no request could match it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowError {
    /// No request can be for such a host.
    #[error("{given:?} can be no request's host: {reason}")]
    Host {
        /// What was given.
        given: String,
        /// What is wrong, and what to give instead.
        reason: &'static str,
    },
    /// No browser sends such an origin.
    #[error("{given:?} can be no page's origin: {reason}")]
    Origin {
        /// What was given.
        given: String,
        /// What is wrong, and what to give instead.
        reason: &'static str,
    },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// Whether requests come over HTTPS.
    pub(super) is_secure: bool,
    rules: Rules,
}

pub(super) enum Verdict {
    /// The request may go on; its answer gets these headers.
    Pass(Option<Cors>),
    Answer(Box<Response<Body>>),
}

/// The headers that let a page of an allowed origin read an answer.
pub(super) struct Cors {
    origin: HeaderValue,
}

impl Guard {
    pub(super) fn allow_host(&mut self, name: &str) -> Result<(), AllowError> {
        self.rules.allow_host(name).map_err(|reason| AllowError::Host { given: name.to_owned(), reason })
    }

    pub(super) fn allow_origin(&mut self, origin: &str) -> Result<(), AllowError> {
        self.rules.allow_origin(origin).map_err(|reason| AllowError::Origin { given: origin.to_owned(), reason })
    }

    pub(super) fn has_accounts(&mut self) {
        self.rules.has_accounts();
    }

    pub(super) fn account_domain(&mut self, given: &str) -> Result<(), AllowError> {
        self.rules.account_domain(given).map_err(|reason| AllowError::Host { given: given.to_owned(), reason })
    }

    /// The account that a request is for, or the answer to one that is for none.
    pub(super) fn account(&self, request: &Parts, api: &Api) -> Result<AccountName, Box<Response<Body>>> {
        let refused = |Refusal { status, message, hint }| Box::new(api.refused(request, b"", status, message, hint));
        let name = self.rules.account(request).map_err(refused)?;
        // What is no name is that of no account.
        let nobodys = Refusal { status: StatusCode::NOT_FOUND, message: "There is no such account.", hint: NAMES };
        name.parse().map_err(|_| refused(nobodys))
    }

    /// Whether the server answers to this host, which may have a port.
    #[cfg(feature = "tls")]
    pub(super) fn answers_to(&self, host: &str) -> bool {
        self.rules.answers_to(host)
    }

    pub(super) fn judge(&self, request: &Parts, api: &Api) -> Verdict {
        match self.rules.decide(request, self.is_secure, Controller::owns(request.uri.path())) {
            Ok(Decision::Pass) => Verdict::Pass(None),
            Ok(Decision::Page(origin)) => Verdict::Pass(Some(Cors { origin })),
            Ok(Decision::Preflight(origin)) => Verdict::Answer(Box::new(Cors { origin }.preflight(&request.headers))),
            Err(Refusal { status, message, hint }) => {
                Verdict::Answer(Box::new(api.refused(request, b"", status, message, hint)))
            }
        }
    }
}

impl Cors {
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location, Hint, Retry-After, Status"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }

    /// The answer to a preflight, in which a browser asks whether the page may send such a request.
    fn preflight(self, asked: &HeaderMap) -> Response<Body> {
        let mut response = done();
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE"));
        if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| is_list_of_names(names)) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        self.add_to(headers);
        response
    }
}

fn is_list_of_names(value: &HeaderValue) -> bool {
    value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_, ".contains(byte))
}
