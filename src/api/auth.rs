//! HTTP Basic authentication, as old programs send it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Programs differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A user and a password.
#[derive(Clone)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    pub(super) fn new(user: String, password: String) -> Self {
        Credentials { user, password }
    }

    /// Whether a request carries them: `Basic BASE64` or `Basic (BASE64)`, split at the first colon.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).and_then(|value| decode(value.as_bytes()));
        let Some(sent) = sent else { return false };
        let Some(colon) = sent.iter().position(|byte| *byte == b':') else { return false };
        let (user, password) = (&sent[..colon], &sent[colon + 1..]);
        // Both are compared whole, whatever the first one gave.
        same(self.user.as_bytes(), user) & same(self.password.as_bytes(), password)
    }
}

/// The password that a request carries by HTTP Basic.
#[cfg(feature = "server")]
pub(crate) fn sent_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let sent = decode(headers.get(AUTHORIZATION)?.as_bytes())?;
    let colon = sent.iter().position(|byte| *byte == b':')?;
    Some(sent[colon + 1..].to_vec())
}

fn decode(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = header.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let rest = rest.trim_ascii();
    let rest = rest.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")).unwrap_or(rest);
    BASE64.decode(rest).ok()
}

/// Compares in a time that depends on the length of what was sent only.
pub(crate) fn same(ours: &[u8], sent: &[u8]) -> bool {
    let mut difference = u8::from(ours.len() != sent.len());
    for (at, byte) in sent.iter().enumerate() {
        let our = if ours.is_empty() { 0 } else { ours[at % ours.len()] };
        difference |= std::hint::black_box(our ^ byte);
    }
    difference == 0
}
