//! The page that shows the control paths' answers in a browser. It calls only them.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};

use crate::api::{Body, answer};

/// The page may use scripts, styles and calls of this server only, no inline code, and may not be framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page by their names; the page itself has the empty name.
const PARTS: [(&str, &str, &str); 8] = [
    ("", HTML, include_str!("page/page.html")),
    ("page/page.css", CSS, include_str!("page/page.css")),
    ("page/page.js", SCRIPT, include_str!("page/page.js")),
    ("page/common.js", SCRIPT, include_str!("page/common.js")),
    ("page/journal.js", SCRIPT, include_str!("page/journal.js")),
    ("page/records.js", SCRIPT, include_str!("page/records.js")),
    ("page/settings.js", SCRIPT, include_str!("page/settings.js")),
    ("page/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

pub(super) fn owns(name: &str) -> bool {
    PARTS.iter().any(|(part, ..)| *part == name)
}

/// The file of the page with the name, one of those that [`owns`] knows.
pub(super) fn part(name: &str) -> Response<Body> {
    let found = PARTS.iter().find(|(part, ..)| *part == name);
    let (_, content_type, content) = found.copied().unwrap_or_default();
    let mut response = answer(StatusCode::OK, Body::from(Bytes::from_static(content.as_bytes())));
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // Not cached, since the program may be replaced by a newer one.
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
