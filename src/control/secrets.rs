//! Secrets of requests are not kept: only who it was, and whether the password was right.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use regex::bytes::{Captures, Regex};

use crate::api::{Api, sent_pair};

/// Replaces a secret.
const HIDDEN: &str = "***";

pub(super) const RIGHT: &str = "right";
pub(super) const WRONG: &str = "wrong";

/// The schemes of `Authorization` that are kept. The first word of any other header may be the secret itself.
const SCHEMES: [&str; 6] = ["Bearer", "Digest", "Negotiate", "NTLM", "Token", "OAuth"];

/// A parameter, an element or a key is a secret if its name ends like this.
const NAME: &str = r#"[\w.:-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)(?:[_-]confirmation)?"#;

static WORD: LazyLock<Regex> = LazyLock::new(|| regex("passw|passphrase|secret|token|api[_-]?key"));
static WHOLE_NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"\A{NAME}\z")));
static HEADER: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"\A(?:{NAME}|(?:.*-)?auth(?:orization|entication)?(?:-.*)?|set-cookie2?)\z")));
static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(<{NAME}(?:\s[^<>]*)?>)(?:<!\[CDATA\[(?:[^\]]|\][^\]])*\]\]>|[^<])+")));
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r#"(["']?{NAME}["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*(?:"|\z)|'(?:[^'\\]|\\.)*(?:'|\z)|-?[0-9][0-9.]*)"#
    ))
});
static USER_OF_ADDRESS: LazyLock<Regex> = LazyLock::new(|| regex(r"://[^/?#\s@]*@"));

/// Matches bytes whatever their encoding, in a time that is linear in their length.
fn regex(pattern: &str) -> Regex {
    match Regex::new(&format!("(?is-u){pattern}")) {
        Ok(regex) => regex,
        Err(error) => unreachable!("{pattern}: {error}"),
    }
}

fn is_secret(name: &str) -> bool {
    WHOLE_NAME.is_match(name.as_bytes())
}

/// A header without its secrets.
pub(super) fn header(name: &HeaderName, value: &[u8], headers: &HeaderMap, api: &Api) -> String {
    match *name {
        AUTHORIZATION => credentials(value, || match api.admits(headers) {
            None => "not asked for",
            Some(true) => RIGHT,
            // It may be a person's own, which is only known later.
            Some(false) => WRONG,
        }),
        PROXY_AUTHORIZATION => credentials(value, || "not kept"),
        COOKIE => cookies(value),
        _ if HEADER.is_match(name.as_str().as_bytes()) => HIDDEN.to_owned(),
        _ => {
            let value = String::from_utf8_lossy(value);
            match value.contains("://") || value.contains('?') {
                true => address(&value),
                false => value.into_owned(),
            }
        }
    }
}

/// `Basic: user "me", password right`.
fn credentials(value: &[u8], password: impl FnOnce() -> &'static str) -> String {
    let scheme = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case(b"Basic") {
        return match sent_pair(value) {
            None => "Basic: not readable".to_owned(),
            Some((user, sent)) => {
                let password = if sent.is_empty() { "none" } else { password() };
                format!("Basic: user {:?}, password {password}", String::from_utf8_lossy(&user))
            }
        };
    }
    match SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known.as_bytes())) {
        Some(known) => format!("{known}: {HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

/// The cookies' names.
fn cookies(value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value);
    let cookies = value.split(';').map(|cookie| match cookie.split_once('=') {
        Some((name, _)) => format!("{}={HIDDEN}", name.trim()),
        None => HIDDEN.to_owned(),
    });
    cookies.collect::<Vec<_>>().join("; ")
}

/// An address without its user and without the secrets of its query.
fn address(value: &str) -> String {
    let without_user = USER_OF_ADDRESS.replace_all(value.as_bytes(), format!("://{HIDDEN}@").as_bytes());
    let value = String::from_utf8_lossy(&without_user);
    match value.split_once('?') {
        Some((path, parameters)) => format!("{path}?{}", query(parameters)),
        None => value.into_owned(),
    }
}

/// A query or a form without its secrets.
pub(super) fn query(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, parameter) in text.split('&').enumerate() {
        if at > 0 {
            kept.push('&');
        }
        match parameter.split_once('=') {
            Some((name, _)) if is_secret(&percent_decode_str(name).decode_utf8_lossy()) => {
                kept.extend([name, "=", HIDDEN]);
            }
            _ => kept.push_str(parameter),
        }
    }
    kept
}

/// A body without its secrets: the values of parameters of a form, of elements and attributes of XML, and of keys of
/// JSON whose names are those of secrets.
pub(super) fn body<'a>(body: &'a [u8], headers: &HeaderMap) -> Cow<'a, [u8]> {
    let content_type = headers.get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
    // Some calls read a form whatever its Content-Type is.
    let is_form = content_type.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
        || !matches!(body.trim_ascii_start().first(), None | Some(b'<' | b'{' | b'['));
    // A name may be percent-encoded.
    if is_form && let Ok(text) = std::str::from_utf8(body) {
        return Cow::Owned(query(text).into_bytes());
    }
    if !WORD.is_match(body) {
        return Cow::Borrowed(body);
    }
    let hidden = |captures: &Captures<'_>| [&captures[1], HIDDEN.as_bytes()].concat();
    let quoted = |captures: &Captures<'_>| [&captures[1], b"\"", HIDDEN.as_bytes(), b"\""].concat();
    let elements = ELEMENT.replace_all(body, hidden);
    match KEY.replace_all(&elements, quoted) {
        Cow::Owned(kept) => Cow::Owned(kept),
        Cow::Borrowed(_) => elements,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::ClientStore;

    fn kept(name: HeaderName, value: &str, api: &Api) -> String {
        let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_str(value).unwrap())]);
        header(&name, value.as_bytes(), &headers, api)
    }

    #[test]
    fn credentials_are_kept_as_a_user_and_whether_the_password_was_right() {
        let open = Api::new(ClientStore::open_in_memory().unwrap());
        let api = open.clone().auth("me", "secret");
        for (sent, is_kept) in [
            ("Basic bWU6c2VjcmV0", "Basic: user \"me\", password right"),
            ("basic (bWU6c2VjcmV0)", "Basic: user \"me\", password right"),
            ("Basic bWU6d3Jvbmc=", "Basic: user \"me\", password wrong"),
            ("Basic bWU6", "Basic: user \"me\", password none"),
            ("Basic c2VjcmV0", "Basic: not readable"),
            ("Bearer c2VjcmV0", "Bearer: ***"),
            ("bearer  c2VjcmV0", "Bearer: ***"),
            ("c2VjcmV0", "***"),
            ("c2VjcmV0 more", "***"),
            ("", "***"),
        ] {
            assert_eq!(kept(AUTHORIZATION, sent, &api), is_kept, "{sent}");
        }
        assert_eq!(kept(AUTHORIZATION, "Basic bWU6c2VjcmV0", &open), "Basic: user \"me\", password not asked for");
        assert_eq!(kept(PROXY_AUTHORIZATION, "Basic bWU6c2VjcmV0", &api), "Basic: user \"me\", password not kept");
    }

    #[test]
    fn other_headers_are_kept_without_their_secrets() {
        let api = Api::new(ClientStore::open_in_memory().unwrap());
        for (name, sent, is_kept) in [
            ("cookie", "session=abc; theme=dark;x", "session=***; theme=***; ***"),
            ("x-api-key", "abc", "***"),
            ("x-auth-token", "abc", "***"),
            ("x-forwarded-authorization", "Basic abc", "***"),
            ("x-auth", "abc", "***"),
            ("referer", "http://me:secret@host/a?access_token=abc&b=1", "http://***@host/a?access_token=***&b=1"),
            ("x-original-url", "/clients?api_key=abc", "/clients?api_key=***"),
            ("host", "localhost:7557", "localhost:7557"),
            ("author", "me", "me"),
            ("user-agent", "curl/8 (token ring)", "curl/8 (token ring)"),
        ] {
            assert_eq!(kept(HeaderName::from_static(name), sent, &api), is_kept, "{name}");
        }
    }

    #[test]
    fn parameters_named_like_secrets_are_kept_without_their_values() {
        assert_eq!(query("access_token=abc&page=1"), "access_token=***&page=1");
        assert_eq!(query("a&ACCESS%5fTOKEN=abc"), "a&ACCESS%5fTOKEN=***");
        assert_eq!(query("client[password]=abc"), "client[password]=abc", "no name of the API's");
        assert_eq!(query("updated_since=2010-01-01&&token"), "updated_since=2010-01-01&&token");
    }

    #[test]
    fn bodies_are_kept_without_their_secrets() {
        let none = HeaderMap::new();
        for (sent, is_kept) in [
            ("<user><password>abc</password></user>", "<user><password>***</password></user>"),
            ("<a><PASSWORD type=\"string\"> abc\n</PASSWORD></a>", "<a><PASSWORD type=\"string\">***</PASSWORD></a>"),
            ("<a><api-key><![CDATA[a]b<c]]></api-key>", "<a><api-key>***</api-key>"),
            ("<a password=\"abc\" x='1'/>", "<a password=\"***\" x='1'/>"),
            ("{\"access_token\" : \"a\\\"bc\", \"x\": 1}", "{\"access_token\" : \"***\", \"x\": 1}"),
            ("{\"pass\": 1, \"password\": 12}", "{\"pass\": 1, \"password\": \"***\"}"),
            ("{\"password\": \"abc", "{\"password\": \"***\""),
            ("<client><name>A token</name></client>", "<client><name>A token</name></client>"),
            (
                "<client><details>my password is <b/></details></client>",
                "<client><details>my password is <b/></details></client>",
            ),
        ] {
            assert_eq!(String::from_utf8_lossy(&body(sent.as_bytes(), &none)), is_kept, "{sent}");
        }
        let form = HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
        )]);
        assert_eq!(&*body(b"user=me&password=abc", &form), b"user=me&password=***");
        assert_eq!(&*body(b"code=1&refresh_token=abc", &none), b"code=1&refresh_token=***", "of no type");
        assert_eq!(&*body(b"\xff<password>abc</password>", &none), b"\xff<password>***</password>");
    }
}
