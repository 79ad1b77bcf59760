//! The bodies: JSON, read strictly and to limits, with the place of what is wrong.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::respond::Failure;

/// The most keys of an object that may have any, and the longest key in bytes.
const MAX_PAIRS: usize = 100;
const MAX_KEY: usize = 200;

/// Reads a body; an empty one stands for `{}`.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], hint: &str) -> Result<T, Failure> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        let mut message = error.to_string();
        if !error.is_data() {
            return Failure::invalid(message, hint);
        }
        let position = format!(" at line {} column {}", error.line(), error.column());
        message.truncate(message.strip_suffix(&position).unwrap_or(&message).len());
        let message = in_words(&message);
        // The path tells where a value is, so the line and column are left out.
        match path == "." {
            true => Failure::invalid(format!("{message}{position}"), hint),
            false => Failure::invalid(message, hint).at(path),
        }
    })?;
    json.end().map_err(|error| Failure::invalid(error.to_string(), hint))?;
    Ok(value)
}

/// Serde's message about a value, in JSON's terms.
fn in_words(message: &str) -> String {
    let invalid = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = invalid.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("expected {}, not {}", wanted(expected), shown(found));
    }
    // Names stand in backticks, the wrong one before those that are known.
    let quoted = |text: &str| text.replace('`', "\"");
    if let Some((key, known)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, ")) {
        let known = known.trim_start_matches("expected one of ").trim_start_matches("expected ");
        return match known {
            "there are no fields" => format!("there is no key {key:?}; the object has no keys"),
            known => format!("there is no key {key:?}; there are: {}", quoted(known)),
        };
    }
    if let Some((value, known)) = message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, ")) {
        return format!("{}, not {value:?}", quoted(known));
    }
    match (message.strip_prefix("missing field "), message.strip_prefix("duplicate field ")) {
        (Some(key), _) => format!("the key {} is missing", quoted(key)),
        (_, Some(key)) => format!("the key {} is there twice", quoted(key)),
        _ => message.to_owned(),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "u16" | "u64" => "a whole number from 0",
        "a nonzero u64" => "a whole number from 1",
        "i64" => "a whole number",
        "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        other => other,
    }
}

fn shown(found: &str) -> String {
    let number = found.strip_prefix("integer ").or_else(|| found.strip_prefix("floating point "));
    match found {
        "sequence" => "an array".to_owned(),
        "map" => "an object".to_owned(),
        _ => match number.or_else(|| found.strip_prefix("boolean ")) {
            Some(value) => value.trim_matches('`').to_owned(),
            None => found.to_owned(),
        },
    }
}

/// An object with any keys, in the order they came in, none twice, and at most [`MAX_PAIRS`].
#[derive(Clone, Debug)]
pub(super) struct Pairs<V>(pub(super) Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<V: Serialize> Serialize for Pairs<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
    type Value = Pairs<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
        let mut pairs: Vec<(String, V)> = Vec::new();
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if pairs.len() == MAX_PAIRS {
                return Err(A::Error::custom(format!("the object has more than {MAX_PAIRS} keys")));
            }
            if key.len() > MAX_KEY {
                return Err(A::Error::custom(format!("a key is longer than {MAX_KEY} bytes")));
            }
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
            pairs.push((key, map.next_value()?));
        }
        Ok(Pairs(pairs))
    }
}

/// An array of at most `N` values. Reading stops at the first value beyond them.
pub(super) struct AtMost<const N: usize, V>(pub(super) Vec<V>);

impl<'de, const N: usize, V: Deserialize<'de>> Deserialize<'de> for AtMost<N, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(AtMostVisitor(PhantomData))
    }
}

struct AtMostVisitor<const N: usize, V>(PhantomData<V>);

impl<'de, const N: usize, V: Deserialize<'de>> Visitor<'de> for AtMostVisitor<N, V> {
    type Value = AtMost<N, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            if values.len() == N {
                return Err(A::Error::custom(format!("the array has more than {N} values")));
            }
            values.push(value);
        }
        Ok(AtMost(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_json() {
        for (serde, json) in [
            ("invalid type: integer `5`, expected a string", "expected a string, not 5"),
            ("invalid type: sequence, expected an object with \"on\"", "expected an object with \"on\", not an array"),
            ("invalid type: map, expected u64", "expected a whole number from 0, not an object"),
            ("invalid value: integer `-1`, expected u64", "expected a whole number from 0, not -1"),
            ("invalid value: integer `0`, expected a nonzero u64", "expected a whole number from 1, not 0"),
            ("invalid type: boolean `true`, expected f64", "expected a number, not true"),
            ("invalid type: floating point `1.5`, expected u64", "expected a whole number from 0, not 1.5"),
            (
                "invalid type: string \"a, expected b\", expected a boolean",
                "expected true or false, not string \"a, expected b\"",
            ),
            ("invalid type: null, expected a map", "expected an object, not null"),
            ("missing field `rules`", "the key \"rules\" is missing"),
            ("duplicate field `on`", "the key \"on\" is there twice"),
            ("unknown field `a`, expected `on`", "there is no key \"a\"; there are: \"on\""),
            ("unknown field `a`, expected `b` or `c`", "there is no key \"a\"; there are: \"b\" or \"c\""),
            (
                "unknown field `a`, expected one of `b`, `c`, `d`",
                "there is no key \"a\"; there are: \"b\", \"c\", \"d\"",
            ),
            ("unknown field `a`, there are no fields", "there is no key \"a\"; the object has no keys"),
            ("unknown variant `x`, expected `request` or `answer`", "expected \"request\" or \"answer\", not \"x\""),
            ("anything else", "anything else"),
        ] {
            assert_eq!(in_words(serde), json);
        }
    }
}
