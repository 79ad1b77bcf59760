//! The elements of a document that have no place in a record.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// At most this many elements are told apart in one document; what others come to is counted under [`OTHERS`].
const TOLD_APART: usize = 32;
/// At most this many characters of a name are kept.
const LONGEST_NAME: usize = 64;
const OTHERS: &str = "others";

/// An element of a document that has no place in a record; what it holds is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// Its name, of which at most 64 characters are kept; `others` beyond 32 names.
    pub element: String,
    /// The line of the first one, from 1.
    pub line: u64,
    /// How many there are.
    pub count: u64,
}

impl fmt::Display for Unknown {
    /// `detials (line 7)`, `fax (3 times, first in line 9)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unknown { element, line, count } = self;
        match count {
            1 => write!(f, "{element} (line {line})"),
            _ => write!(f, "{element} ({count} times, first in line {line})"),
        }
    }
}

/// The unknown elements that were met, in the order of their first lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unknowns(Option<Box<Met>>);

#[derive(Clone, Debug, Default)]
struct Met {
    met: Vec<Unknown>,
    /// The hash of each name, by which one is found among the others.
    hashes: Vec<u64>,
    /// Where the last one was counted; the next one often has the same name.
    last: usize,
}

impl Unknowns {
    pub(crate) fn met(&self) -> &[Unknown] {
        self.0.as_ref().map_or(&[], |met| &met.met)
    }

    /// Counts an element; `line` is asked for at the first of its name.
    pub(crate) fn add(&mut self, element: &str, line: impl FnOnce() -> u64) {
        // No character is shorter than a byte.
        let end = match element.len() {
            0..=LONGEST_NAME => element.len(),
            _ => element.char_indices().nth(LONGEST_NAME).map_or(element.len(), |(end, _)| end),
        };
        self.0.get_or_insert_default().count(&element[..end], 1, line);
    }

    /// Adds what a later part of the same document met.
    pub(crate) fn append(&mut self, later: &Unknowns) {
        for Unknown { element, line, count } in later.met() {
            self.0.get_or_insert_default().count(element, *count, || *line);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Unknown> {
        self.0.map_or_else(Vec::new, |met| met.met)
    }

    /// The element that was probably meant to be `wanted`.
    pub(crate) fn meant(&self, wanted: &str) -> Option<&Unknown> {
        let distance =
            |met: &Unknown| strsim::osa_distance(&met.element.to_ascii_lowercase().replace('_', "-"), wanted);
        let nearest = self.met().iter().map(|met| (distance(met), met)).min_by_key(|(distance, _)| *distance);
        nearest.filter(|(distance, _)| *distance <= (wanted.len() / 3).max(1)).map(|(_, met)| met)
    }
}

impl Met {
    fn count(&mut self, element: &str, count: u64, line: impl FnOnce() -> u64) {
        if self.met.get(self.last).is_none_or(|last| last.element != element) {
            let hash = hash(element);
            self.last = match self.place(element, hash) {
                Some(at) => at,
                None if self.met.len() < TOLD_APART => return self.begin(element, hash, line(), count),
                // The one behind all that are told apart is that of the others.
                None if self.met.len() > TOLD_APART => TOLD_APART,
                None => {
                    let hash = self::hash(OTHERS);
                    match self.place(OTHERS, hash) {
                        Some(at) => at,
                        None => return self.begin(OTHERS, hash, line(), count),
                    }
                }
            };
        }
        self.met[self.last].count += count;
    }

    /// Where an element was counted before.
    fn place(&self, element: &str, hash: u64) -> Option<usize> {
        let mut places = self.hashes.iter().zip(&self.met);
        places.position(|(of, met)| *of == hash && met.element == element)
    }

    fn begin(&mut self, element: &str, hash: u64, line: u64, count: u64) {
        self.last = self.met.len();
        self.hashes.push(hash);
        self.met.push(Unknown { element: element.to_owned(), line, count });
    }
}

fn hash(element: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    element.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_those_that_are_told_apart_are_counted_together() {
        let mut unknowns = Unknowns::default();
        for line in 1..=100 {
            unknowns.add(&format!("e{line}"), || line);
            unknowns.add("e1", || line);
        }
        let met = unknowns.met();
        assert_eq!(met.len(), TOLD_APART + 1);
        assert_eq!(met.iter().map(|unknown| unknown.count).sum::<u64>(), 200);
        assert_eq!(met[0].to_string(), "e1 (101 times, first in line 1)");
        assert_eq!(met[1].to_string(), "e2 (line 2)");
        assert_eq!(met[TOLD_APART].to_string(), "others (68 times, first in line 33)");
    }

    #[test]
    fn a_name_is_kept_in_part_and_cut_between_characters() {
        let mut unknowns = Unknowns::default();
        unknowns.add(&"é".repeat(1000), || 1);
        assert_eq!(unknowns.met()[0].element, "é".repeat(LONGEST_NAME));
    }

    #[test]
    fn the_element_that_was_meant_is_near() {
        let met = |names: &[&str]| {
            let mut unknowns = Unknowns::default();
            names.iter().for_each(|name| unknowns.add(name, || 1));
            unknowns
        };
        let meant = |names: &[&str], wanted| met(names).meant(wanted).map(|unknown| unknown.element.clone());
        assert_eq!(meant(&["fax", "nam"], "name").as_deref(), Some("nam"));
        assert_eq!(meant(&["Client_Id"], "client-id").as_deref(), Some("Client_Id"));
        assert_eq!(meant(&["naem"], "name").as_deref(), Some("naem"));
        assert_eq!(meant(&["fax", "note"], "name"), None);
    }
}
