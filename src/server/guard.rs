//! Who may ask: the hosts and the origins that the server answers to.
//!
//! A web page can make its reader's browser send requests to a server on the same machine, also
//! under a name of its own that it lets point there. So a request must name a host that no such page
//! can have, and must not come from a page of another origin.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::api::{Api, Body, done};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How long a browser may remember what a preflight said, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// What is allowed beyond the defaults, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
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
    pub(super) fn allow_host(&mut self, name: &str) {
        let name = split(name).map_or(name, |host| host.name);
        self.hosts.push(name.to_ascii_lowercase());
    }

    pub(super) fn allow_origin(&mut self, origin: &str) {
        self.origins.push(origin.trim_end_matches('/').to_ascii_lowercase());
    }

    pub(super) fn judge(&self, request: &Parts, api: &Api) -> Verdict {
        self.decide(request).unwrap_or_else(|refusal| {
            let Refusal { status, message, hint } = refusal;
            Verdict::Answer(Box::new(api.refused(request, status, message, hint)))
        })
    }

    fn decide(&self, request: &Parts) -> Result<Verdict, Refusal> {
        let own = self.host(request)?;
        let headers = &request.headers;
        let (origin, site) = (headers.get(ORIGIN), headers.get(SEC_FETCH_SITE));
        if origin.is_none() && site.is_none() {
            return Ok(Verdict::Pass(None));
        }
        let scheme = request.uri.scheme_str().unwrap_or("http");
        let is_own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| is_same(origin, scheme, &own));
        let is_allowed = |origin: &HeaderValue| {
            let is_listed = |origin: &str| self.origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin));
            origin.to_str().is_ok_and(is_listed) && headers.get_all(ORIGIN).iter().count() == 1
        };
        if let Some(origin) = origin.filter(|origin| is_allowed(origin)) {
            let cors = Cors { origin: origin.clone() };
            if request.method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
                return Ok(Verdict::Answer(Box::new(cors.preflight(headers))));
            }
            return Ok(Verdict::Pass(Some(cors)));
        }
        let is_foreign = !headers.get_all(ORIGIN).iter().all(is_own);
        if is_foreign || site.is_some_and(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site")) {
            return Err(Refusal {
                status: StatusCode::FORBIDDEN,
                message: "The request comes from a web page of another origin.",
                hint: "Start the server with --allow-origin ORIGIN, if the page may ask",
            });
        }
        Ok(Verdict::Pass(None))
    }

    /// The host that the request is for: the target's, where it has one.
    fn host<'a>(&self, request: &'a Parts) -> Result<Host<'a>, Refusal> {
        let mut named = request.headers.get_all(HOST).iter();
        let (first, second) = (named.next(), named.next());
        let is_old = request.version < http::Version::HTTP_11;
        if second.is_some() || first.is_none() && !is_old {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                message: "The request needs exactly one Host header.",
                hint: "Send one Host header",
            });
        }
        let text = match (request.uri.authority(), first) {
            (Some(authority), _) => authority.as_str().rsplit('@').next(),
            (None, Some(host)) => host.to_str().ok(),
            // Before there were hosts, there were no such pages.
            (None, None) => return Ok(Host { name: "localhost", port: None }),
        };
        let host = text.and_then(split).ok_or(Refusal {
            status: StatusCode::BAD_REQUEST,
            message: "The request's host cannot be read.",
            hint: "Send a host name or address, and perhaps a port, as the Host header",
        })?;
        if self.knows(host.name) {
            return Ok(host);
        }
        Err(Refusal {
            status: StatusCode::FORBIDDEN,
            message: "The server does not answer to this host name.",
            hint: "Use localhost or an IP address, or start the server with --allow-host HOST",
        })
    }

    fn knows(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        is_name(name, "localhost")
            || is_below(name, "localhost")
            || is_below(name, "harvestapp.com")
            || name.parse::<Ipv4Addr>().is_ok()
            || name.starts_with('[')
            || self.hosts.iter().any(|host| is_name(name, host))
    }
}

impl Cors {
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location, Hint, Retry-After, Status"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }

    /// The answer to the question whether the page may send such a request.
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

struct Refusal {
    status: StatusCode,
    message: &'static str,
    hint: &'static str,
}

/// A host of a request; an IPv6 address keeps its brackets.
#[derive(Debug, PartialEq, Eq)]
struct Host<'a> {
    name: &'a str,
    port: Option<u16>,
}

/// Splits `name`, `name:port` or `[address]:port`.
fn split(host: &str) -> Option<Host<'_>> {
    let end = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, _) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            address.len() + 2
        }
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !name.starts_with('[') && (name.is_empty() || !name.bytes().all(is_name_byte)) {
        return None;
    }
    let port = match port.strip_prefix(':') {
        Some("") | None => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    Some(Host { name, port })
}

/// Whether an origin is `scheme://host:port` of the request's own host.
fn is_same(origin: &str, scheme: &str, own: &Host<'_>) -> bool {
    let Some((its_scheme, rest)) = origin.split_once("://") else { return false };
    let Some(host) = split(rest) else { return false };
    let default = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    its_scheme.eq_ignore_ascii_case(scheme)
        && is_name(host.name, own.name)
        && host.port.unwrap_or(default) == own.port.unwrap_or(default)
}

fn is_name(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

/// Whether the name is a part of the domain, and not the domain itself.
fn is_below(name: &str, domain: &str) -> bool {
    let dot = name.len().checked_sub(domain.len() + 1).filter(|labels| *labels > 0);
    dot.and_then(|dot| name.split_at_checked(dot))
        .is_some_and(|(_, end)| end.strip_prefix('.').is_some_and(|end| is_name(end, domain)))
}

fn is_list_of_names(value: &HeaderValue) -> bool {
    value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_, ".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_no_page_can_have_are_known() {
        let mut guard = Guard::default();
        guard.allow_host("Harvest.Example:8080");
        for host in [
            "localhost",
            "LocalHost:7557",
            "a.localhost",
            "localhost.",
            "127.0.0.1",
            "10.1.2.3:80",
            "[::1]:7557",
            "[2001:db8::1]",
            "demo.harvestapp.com",
            "a.b.HarvestApp.com:80",
            "harvest.example",
            "harvest.example:1",
        ] {
            assert!(split(host).is_some_and(|host| guard.knows(host.name)), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "xlocalhost",
            ".localhost",
            "harvestapp.com",
            "xharvestapp.com",
            "demo.harvestapp.com.example.com",
            "127.0.0.1.example.com",
            "2130706433",
            "127.1",
            "x.harvest.example",
        ] {
            assert!(!split(host).is_some_and(|host| guard.knows(host.name)), "{host}");
        }
        for host in ["", ":80", "a b", "a/b", "user@localhost", "[::1", "[localhost]", "localhost:x", "localhost:99999"]
        {
            assert_eq!(split(host), None, "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_own_one_by_scheme_host_and_port() {
        let own = |port| Host { name: "localhost", port };
        assert!(is_same("http://LOCALHOST:7557", "http", &own(Some(7557))));
        assert!(is_same("http://localhost", "http", &own(Some(80))));
        assert!(is_same("http://localhost:80", "http", &own(None)));
        for origin in ["https://localhost:7557", "http://localhost", "http://127.0.0.1:7557", "null", "", "http://"] {
            assert!(!is_same(origin, "http", &own(Some(7557))), "{origin}");
        }
    }
}
