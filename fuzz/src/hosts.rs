//! Who may ask: the server's decision on a request's host and page, against a model of the rules.
//!
//! Lines `allow-host HOST`, `allow-origin ORIGIN`, `secure` and `old` (HTTP/1.0), then a line of method and target, and
//! headers a line each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{HOST, HeaderName, HeaderValue, ORIGIN, REFERER};
use http::request::Parts;
use http::{Method, Request, Uri, Version};

#[allow(dead_code)] // the server uses the rest
#[path = "../../src/server/origin.rs"]
mod origin;

use origin::{Decision, Rules};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (mut rules, mut model, mut secure, mut version) = (Rules::default(), Model::default(), false, Version::HTTP_11);
    let mut lines = text.lines();
    let first = loop {
        let Some(line) = lines.next() else { return };
        match line.split_once(' ') {
            Some(("allow-host", host)) if rules.allow_host(host).is_ok() => model.hosts.push(host.to_ascii_lowercase()),
            Some(("allow-origin", origin)) if rules.allow_origin(origin).is_ok() => {
                model.origins.push(as_browsers_write(origin).expect("an origin that is allowed can be sent"));
            }
            Some(("allow-host" | "allow-origin", _)) => {}
            None if line == "secure" => secure = true,
            None if line == "old" => version = Version::HTTP_10,
            _ => break line,
        }
    };
    let Some((method, target)) = first.split_once(' ') else { return };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method.as_bytes()), Uri::try_from(target)) else { return };
    let mut request = Request::new(());
    (*request.method_mut(), *request.uri_mut(), *request.version_mut()) = (method, uri, version);
    for line in lines {
        let Some((name, value)) = line.split_once(": ") else { return };
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else { return };
        request.headers_mut().append(name, value);
    }
    let (request, ()) = request.into_parts();
    let control = request.uri.path().starts_with("/_clientstore/");
    let decided = match rules.decide(&request, secure, control) {
        Ok(Decision::Pass) => "pass",
        Ok(Decision::Page(_)) => "page",
        Ok(Decision::Preflight(_)) => "preflight",
        Err(refusal) => {
            assert!(refusal.message.ends_with('.') && !refusal.hint.is_empty());
            if refusal.status == 400 { "unreadable" } else { "refused" }
        }
    };
    assert_eq!(decided, model.decide(&request, secure, control), "{text}");
}

#[derive(Default)]
struct Model {
    hosts: Vec<String>,
    /// As browsers write them.
    origins: Vec<String>,
}

/// Scheme, host and port, in lower case; the scheme's own port where none is given.
type Origin = (String, String, Option<u16>);

impl Model {
    fn decide(&self, request: &Parts, secure: bool, control: bool) -> &'static str {
        let texts = |name: &HeaderName| -> Vec<Option<String>> {
            let values = request.headers.get_all(name).iter();
            values.map(|value| value.to_str().ok().map(str::to_ascii_lowercase)).collect()
        };
        let scheme = request.uri.scheme_str().unwrap_or(if secure { "https" } else { "http" }).to_ascii_lowercase();
        let hosts = texts(&HOST);
        let named = match (&*hosts, request.version) {
            ([], Version::HTTP_10) => Some("localhost".to_owned()),
            ([Some(host)], _) => Some(host.clone()),
            _ => None,
        };
        let target = request.uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        let header = named.and_then(|named| host_and_port(&named));
        let own = match target {
            Some(target) => header.and_then(|_| host_and_port(&target)),
            None => header,
        };
        let Some((host, port)) = own else { return "unreadable" };
        let plain = host.strip_suffix('.').unwrap_or(&host);
        let is_service = plain == "harvestapp.com" || plain.ends_with(".harvestapp.com");
        if !self.knows(plain) || is_service && control {
            return "refused";
        }
        let own = (scheme.clone(), host.clone(), port.or(own_port(&scheme)));
        let is_own = |origin: &str| !is_service && parts(origin).is_some_and(|origin| origin == own);
        let is_listed = |origin: &str| self.origins.iter().any(|listed| listed == origin);
        let origins = texts(&ORIGIN);
        for referer in texts(&REFERER) {
            let Some(referer) = referer else { return "refused" };
            let page = referer.trim_ascii();
            let (scheme, rest) = page.split_once("://").unwrap_or(("", page));
            let origin = format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default());
            if !page.is_empty() && !is_own(&origin) && !is_listed(&origin) {
                return "refused";
            }
        }
        if let [Some(one)] = &*origins
            && is_listed(one)
        {
            let asks = request.headers.contains_key("access-control-request-method");
            return if asks && request.method == Method::OPTIONS { "preflight" } else { "page" };
        }
        let are_own =
            origins.iter().flatten().count() == origins.len() && origins.iter().flatten().all(|origin| is_own(origin));
        let is_foreign = |site: &Option<String>| match site.as_deref() {
            Some("none") => false,
            Some("cross-site") => true,
            _ => is_service,
        };
        let sites = texts(&HeaderName::from_static("sec-fetch-site"));
        if are_own && !sites.iter().any(is_foreign) { "pass" } else { "refused" }
    }

    fn knows(&self, name: &str) -> bool {
        let address = match name.strip_prefix('[') {
            Some(name) => name.trim_end_matches(']').parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => name.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        };
        if let Some(address) = address {
            return match address.to_canonical() {
                IpAddr::V4(address) => address.octets()[0] != 0,
                IpAddr::V6(address) => !address.is_unspecified(),
            };
        }
        let below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        let is_allowed = |host: &String| match host.trim_end_matches('.').strip_prefix('.') {
            Some(domain) => below(domain),
            None => name == host.trim_end_matches('.'),
        };
        name == "localhost" || below("localhost") || below("harvestapp.com") || self.hosts.iter().any(is_allowed)
    }
}

fn own_port(scheme: &str) -> Option<u16> {
    [("http", 80), ("https", 443)].into_iter().find(|(name, _)| *name == scheme).map(|(_, port)| port)
}

fn parts(origin: &str) -> Option<Origin> {
    let (scheme, rest) = origin.split_once("://")?;
    let (host, port) = host_and_port(rest)?;
    Some((scheme.to_owned(), host, port.or(own_port(scheme))))
}

/// An origin that is allowed: its address is the shortest, and its scheme's own port is left out.
fn as_browsers_write(given: &str) -> Option<String> {
    let given = given.to_ascii_lowercase();
    let (scheme, host, port) = parts(given.strip_suffix('/').unwrap_or(&given))?;
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')?.parse::<Ipv6Addr>().ok());
    let host = address.map_or(host, |address| format!("[{address}]"));
    Some(match port {
        Some(port) if own_port(&scheme) != Some(port) => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// By the last colon, where there is one outside of brackets.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, ""),
    };
    let is_address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name =
        !host.is_empty() && host.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter));
    if !is_name && is_address.is_none_or(|address| address.parse::<Ipv6Addr>().is_err()) {
        return None;
    }
    let port = match port {
        "" => None,
        port if port.chars().all(|digit| digit.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    Some((host.to_owned(), port))
}
