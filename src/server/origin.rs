//! The rules for who may send requests: which hosts a request may be for, and which pages it may come from.
//!
//! This file depends only on the crate `http`, so that tests can compare the rules with a model of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, HeaderValue, ORIGIN, REFERER};
use http::request::Parts;
use http::{Method, StatusCode};

/// Names the account, where its host does not.
const ACCOUNT: HeaderName = HeaderName::from_static("x-clientstore-account");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The domain of the service itself. Old programs carry its names; a web page could have one of them too.
const SERVICE: &str = "harvestapp.com";

/// What is allowed in addition to the defaults, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// Names; one that begins with a dot stands for all names below it.
    hosts: Vec<String>,
    /// Origins as browsers write them.
    origins: Vec<String>,
    /// The domains below which each name is that of an account.
    account_domains: Vec<String>,
}

/// How a request that may go on is handled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The request may go on.
    Pass,
    /// The request may go on, and the page of this allowed origin may read the answer.
    Page(HeaderValue),
    /// It is a preflight: the browser asks whether a page of this allowed origin may send a request.
    Preflight(HeaderValue),
}

/// Why a request may not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

const HOSTS: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    message: "The request needs exactly one Host header.",
    hint: "Send one Host header",
};
const UNREADABLE: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    message: "The request's host cannot be read.",
    hint: "Send a host name or address, and perhaps a port, as the Host header",
};
const UNKNOWN: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    message: "The server does not answer to this host name.",
    hint: "Use localhost or an IP address, or start the server with --allow-host HOST",
};
const UNSPECIFIED: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    message: "The server does not answer to the address that stands for all addresses.",
    hint: "Use localhost or 127.0.0.1",
};
const CONTROL: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    message: "The control paths do not answer to names below harvestapp.com.",
    hint: "Use localhost or an IP address for the control paths",
};
const FOREIGN: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    message: "The request comes from a web page of another origin.",
    hint: "Start the server with --allow-origin ORIGIN, if the page may ask",
};
const SERVICE_PAGE: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    message: "The server answers to names below harvestapp.com for programs, and not for web pages.",
    hint: "Use localhost or an IP address in a browser, or start the server with --allow-origin ORIGIN",
};

const NO_ACCOUNT: Refusal = Refusal {
    status: StatusCode::NOT_FOUND,
    message: "The request is for no account.",
    hint: "Use a host like demo.localhost or demo.harvestapp.com, or name the account in a header X-Clientstore-Account",
};
const ACCOUNTS: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    message: "The request names more than one account.",
    hint: "Name the account by the host or by one header X-Clientstore-Account",
};

impl Rules {
    /// Takes what stands before `localhost` and the service's domain for the name of an account.
    pub(super) fn has_accounts(&mut self) {
        self.account_domains.extend(["localhost", SERVICE].map(str::to_owned));
    }

    /// The same for a further domain, and answers to the names below it.
    ///
    /// # Errors
    ///
    /// Why no request could match.
    pub(super) fn account_domain(&mut self, given: &str) -> Result<(), &'static str> {
        let domain = given.strip_suffix('.').unwrap_or(given).to_ascii_lowercase();
        if domain.starts_with('.') {
            return Err("give the domain alone, like harvest.test");
        }
        self.allow_host(&format!(".{given}"))?;
        self.account_domains.push(domain);
        Ok(())
    }

    /// The account that a request is for, as it is named: by the first label of its host, or else by a header.
    ///
    /// # Errors
    ///
    /// Why it is for none.
    pub(super) fn account<'a>(&self, request: &'a Parts) -> Result<&'a str, Refusal> {
        let host = self.host(request)?;
        let name = host.name.strip_suffix('.').unwrap_or(host.name);
        let is_listed = |domain: &str| self.account_domains.iter().any(|listed| is_name(listed, domain));
        let by_host = name.split_once('.').filter(|(_, domain)| is_listed(domain)).map(|(label, _)| label);
        let mut headers = request.headers.get_all(ACCOUNT).iter();
        let by_header = match headers.next() {
            Some(value) => Some(value.to_str().map_err(|_| ACCOUNTS)?),
            None => None,
        };
        if headers.next().is_some() || by_host.zip(by_header).is_some_and(|(host, header)| !is_name(host, header)) {
            return Err(ACCOUNTS);
        }
        by_host.or(by_header).ok_or(NO_ACCOUNT)
    }

    /// Answers to this name as well; if it begins with a dot, to all names below it.
    ///
    /// # Errors
    ///
    /// Why no request could match.
    pub(super) fn allow_host(&mut self, given: &str) -> Result<(), &'static str> {
        const NAME: &str = "give a host name, like harvest.test, or .harvest.test for all names below it";
        if given.contains("://") {
            return Err("give the name alone, like harvest.test, without a scheme");
        }
        if given.starts_with("*.") {
            return Err("write .harvest.test for all names below harvest.test");
        }
        let below = given.strip_prefix('.');
        let name = below.unwrap_or(given);
        let name = name.strip_suffix('.').unwrap_or(name);
        let host = split(name).ok_or(NAME)?;
        if host.name != name {
            return Err("give the name without a port; the server answers to it with every port");
        }
        if is_unspecified(name) {
            return Err("the server never answers to this address; use localhost or 127.0.0.1");
        }
        let is_address = name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok();
        if is_address && below.is_some() || !is_address && !is_domain(name) {
            return Err(NAME);
        }
        let dot = if below.is_some() { "." } else { "" };
        self.hosts.push(format!("{dot}{}", name.to_ascii_lowercase()));
        Ok(())
    }

    /// Lets pages of this origin send requests.
    ///
    /// # Errors
    ///
    /// Why no page could match.
    pub(super) fn allow_origin(&mut self, given: &str) -> Result<(), &'static str> {
        let Some((scheme, rest)) = given.split_once("://") else {
            return Err("give a scheme, a host and perhaps a port, like http://localhost:3000");
        };
        let scheme = scheme.to_ascii_lowercase();
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(is_letter) {
            return Err("give a scheme, a host and perhaps a port, like http://localhost:3000");
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err("leave out the path: an origin is a scheme, a host and perhaps a port");
        }
        if rest.contains('*') {
            return Err("name each origin; there are no wildcards, not even for ports");
        }
        if !rest.is_ascii() {
            return Err("write the host as browsers send it, in ASCII: xn--…");
        }
        let host = split(rest).filter(|host| host.port != Some(0));
        let name = host.as_ref().and_then(|host| as_browsers_write(host.name));
        let (Some(host), Some(name)) = (host, name) else {
            return Err("give a host and perhaps a port after the scheme, like http://localhost:3000");
        };
        let port = host.port.filter(|port| default_port(&scheme) != Some(*port));
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        self.origins.push(format!("{scheme}://{name}{port}"));
        Ok(())
    }

    /// Decides on a request; `secure` says that it came over HTTPS, `control` that its path is a control path.
    ///
    /// # Errors
    ///
    /// Why it may not go on.
    pub(super) fn decide(&self, request: &Parts, secure: bool, control: bool) -> Result<Decision, Refusal> {
        let own = self.host(request)?;
        let is_service = is_service(own.name);
        if is_service && control {
            return Err(CONTROL);
        }
        let headers = &request.headers;
        let (origin, site) = (headers.get(ORIGIN), headers.get(SEC_FETCH_SITE));
        if origin.is_none() && site.is_none() && !headers.contains_key(REFERER) {
            return Ok(Decision::Pass);
        }
        let scheme = request.uri.scheme_str().unwrap_or(if secure { "https" } else { "http" });
        // A page with a name below the service's domain can be anybody's, even if it names the request's own host.
        let is_own = |origin: &str| !is_service && is_same(origin, scheme, &own);
        let foreign = if is_service { SERVICE_PAGE } else { FOREIGN };
        let is_welcome = |value: &HeaderValue| {
            value.to_str().is_ok_and(|page| {
                let origin = origin_of(page);
                page.trim_ascii().is_empty() || self.lists(origin) || is_own(origin)
            })
        };
        if !headers.get_all(REFERER).iter().all(is_welcome) {
            return Err(foreign);
        }
        if let Some(origin) = origin
            && origin.to_str().is_ok_and(|origin| self.lists(origin))
            && headers.get_all(ORIGIN).iter().count() == 1
        {
            let asks = request.method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
            return Ok(if asks { Decision::Preflight(origin.clone()) } else { Decision::Page(origin.clone()) });
        }
        let is_foreign_site = |site: &HeaderValue| {
            let is = |word: &str| site.as_bytes().eq_ignore_ascii_case(word.as_bytes());
            if is_service { !is("none") } else { is("cross-site") }
        };
        let are_own = headers.get_all(ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own));
        if !are_own || headers.get_all(SEC_FETCH_SITE).iter().any(is_foreign_site) {
            return Err(foreign);
        }
        Ok(Decision::Pass)
    }

    /// Whether the server answers to a host, which may have a port.
    #[cfg(feature = "tls")]
    pub(super) fn answers_to(&self, host: &str) -> bool {
        split(host).is_some_and(|host| !is_unspecified(host.name) && self.knows(host.name))
    }

    /// The host that the request is for: that of the target, if it has one, or else that of the header.
    fn host<'a>(&self, request: &'a Parts) -> Result<Host<'a>, Refusal> {
        let mut named = request.headers.get_all(HOST).iter();
        let (first, second) = (named.next(), named.next());
        if second.is_some() || first.is_none() && request.version >= http::Version::HTTP_11 {
            return Err(HOSTS);
        }
        // The header must be readable even if the target has a host, which then counts.
        let header = match first {
            Some(host) => Some(host.to_str().ok().and_then(split).ok_or(UNREADABLE)?),
            None => None,
        };
        let host = match (request.uri.authority(), header) {
            (Some(authority), _) => split(authority.as_str()).ok_or(UNREADABLE)?,
            (None, Some(host)) => host,
            // HTTP/1.0 without a host: no web page sends that.
            (None, None) => return Ok(Host { name: "localhost", port: None }),
        };
        if is_unspecified(host.name) {
            return Err(UNSPECIFIED);
        }
        if self.knows(host.name) { Ok(host) } else { Err(UNKNOWN) }
    }

    fn knows(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        is_name(name, "localhost")
            || is_below(name, "localhost")
            || is_below(name, SERVICE)
            || name.parse::<Ipv4Addr>().is_ok()
            || name.starts_with('[')
            || self.hosts.iter().any(|host| match host.strip_prefix('.') {
                Some(domain) => is_below(name, domain),
                None => is_name(name, host),
            })
    }

    fn lists(&self, origin: &str) -> bool {
        self.origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
    }
}

/// A host of a request; an IPv6 address keeps its brackets.
#[derive(Debug, PartialEq, Eq)]
struct Host<'a> {
    name: &'a str,
    port: Option<u16>,
}

/// Splits `name`, `name:port` or `[address]:port`, and nothing else.
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
        None if port.is_empty() => None,
        // A port may be empty (RFC 3986).
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    Some(Host { name, port })
}

/// The origin of the page that a Referer names: what stands before its path.
fn origin_of(page: &str) -> &str {
    let page = page.trim_ascii();
    let begin = page.find("://").map_or(0, |at| at + 3);
    let end = page[begin..].find(['/', '?', '#']).map_or(page.len(), |at| begin + at);
    &page[..end]
}

/// Whether an origin is `scheme://host:port` of the request's own host.
fn is_same(origin: &str, scheme: &str, own: &Host<'_>) -> bool {
    let Some((its_scheme, rest)) = origin.split_once("://") else { return false };
    let Some(host) = split(rest) else { return false };
    let default = default_port(scheme);
    its_scheme.eq_ignore_ascii_case(scheme)
        && is_name(host.name, own.name)
        && host.port.or(default) == own.port.or(default)
}

/// The port that browsers leave out.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Some(80),
        _ if scheme.eq_ignore_ascii_case("https") => Some(443),
        _ => None,
    }
}

/// The host of an origin as browsers write it; `None` if they never would.
fn as_browsers_write(name: &str) -> Option<String> {
    if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let domain = name.strip_suffix('.').unwrap_or(name);
    // A name that ends in a number is an address to a browser.
    let is_number = domain.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_domain(domain) || is_number && domain.parse::<Ipv4Addr>().is_err() {
        return None;
    }
    Some(name.to_ascii_lowercase())
}

/// Whether a name is one that a system can look up.
fn is_domain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Whether an address stands for all addresses (`0.0.0.0`, `::`), or is in the network `0.0.0.0/8`.
fn is_unspecified(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_this_network = |address: Ipv4Addr| address.octets()[0] == 0;
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_unspecified() || address.to_ipv4_mapped().is_some_and(is_this_network)),
        None => name.parse().is_ok_and(is_this_network),
    }
}

fn is_service(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    is_name(name, SERVICE) || is_below(name, SERVICE)
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

#[cfg(test)]
#[path = "origin/tests.rs"]
mod tests;
