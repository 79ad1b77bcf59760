//! Which requests are meant: methods, and paths with `*` and `**`.

use http::Method;
use serde::{Deserialize, Serialize};

/// A pattern of paths: `*` stands for any characters but `/`, `**` for any characters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(super) struct PathPattern(String);

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        if pattern.starts_with('/') || pattern.starts_with('*') {
            Ok(PathPattern(pattern))
        } else {
            Err(format!("{pattern:?} is no path; it must start with / or *"))
        }
    }
}

impl PathPattern {
    /// Whether a path fits as it is, or without its ending `.xml` or `/`.
    pub(super) fn fits(&self, path: &str) -> bool {
        let plain = path.strip_suffix('/').unwrap_or(path);
        let plain = plain.strip_suffix(".xml").unwrap_or(plain);
        fits(self.0.as_bytes(), path.as_bytes()) || fits(self.0.as_bytes(), plain.as_bytes())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Goes back to the last `*` or `**` where the rest does not fit, and lets it take one more: what
/// an earlier one took need not change, except that a `*` cannot take a `/`, where a `**` before it
/// can.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (mut at, mut taken) = (0, 0);
    let (mut star, mut globstar) = (None, None);
    loop {
        let rest = &pattern[at..];
        if rest.starts_with(b"**") {
            at += 2;
            (star, globstar) = (None, Some((at, taken)));
        } else if rest.starts_with(b"*") {
            at += 1;
            star = Some((at, taken));
        } else if let Some(byte) = path.get(taken)
            && rest.first() == Some(byte)
        {
            (at, taken) = (at + 1, taken + 1);
        } else if rest.is_empty() && taken == path.len() {
            return true;
        } else if let Some((after, begun)) = star
            && path.get(begun).is_some_and(|byte| *byte != b'/')
        {
            star = Some((after, begun + 1));
            (at, taken) = (after, begun + 1);
        } else if let Some((after, begun)) = globstar
            && begun < path.len()
        {
            star = None;
            globstar = Some((after, begun + 1));
            (at, taken) = (after, begun + 1);
        } else {
            return false;
        }
    }
}

/// A method, in upper case.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(super) struct MethodPattern(String);

impl TryFrom<String> for MethodPattern {
    type Error = String;

    fn try_from(method: String) -> Result<Self, String> {
        let is_known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
        match is_known.contains(&method.as_str()) {
            true => Ok(MethodPattern(method)),
            false => Err(format!("{method:?} is no method; it must be one of {}", is_known.join(", "))),
        }
    }
}

impl MethodPattern {
    pub(super) fn fits(&self, method: &Method) -> bool {
        self.0 == method.as_str()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        PathPattern::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_star_stays_within_a_segment_and_two_do_not() {
        for (of, path) in [
            ("/clients", "/clients"),
            ("/clients", "/clients.xml"),
            ("/clients", "/clients/"),
            ("/clients.xml", "/clients.xml"),
            ("/clients/*", "/clients/5"),
            ("/clients/*", "/clients/5.xml"),
            ("/*/5", "/clients/5"),
            ("/clients/**", "/clients/5/toggle"),
            ("/clients**", "/clients"),
            ("**/toggle", "/clients/5/toggle"),
            ("/**/a*c/d", "/x/abd/abc/d"),
            ("/**b*/c", "/ab/b/c"),
            ("/**b*d", "/b/bd"),
            ("*", ""),
            ("**", "/anything/at/all"),
        ] {
            assert!(pattern(of).fits(path), "{of} {path}");
        }
        for (of, path) in [
            ("/clients", "/clients/5"),
            ("/clients/*", "/clients/5/toggle"),
            ("/clients/*", "/clients"),
            ("/clients", "/clientsx"),
            ("/clients.xml", "/clients"),
            ("/*/toggle", "/clients/5/toggle"),
            ("/**/toggle", "/clients/5/toggles"),
        ] {
            assert!(!pattern(of).fits(path), "{of} {path}");
        }
    }

    #[test]
    fn a_long_pattern_of_stars_is_matched_in_no_time() {
        let stars = format!("/{}x", "*a".repeat(200));
        assert!(!pattern(&stars).fits(&format!("/{}", "a".repeat(20_000))));
    }
}
