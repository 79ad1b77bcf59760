//! Searching in texts, whatever their case and language.
//!
//! SQLite takes some 0.1 µs to step from row to row and again as much to call a function, which is too long for a search
//! in a hundred thousand records while somebody types. So the texts of a kind of record are kept in memory as one piece,
//! of one version of the store, and searched there. What is found is looked at again in the file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem::Finder;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

use crate::error::Result;
use crate::record::Table;
use crate::store::{ClientStore, Reads, Version};

/// The SQL function that gives a text as it is compared: in lower case.
pub(crate) const FOLDED: &str = "clientstore_folded";
/// The SQL function that says whether each word of its first argument is a part of one of the others.
const FOUND_IN: &str = "clientstore_found_in";

/// The most that is kept of one kind of record, in bytes. What is longer is read from the file for each search.
const MOST: usize = 64 << 20;
/// What stands after each text; no text of a store and no word has it.
const END: u8 = 0;

/// Defines the functions on a connection. A schema cannot use them, so that a file works without this program.
pub(crate) fn define(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(FOLDED, 1, flags, |context| {
        Ok(text(context, 0).map(|text| {
            let mut folded = String::with_capacity(text.len());
            fold(&text, &mut folded);
            folded
        }))
    })?;
    connection.create_scalar_function(FOUND_IN, -1, flags, |context| {
        let words: Arc<Words> = context.get_or_create_aux(0, |value| value.as_str().map(Words::of))?;
        let mut folded = String::new();
        for text in (1..context.len()).filter_map(|at| text(context, at)) {
            fold(&text, &mut folded);
            folded.push(char::from(END));
        }
        Ok(words.are_in(folded.as_bytes()))
    })
}

fn text<'a>(context: &'a Context<'_>, at: usize) -> Option<std::borrow::Cow<'a, str>> {
    match context.get_raw(at) {
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes)),
        _ => None,
    }
}

/// The condition, with the words as its parameter, that finds them in the columns.
pub(crate) fn found_in(columns: &[&str]) -> String {
    format!("{FOUND_IN}(?, {})", columns.join(", "))
}

/// Adds a text in lower case, as Unicode has it for each character by itself; the two small sigmas are one.
fn fold(text: &str, folded: &mut String) {
    if text.is_ascii() {
        let start = folded.len();
        folded.push_str(text);
        folded[start..].make_ascii_lowercase();
    } else {
        let lower = text.chars().flat_map(char::to_lowercase);
        folded.extend(lower.map(|character| if character == 'ς' { 'σ' } else { character }));
    }
}

/// What is searched for: each word is to be a part of a text, whatever its case.
pub(crate) struct Words {
    /// The longest comes first, since it is found least often.
    words: Vec<Finder<'static>>,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let mut folded = String::with_capacity(text.len());
        fold(text, &mut folded);
        let mut words: Vec<&str> = folded
            .split(|character: char| character.is_whitespace() || character == char::from(END))
            .filter(|word| !word.is_empty())
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Words { words: words.into_iter().map(|word| Finder::new(word).into_owned()).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn are_in(&self, folded: &[u8]) -> bool {
        self.words.iter().all(|word| word.find(folded).is_some())
    }
}

/// The texts of every record of a kind, in lower case, as they were at one version of the store.
pub(crate) struct Texts {
    version: Version,
    /// In ascending order.
    ids: Vec<i64>,
    /// Where each record's texts end.
    ends: Vec<usize>,
    text: String,
}

impl Texts {
    /// None where they are too long to be kept.
    fn read(connection: &Connection, table: &Table, version: Version) -> Result<Option<Self>> {
        let columns: Vec<&str> = table.searched().collect();
        let sql = format!("SELECT id, {} FROM {} ORDER BY id", columns.join(", "), table.name);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut texts = Texts { version, ids: Vec::new(), ends: Vec::new(), text: String::new() };
        while let Some(row) = rows.next()? {
            for at in 1..=columns.len() {
                if let ValueRef::Text(bytes) = row.get_ref(at)? {
                    fold(&String::from_utf8_lossy(bytes), &mut texts.text);
                    texts.text.push(char::from(END));
                }
            }
            if texts.text.len() > MOST {
                return Ok(None);
            }
            texts.ids.push(row.get(0)?);
            texts.ends.push(texts.text.len());
        }
        Ok(Some(texts))
    }

    /// The ids of the records that have each of the words, in ascending order; none where there are more than as many.
    pub(crate) fn find(&self, words: &Words, most: usize) -> Option<Vec<i64>> {
        let text = self.text.as_bytes();
        let longest = words.words.first()?;
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(next) = longest.find(&text[at..]) {
            let record = self.ends.partition_point(|end| *end <= at + next);
            let (Some(id), Some(end)) = (self.ids.get(record), self.ends.get(record)) else { break };
            let start = record.checked_sub(1).map_or(0, |before| self.ends[before]);
            if words.are_in(&text[start..*end]) {
                if found.len() == most {
                    return None;
                }
                found.push(*id);
            }
            at = *end;
        }
        Some(found)
    }
}

/// The texts that are kept, by the names of their tables.
#[derive(Default)]
pub(crate) struct KeptTexts(Mutex<HashMap<&'static str, Arc<Texts>>>);

impl ClientStore {
    /// The texts of a kind of record as they are now; none where they are too long to be kept.
    pub(crate) fn texts(&self, table: &'static Table) -> Result<Option<Arc<Texts>>> {
        // The version comes first: what is committed in between makes the texts newer than it says, and they are read again.
        let version = self.version()?;
        // Those who search at the same time wait for one another, and read the texts once.
        let mut kept = self.inner.texts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = kept.get(table.name).filter(|texts| texts.version == version) {
            return Ok(Some(Arc::clone(texts)));
        }
        kept.remove(table.name);
        let texts = self.snapshot()?.read(|connection| Texts::read(connection, table, version))?.map(Arc::new);
        kept.extend(texts.clone().map(|texts| (table.name, texts)));
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, words: &str) -> bool {
        let mut folded = String::new();
        fold(text, &mut folded);
        Words::of(words).are_in(folded.as_bytes())
    }

    #[test]
    fn words_are_found_as_parts_whatever_their_case_and_language() {
        for (text, words) in [
            ("SuprCorp Ltd.", "corp"),
            ("SuprCorp Ltd.", "LTD supr"),
            ("Łódź Öffentlich", "łÓD öff"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Σίσυφος", "ΦΟΣ"),
            ("Иванов и Сыновья", "ИВАН"),
            ("株式会社 漢字", "漢字"),
            ("a", " \t"),
        ] {
            assert!(finds(text, words), "{words} in {text}");
        }
        for (text, words) in [("SuprCorp", "corps"), ("SuprCorp Ltd.", "corp inc"), ("Lodz", "łódź"), ("", "a")] {
            assert!(!finds(text, words), "{words} in {text}");
        }
    }

    #[test]
    fn a_record_is_found_once_by_its_own_words_and_not_by_those_of_the_next() {
        let texts = |rows: &[&str]| {
            let mut texts = Texts { version: Version(0), ids: Vec::new(), ends: Vec::new(), text: String::new() };
            for (id, row) in (1..).zip(rows) {
                texts.text.push_str(row);
                texts.ids.push(id);
                texts.ends.push(texts.text.len());
            }
            texts
        };
        let texts = texts(&["acorn acorn\0one\0", "", "two\0acorn\0", "ac\0orn\0"]);
        let find = |text: &str| texts.find(&Words::of(text), 3).unwrap();
        assert_eq!(find("acorn"), [1, 3]);
        assert_eq!(find("acorn one"), [1]);
        assert_eq!(find("acorn two one"), [0; 0]);
        assert_eq!(find("one two"), [0; 0]);
        assert_eq!(find("a\0c"), [1, 3, 4], "two words");
        assert_eq!(texts.find(&Words::of("a"), 2), None, "more than two");
    }
}
