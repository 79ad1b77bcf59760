//! Patterns of requests: methods, and paths with `*` and `**`.

use http::Method;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize, Serializer};

use crate::value::quoted;

/// The longest pattern, in bytes, and the most groups of `*` in one.
const MAX_PATTERN: usize = 200;
const MAX_STARS: usize = 10;

/// Paths are kept and compared up to this length, in bytes.
pub(super) const MAX_PATH: usize = 1024;

/// The most memory that the automaton of one pattern may take, in bytes.
const MAX_AUTOMATON: usize = 1024 * 1024;

/// A pattern of paths: `*` stands for any characters but `/`, `**` for any characters.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PathPattern {
    text: String,
    /// Takes a time that is linear in the path's length.
    regex: Regex,
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > MAX_PATTERN {
            return Err(format!("the pattern is longer than {MAX_PATTERN} bytes"));
        }
        if !(text.starts_with('/') || text.starts_with('*')) {
            return Err(format!("{} is no path; it must start with / or *", quoted(&text)));
        }
        let mut expression = String::from(r"\A");
        let (mut rest, mut stars) = (&*text, 0);
        while let Some(at) = rest.find('*') {
            let (plain, from) = rest.split_at(at);
            expression.push_str(&regex::escape(plain));
            rest = from.trim_start_matches('*');
            expression.push_str(if from.len() - rest.len() == 1 { "[^/]*" } else { ".*" });
            stars += 1;
        }
        if stars > MAX_STARS {
            return Err(format!("the pattern has more than {MAX_STARS} stars"));
        }
        expression.push_str(&regex::escape(rest));
        expression.push_str(r"\z");
        let mut builder = RegexBuilder::new(&expression);
        builder.unicode(false).dot_matches_new_line(true).dfa_size_limit(MAX_AUTOMATON);
        let regex = builder.build().map_err(|_| format!("{} is no path", quoted(&text)))?;
        Ok(PathPattern { text, regex })
    }
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl PathPattern {
    /// Whether a path fits as it is, or without its ending `.xml` or `/`.
    pub(super) fn fits(&self, path: &str) -> bool {
        let path = &path.as_bytes()[..path.len().min(MAX_PATH)];
        let plain = path.strip_suffix(b"/").unwrap_or(path);
        let plain = plain.strip_suffix(b".xml").unwrap_or(plain);
        self.regex.is_match(path) || plain.len() < path.len() && self.regex.is_match(plain)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
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
            false => Err(format!("{} is no method; it must be one of {}", quoted(&method), is_known.join(", "))),
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
    use std::time::{Duration, Instant};

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
            ("/clients/***", "/clients/5/toggle"),
            ("/clients**", "/clients"),
            ("**/toggle", "/clients/5/toggle"),
            ("/**/a*c/d", "/x/abd/abc/d"),
            ("/**b*/c", "/ab/b/c"),
            ("/**b*d", "/b/bd"),
            ("*", ""),
            ("**", "/anything/at/all"),
            ("**", "/a\nb"),
            ("/zoë/*", "/zoë/1"),
        ] {
            assert!(pattern(of).fits(path), "{of} {path}");
        }
        for (of, path) in [
            ("/clients", "/clients/5"),
            ("/clients/*", "/clients/5/toggle"),
            ("/clients/*", "/clients"),
            ("/clients", "/clientsx"),
            ("/clients.xml", "/clients"),
            ("/clients.xml", "/clientsAxml"),
            ("/clients(5)?", "/clients"),
            ("/*/toggle", "/clients/5/toggle"),
            ("/**/toggle", "/clients/5/toggles"),
            ("/CLIENTS", "/clients"),
        ] {
            assert!(!pattern(of).fits(path), "{of} {path}");
        }
    }

    #[test]
    fn patterns_are_bounded_and_so_is_what_is_compared_with_them() {
        let refused = |text: String| PathPattern::try_from(text).unwrap_err();
        assert_eq!(refused(format!("/{}", "a".repeat(500))), "the pattern is longer than 200 bytes");
        assert_eq!(refused("/*a".repeat(11)), "the pattern has more than 10 stars");
        assert!(refused("a".repeat(150)).len() < 200);
        let long = format!("/{}", "a".repeat(2000));
        assert!(pattern("/*").fits(&long));
        assert!(pattern("/*a").fits(&format!("{}/b", &long[..MAX_PATH])), "what follows is not compared");
    }

    /// A matcher that backtracks at stars would take about a thousand times as long for the first.
    #[test]
    fn the_time_does_not_depend_on_what_the_stars_could_stand_for() {
        let path = format!("/{}", "a".repeat(MAX_PATH - 1));
        let quickest = |pattern: PathPattern| -> Duration {
            let run = || {
                let begun = Instant::now();
                for _ in 0..20 {
                    assert!(!pattern.fits(&path));
                }
                begun.elapsed()
            };
            (0..5).map(|_| run()).min().unwrap()
        };
        let hard = quickest(pattern(&format!("/{}{}b", "*a".repeat(10), "a".repeat(150))));
        let easy = quickest(pattern(&format!("/{}b", "a".repeat(100))));
        let one = quickest(pattern("/*b"));
        assert!(hard < (one + easy + Duration::from_micros(100)) * 1000, "{hard:?} {one:?} {easy:?}");
    }
}
