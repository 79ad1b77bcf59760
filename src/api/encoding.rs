//! Bodies that come compressed.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Response, StatusCode};

use super::body::Body;
use super::respond;
use crate::error::Error;
use crate::format::Format;

/// Why a body cannot be decoded.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The bytes are not in the coding that the request names.
    Unknown(String),
    /// Its coding says one thing, its bytes another.
    Malformed(&'static str),
    /// The decoded body is longer than this many bytes.
    TooLong(usize),
}

impl Refusal {
    pub(super) fn answer(self, format: Format) -> Response<Body> {
        match self {
            Refusal::Unknown(name) => {
                let message = format!("The body's content encoding {} is not known.", crate::value::quoted(&name));
                let hint = format!(
                    "{} is not known as a Content-Encoding; send the body as it is, or with gzip or deflate",
                    crate::value::quoted(&name)
                );
                respond::hinted(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message, &hint, format)
            }
            Refusal::Malformed(name) => {
                let reason = format!("the body is not {name}, as its Content-Encoding says");
                respond::error(Error::Xml { line: 1, reason }, format)
            }
            Refusal::TooLong(limit) => {
                let hint = format!("Send at most {limit} bytes, counted once they are decoded");
                respond::hinted(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", &hint, format)
            }
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

/// The coding of a body; `None` if it is not encoded.
pub(super) fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    let mut found = None;
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for name in value.split(',').map(str::trim) {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if name.is_empty() || is("identity") {
                continue;
            }
            let coding = match () {
                () if is("gzip") || is("x-gzip") => Coding::Gzip,
                () if is("deflate") => Coding::Deflate,
                () => return Err(Refusal::Unknown(name.to_owned())),
            };
            if found.replace(coding).is_some() {
                // Bodies that are encoded twice are not supported.
                return Err(Refusal::Unknown(value.into_owned()));
            }
        }
    }
    Ok(found)
}

/// Whether a body is longer once it is decoded.
#[cfg(feature = "server")]
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_ENCODING) && matches!(coding(headers), Ok(Some(_)))
}

/// The body, decoded by its `Content-Encoding`, to at most `limit` bytes. An empty body counts as encoded in any
/// coding.
pub(super) fn decoded<'a>(headers: &HeaderMap, body: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, Refusal> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(body.into());
    }
    match coding(headers)? {
        Some(coding) if !body.is_empty() => coding.decode(body, limit).map(Cow::Owned),
        _ => Ok(body.into()),
    }
}

impl Coding {
    fn decode(self, body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
        match self {
            Coding::Gzip => whole(MultiGzDecoder::new(body), limit).unwrap_or(Err(Refusal::Malformed("gzip"))),
            // HTTP asks for zlib's format, but some programs send bare deflate data.
            Coding::Deflate => whole(ZlibDecoder::new(body), limit)
                .or_else(|| whole(DeflateDecoder::new(body), limit))
                .unwrap_or(Err(Refusal::Malformed("deflate"))),
        }
    }
}

/// The decoded bytes; `None` if the decoder fails.
fn whole(decoder: impl Read, limit: usize) -> Option<Result<Vec<u8>, Refusal>> {
    let mut decoded = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut decoded).ok()?;
    Some(if decoded.len() > limit { Err(Refusal::TooLong(limit)) } else { Ok(decoded) })
}
