//! Loading from JSON: a dump, a list or a record, read as a stream.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::loader::{Content, Loader};
use super::{NEXT_IDS, ROOT, VERSION};
use crate::error::{Error, Result};
use crate::format::json::{Scan, Text, is_object, list_record, members, syntax, unescaped, what};
use crate::format::xml::at_line;
use crate::record::same_name;
use crate::resources::{by_list, entities};
use crate::store::Entity;
use crate::value::quoted;

/// The most bytes that are searched for the first name.
const LONGEST: usize = 4096;

/// The beginning of a document, which tells its kind.
#[derive(Default)]
pub(super) struct Beginning {
    /// The bytes that were read.
    pub(super) read: Vec<u8>,
    /// How it begins as JSON; `None` if it is not JSON.
    pub(super) json: Option<Start>,
}

/// How a document in JSON begins.
pub(super) struct Start {
    is_list: bool,
    /// The first name, where there is one.
    name: Option<String>,
}

impl Beginning {
    /// Reads just enough to tell.
    pub(super) fn of(input: &mut impl BufRead) -> io::Result<Self> {
        let mut beginning = Beginning::default();
        let first = beginning.next(input)?;
        let is_list = first == Some(b'[');
        if !is_list && first != Some(b'{') {
            return Ok(beginning);
        }
        let inside = if is_list { beginning.next(input)? } else { first };
        let name = match inside {
            Some(b'{') if beginning.next(input)? == Some(b'"') => beginning.name(input)?,
            _ => None,
        };
        beginning.json = Some(Start { is_list, name });
        Ok(beginning)
    }

    /// The next byte, after white space and a byte order mark.
    fn next(&mut self, input: &mut impl BufRead) -> io::Result<Option<u8>> {
        loop {
            match self.byte(input)? {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0xEF | 0xBB | 0xBF) => {}
                other => return Ok(other),
            }
        }
    }

    /// The rest of a string after its opening quote.
    fn name(&mut self, input: &mut impl BufRead) -> io::Result<Option<String>> {
        let start = self.read.len() - 1;
        loop {
            match self.byte(input)? {
                Some(b'\\') => drop(self.byte(input)?),
                Some(b'"') => {
                    let name = std::str::from_utf8(&self.read[start..]).ok();
                    return Ok(name.map(|name| unescaped(name).into_owned()));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    fn byte(&mut self, input: &mut impl BufRead) -> io::Result<Option<u8>> {
        if self.read.len() >= LONGEST {
            return Ok(None);
        }
        let mut byte = [0];
        let is_there = input.read(&mut byte)? == 1;
        self.read.extend_from_slice(&byte[..usize::from(is_there)]);
        Ok(is_there.then_some(byte[0]))
    }
}

impl Start {
    /// What the document is.
    pub(super) fn content(&self) -> Result<Content> {
        let refuse = |reason| Err(Error::Json { line: 1, column: 1, reason });
        let names = || {
            let names: Vec<String> = entities().map(|entity| entity.document.json_one()).collect();
            names.join(", ")
        };
        let Some(name) = &self.name else {
            // An empty list fits every kind. Anything that is not a list of records is refused while it is read.
            return match entities().next().filter(|_| self.is_list) {
                Some(entity) => Ok(Content::List(entity)),
                None => refuse(format!("the object has no name; a dump has {ROOT}, a record one of {}", names())),
            };
        };
        let entity = entities().find(|entity| entity.document.is_wrapper(name));
        match (entity, self.is_list) {
            (None, false) if name == ROOT => Ok(Content::Dump),
            (Some(entity), true) => Ok(Content::List(entity)),
            (Some(entity), false) => Ok(Content::Record(entity)),
            (None, _) => {
                refuse(format!("the first name is {}; a dump has {ROOT}, a record one of {}", quoted(name), names()))
            }
        }
    }
}

/// Reads a document to its end.
pub(super) fn load(input: impl Read, content: &Content, loader: &mut Loader<'_>) -> Result<()> {
    let scanned = RefCell::new(Scanned { scan: Scan::new(), failed: None });
    let mut deserializer = serde_json::Deserializer::from_reader(Scanning { input, scanned: &scanned });
    let mut reading = Reading { loader, scanned: &scanned, failed: None };
    let read = match content {
        // Only XML has a root for this.
        Content::Nothing => serde::de::IgnoredAny::deserialize(&mut deserializer).map(drop),
        Content::Dump => (&mut deserializer).deserialize_map(Dump { reading: &mut reading, is_inside: false }),
        Content::List(entity) => List { reading: &mut reading, entity }.deserialize(&mut deserializer),
        Content::Record(entity) => One { reading: &mut reading, entity }.deserialize(&mut deserializer),
    };
    let read = read.and_then(|()| deserializer.end());
    let failed = reading.failed.take().or_else(|| scanned.borrow_mut().failed.take());
    read.map_err(|error| failed.unwrap_or_else(|| syntax(&error)))
}

struct Scanned {
    scan: Scan,
    failed: Option<Error>,
}

/// A reader that also scans the bytes that it reads.
struct Scanning<'s, R> {
    input: R,
    scanned: &'s RefCell<Scanned>,
}

impl<R: Read> Read for Scanning<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut scanned = self.scanned.borrow_mut();
        let count = self.input.read(out).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                scanned.failed =
                    Some(Error::storage("reading the document", io::Error::new(error.kind(), error.to_string())));
            }
        })?;
        for byte in &out[..count] {
            if let Err(reason) = scanned.scan.byte(*byte) {
                let (line, column) = (scanned.scan.line(), scanned.scan.column());
                scanned.failed = Some(Error::Json { line, column, reason: reason.to_owned() });
                return Err(io::Error::other(reason));
            }
        }
        Ok(count)
    }
}

struct Reading<'r, 'l> {
    loader: &'r mut Loader<'l>,
    scanned: &'r RefCell<Scanned>,
    failed: Option<Error>,
}

impl Reading<'_, '_> {
    /// Keeps our own error, since the parser can only return its own kind.
    fn keep<T, E: serde::de::Error>(&mut self, result: Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            self.failed = Some(error);
            E::custom("refused")
        })
    }

    /// The text of the next value, with the line and the column of its start.
    fn raw<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Placed, D::Error> {
        let column = self.scanned.borrow().scan.column().max(1);
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let lines = memchr::memchr_iter(b'\n', raw.get().as_bytes()).count() as u64;
        let line = self.scanned.borrow().scan.line().saturating_sub(lines).max(1);
        Ok((raw, (line, column)))
    }

    fn record(&mut self, entity: &'static Entity, raw: &str, start: (u64, u64)) -> Result<()> {
        let values = list_record(&Text::part(raw, start), raw, entity.document)?;
        self.loader.add(entity, values).map_err(|error| at_line(error, start.0))
    }

    fn next_ids(&mut self, raw: &str, start: (u64, u64)) -> Result<()> {
        let text = Text::part(raw, start);
        if !is_object(raw) {
            return Err(text.error(raw, format!("next_ids is {}, not an object", what(raw))));
        }
        members(raw, &mut |name, value| match by_list(&name) {
            Some(entity) => match unescaped(value).parse() {
                Ok(id) => self.loader.next_id(entity, id),
                Err(_) => Err(text.error(value, format!("the next id of {name} is not an integer"))),
            },
            None => Ok(()),
        })
    }

    fn version(&self, raw: &str, start: (u64, u64)) -> Result<()> {
        match &*unescaped(raw) {
            VERSION => Ok(()),
            other => {
                let reason = format!("the dump has version {}, this program reads version {VERSION}", quoted(other));
                Err(Text::part(raw, start).error(raw, reason))
            }
        }
    }
}

/// A value's text, and the line and the column of its start.
type Placed = (Box<RawValue>, (u64, u64));

/// A record in its wrapper.
struct One<'s, 'r, 'l> {
    reading: &'s mut Reading<'r, 'l>,
    entity: &'static Entity,
}

impl<'de> DeserializeSeed<'de> for One<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let (raw, start) = self.reading.raw(deserializer)?;
        let added = self.reading.record(self.entity, raw.get(), start);
        self.reading.keep(added)
    }
}

/// A list of records.
struct List<'s, 'r, 'l> {
    reading: &'s mut Reading<'r, 'l>,
    entity: &'static Entity,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let List { reading, entity } = self;
        while list.next_element_seed(One { reading: &mut *reading, entity })?.is_some() {}
        Ok(())
    }
}

/// The whole store's document, or what stands in it.
struct Dump<'s, 'r, 'l> {
    reading: &'s mut Reading<'r, 'l>,
    is_inside: bool,
}

impl<'de> DeserializeSeed<'de> for Dump<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Dump<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lists of a dump")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Dump { reading, is_inside } = self;
        let mut has_version = false;
        while let Some(name) = map.next_key::<String>()? {
            if !is_inside {
                if name != ROOT {
                    return Err(A::Error::custom(format!("beside {ROOT} stands {}", quoted(&name))));
                }
                map.next_value_seed(Dump { reading: &mut *reading, is_inside: true })?;
            } else if name == "version" {
                let (raw, start) = map.next_value_seed(Raw(&*reading))?;
                let checked = reading.version(raw.get(), start);
                reading.keep(checked)?;
                has_version = true;
            } else if !has_version {
                return Err(A::Error::custom("the dump does not begin with its version"));
            } else if same_name(&name, NEXT_IDS) {
                let (raw, start) = map.next_value_seed(Raw(&*reading))?;
                let set = reading.next_ids(raw.get(), start);
                reading.keep(set)?;
            } else if let Some(entity) = by_list(&name) {
                let begun = reading.loader.make_way(entity);
                reading.keep(begun)?;
                map.next_value_seed(List { reading: &mut *reading, entity })?;
            } else {
                return Err(A::Error::custom(format!("a dump has no {}", quoted(&name))));
            }
        }
        Ok(())
    }
}

/// The text of a value.
struct Raw<'s, 'r, 'l>(&'s Reading<'r, 'l>);

impl<'de> DeserializeSeed<'de> for Raw<'_, '_, '_> {
    type Value = Placed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Placed, D::Error> {
        self.0.raw(deserializer)
    }
}
