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
    ///
    /// # Errors
    ///
    /// What to tell who sent it.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let sent = headers.get(AUTHORIZATION).ok_or("This account asks for a user and a password, by HTTP Basic.")?;
        let (user, password) = sent_pair(sent.as_bytes())
            .ok_or("The credentials cannot be read; send HTTP Basic, USER:PASSWORD in base64.")?;
        // Both are compared whole, whatever the first one gave.
        let is_ours = same(self.user.as_bytes(), &user) & same(self.password.as_bytes(), &password);
        is_ours.then_some(()).ok_or("The user or the password is wrong.")
    }
}

/// The user and the password of a header by HTTP Basic, split at the first colon.
pub(crate) fn sent_pair(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let sent = decode(header)?;
    let colon = sent.iter().position(|byte| *byte == b':')?;
    Some((sent[..colon].to_vec(), sent[colon + 1..].to_vec()))
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
