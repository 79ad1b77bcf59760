//! Requests to the API, one after the other: an answer that keeps to the table of answers, never 500.
//!
//! Requests stand apart by a line `---`. Each is a line of method and target, headers a line each,
//! an empty line, and the body, which may hold any bytes.

use std::cell::RefCell;

use clientstore::{Api, ClientStore, Dialect, json, xml};
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::api::Service;
use crate::common::{Clock, builder};
use crate::transfers::fill;

pub fn run(data: &[u8]) {
    thread_local! {
        static STORE: RefCell<Option<(ClientStore, Clock)>> = const { RefCell::new(None) };
    }
    STORE.with_borrow_mut(|filled| {
        let (store, clock) = filled.take().unwrap_or_else(|| {
            let clock = Clock::default();
            let store = builder(&clock).open_in_memory().unwrap();
            fill(&store);
            (store, clock)
        });
        let mut written = false;
        for (number, request) in split(data, b"\n---\n").into_iter().take(8).enumerate() {
            let Some(request) = parsed(request) else { continue };
            let dialect = if number % 2 == 0 { Dialect::Documented } else { Dialect::Live };
            let api = Api::new(store.clone()).dialect(dialect);
            let asks = request.headers().contains_key("authorization");
            let api = if asks { api.auth("user", "pass:word") } else { api };
            let shown = format!("{} {}", request.method(), request.uri());
            let (head, get) = (request.method() == Method::HEAD, request.method() == Method::GET);
            let answer = Service { api, clock: clock.clone() }.send(request);
            assert!(answer.status != 500 && answer.status != 503, "{shown}\n{}", answer.whole());
            assert!(asks || answer.status != 401, "{shown}");
            if answer.status >= 400 && !head {
                let read = if answer.body.starts_with('{') { json::read_error } else { xml::read_error };
                read(answer.body.as_bytes()).unwrap();
            }
            written |= answer.status < 400 && !head && !get;
        }
        if !written {
            *filled = Some((store, clock));
        }
    });
}

fn parsed(request: &[u8]) -> Option<Request<Vec<u8>>> {
    let (head, body) = cut(request, b"\n\n").unwrap_or((request, &[]));
    let mut lines = split(head, b"\n").into_iter();
    let (method, target) = cut(lines.next()?, b" ")?;
    let mut request = Request::new(body.to_vec());
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for line in lines {
        let (name, value) = cut(line, b": ")?;
        request.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}

fn split<'a>(mut bytes: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some((part, rest)) = cut(bytes, at) {
        parts.push(part);
        bytes = rest;
    }
    parts.push(bytes);
    parts
}
