//! `POST /oauth2/token`: the token, for any code or older token (`docs/spec/people.md`, Tokens).

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::format::RequestBody;

/// The parameters of which a program sends one to ask for a token.
const NAMES: [&str; 2] = ["code", "refresh_token"];

/// Whether a body, a form or an object in JSON, has a code or a refresh token.
///
/// # Errors
///
/// [`Error::Json`] if it begins like JSON and is not an object.
pub(super) fn asks_for_token(body: &RequestBody<'_>) -> Result<bool> {
    if body.bytes.trim_ascii_start().starts_with(b"{") {
        let object: Map<String, Value> = serde_json::from_slice(body.bytes).map_err(|error| Error::Json {
            line: error.line() as u64,
            column: error.column() as u64,
            reason: "is no object in JSON".to_owned(),
        })?;
        let is_given = |name: &&str| object.get(*name).is_some_and(|value| !matches!(value.as_str(), None | Some("")));
        return Ok(NAMES.iter().any(is_given));
    }
    Ok(form_urlencoded::parse(body.bytes).any(|(name, value)| NAMES.contains(&&*name) && !value.is_empty()))
}

/// The document with the token, which is also its own refresh token.
pub(super) fn document(token: &str) -> Vec<u8> {
    let token = json!(token);
    format!("{{\"token_type\":\"bearer\",\"expires_in\":64799,\"access_token\":{token},\"refresh_token\":{token}}}\n")
        .into_bytes()
}
