//! Files that are kept with records, as they are sent: a browser shows some, and runs none as a page
//! (`docs/spec/time.md`, "Receipts").

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::Body;
use super::respond;
use crate::store::{FileBytes, Kept};

/// Media types that a browser shows without running scripts: pictures, documents with a viewer of their own, plain
/// text.
const SHOWN: [&str; 17] = [
    "application/pdf",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/jpg",
    "image/pjpeg",
    "image/png",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
    "image/x-png",
    "text/csv",
    "text/plain",
];
/// Anything else.
const OTHER: &str = "application/octet-stream";

/// The characters of a name that need no encoding.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// 200 with the file's bytes.
pub(super) fn answer((kept, bytes): (Kept, FileBytes)) -> Response<Body> {
    let body = match bytes {
        FileBytes::Whole(bytes) => Body::from(bytes),
        FileBytes::Pieces(pieces) => Body::sized(pieces, kept.length),
    };
    let mut response = respond::answer(StatusCode::OK, body);
    let shown = SHOWN.iter().find(|kind| **kind == kept.content_type);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(shown.unwrap_or(&OTHER)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(disposition) = HeaderValue::try_from(disposition(&kept.name, shown.is_some())) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// The `Content-Disposition`: whether a browser shows or saves the file, and under which name.
fn disposition(name: &str, is_shown: bool) -> String {
    let kind = if is_shown { "inline" } else { "attachment" };
    let is_plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%');
    let plain: String = name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();
    match plain == name {
        true => format!("{kind}; filename=\"{name}\""),
        false => format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_header() {
        assert_eq!(disposition("a b.png", true), "inline; filename=\"a b.png\"");
        let odd = "a\"\r\nX: 1; \u{20ac}.svg";
        let header = "attachment; filename=\"a___X: 1; _.svg\"; filename*=UTF-8''a%22%0D%0AX%3A%201%3B%20%E2%82%AC.svg";
        assert_eq!(disposition(odd, false), header);
    }
}
