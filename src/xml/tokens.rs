//! Well-formed tokens: quick-xml's borrowed events under the checks that it leaves to its caller.
//!
//! quick-xml finds the markup and matches the end tags; names, attributes, characters, references,
//! the declaration and the document's outline are checked here. A DOCTYPE is refused.

use std::borrow::Cow;
use std::io::BufRead;
use std::sync::Arc;

use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesDecl, BytesPI, BytesStart, Event};
use quick_xml::reader::Reader;

use super::names::{Look, attributes, find_illegal, is_name, reference};
use crate::error::Error;
use crate::value::{is_space, quoted};

/// Deeper documents are refused (`wire.md`).
const MAX_DEPTH: usize = 32;

/// What a document is made of, once comments and instructions are gone.
pub(crate) enum Token<'a> {
    Start {
        name: Name<'a>,
        nil: bool,
    },
    /// Also follows the start of an empty element.
    End,
    Text(Cow<'a, str>),
    /// A comment, an instruction, or white space outside the root.
    Nothing,
    Eof,
}

/// Where a document comes from: memory, or a stream that is read piece by piece.
pub(crate) trait Source {
    fn event(&mut self) -> quick_xml::Result<Event<'_>>;
    /// The place that the last event starts at.
    fn mark(&self) -> u64;
    /// The line of a place, from 1; it may cost a scan of all before it.
    fn line_of(&self, mark: u64) -> u64;
}

/// A document in memory.
pub(crate) struct Slice<'a> {
    document: &'a [u8],
    reader: Reader<&'a [u8]>,
    start: u64,
}

impl<'a> Slice<'a> {
    pub(crate) fn new(document: &'a [u8]) -> Self {
        Slice { document, reader: configured(Reader::from_reader(document)), start: 0 }
    }
}

impl Source for Slice<'_> {
    fn event(&mut self) -> quick_xml::Result<Event<'_>> {
        self.start = self.reader.buffer_position();
        self.reader.read_event()
    }

    fn mark(&self) -> u64 {
        self.start
    }

    fn line_of(&self, mark: u64) -> u64 {
        let before = self.document.len().min(usize::try_from(mark).unwrap_or(usize::MAX));
        1 + memchr::memchr_iter(b'\n', &self.document[..before]).count() as u64
    }
}

/// A document read from a stream, in memory no longer than its longest event.
pub(crate) struct Stream<R> {
    reader: Reader<CountLines<R>>,
    buffer: Vec<u8>,
    line: u64,
}

impl<R: BufRead> Stream<R> {
    pub(crate) fn new(input: R) -> Self {
        let reader = configured(Reader::from_reader(CountLines { input, lines: 0 }));
        Stream { reader, buffer: Vec::new(), line: 1 }
    }
}

impl<R: BufRead> Source for Stream<R> {
    fn event(&mut self) -> quick_xml::Result<Event<'_>> {
        self.line = 1 + self.reader.get_ref().lines;
        self.buffer.clear();
        self.reader.read_event_into(&mut self.buffer)
    }

    fn mark(&self) -> u64 {
        self.line
    }

    fn line_of(&self, mark: u64) -> u64 {
        mark
    }
}

struct CountLines<R> {
    input: R,
    lines: u64,
}

impl<R: BufRead> std::io::Read for CountLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.lines += memchr::memchr_iter(b'\n', &buffer[..count]).count() as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for CountLines<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffer) = self.input.fill_buf() {
            self.lines += memchr::memchr_iter(b'\n', &buffer[..amount]).count() as u64;
        }
        self.input.consume(amount);
    }
}

fn configured<R>(mut reader: Reader<R>) -> Reader<R> {
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    reader
}

/// Why a token cannot be had; [`Tokens::error`] adds the line.
pub(crate) enum Fault {
    Malformed(String),
    /// What stands for no character that XML can carry.
    Character(String),
    Input(Arc<std::io::Error>),
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Fault::Malformed(reason.to_owned())
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Fault::Malformed(reason)
    }
}

/// Reads a document's tokens, and refuses it at the first thing that is not well-formed.
pub(crate) struct Tokens<S> {
    source: S,
    outline: Outline,
}

impl<S: Source> Tokens<S> {
    pub(crate) fn new(source: S) -> Self {
        Tokens { source, outline: Outline { depth: 0, seen_root: false, first: true } }
    }

    /// The place of the last token, for [`line_of`](Self::line_of).
    pub(crate) fn mark(&self) -> u64 {
        self.source.mark()
    }

    /// The line of a mark, from 1.
    pub(crate) fn line_of(&self, mark: u64) -> u64 {
        self.source.line_of(mark)
    }

    /// An error at the last token.
    pub(crate) fn error(&self, fault: impl Into<Fault>) -> Error {
        match fault.into() {
            Fault::Malformed(reason) => Error::Xml { line: self.line_of(self.mark()), reason: shortened(reason) },
            Fault::Character(what) => {
                Error::Xml { line: self.line_of(self.mark()), reason: format!("the document holds {what}") }
            }
            Fault::Input(source) => Error::Storage { doing: "reading the document", source },
        }
    }

    /// An error at the last token, which belongs to a field: a character is its value's fault.
    pub(crate) fn error_in(&self, field: Option<&'static str>, fault: Fault) -> Error {
        match (fault, field) {
            (Fault::Character(what), Some(field)) => {
                let line = Some(self.line_of(self.mark()));
                Error::Invalid { field, reason: format!("holds {what}; remove it"), line }
            }
            (Fault::Malformed(reason), Some(field)) => self.error(format!("<{field}>: {reason}")),
            (fault, _) => self.error(fault),
        }
    }

    pub(crate) fn next(&mut self) -> Result<Token<'_>, Fault> {
        match self.source.event() {
            Ok(event) => self.outline.token(event),
            Err(error) => Err(fault(error)),
        }
    }
}

/// How far the document has come.
struct Outline {
    depth: usize,
    seen_root: bool,
    first: bool,
}

impl Outline {
    fn token<'a>(&mut self, event: Event<'a>) -> Result<Token<'a>, Fault> {
        let first = std::mem::replace(&mut self.first, false);
        Ok(match event {
            Event::Start(start) | Event::Empty(start) => self.start(start)?,
            Event::End(_) => {
                self.depth -= 1;
                Token::End
            }
            Event::Text(text) => {
                if memchr::memchr(b'>', text.as_bytes()).is_some() && text.contains("]]>") {
                    return Err("`]]>` stands in text; write `]]&gt;`".into());
                }
                if Look::at(text.as_bytes()).plain() {
                    // No line end to normalise either.
                    return self.text(text.into_inner());
                }
                legal(&text)?;
                self.text(text.xml10_content())?
            }
            Event::CData(data) => {
                self.inside()?;
                legal(&data)?;
                Token::Text(data.xml10_content())
            }
            Event::GeneralRef(name) => {
                self.inside()?;
                Token::Text(match &*name {
                    "amp" => "&".into(),
                    "lt" => "<".into(),
                    "gt" => ">".into(),
                    _ => String::from(reference(&name)?).into(),
                })
            }
            Event::Comment(comment) => {
                legal(&comment)?;
                Token::Nothing
            }
            Event::PI(instruction) => {
                check_instruction(&instruction)?;
                Token::Nothing
            }
            Event::Decl(declaration) => {
                if !first {
                    return Err("an XML declaration stands elsewhere than at the very start".into());
                }
                check_declaration(&declaration)?;
                Token::Nothing
            }
            Event::DocType(_) => return Err("a DOCTYPE is not accepted; remove it".into()),
            Event::Eof if self.depth > 0 => return Err("the document ends before its elements do".into()),
            Event::Eof if !self.seen_root => return Err("the document is empty; a root element is missing".into()),
            Event::Eof => Token::Eof,
        })
    }

    fn start<'a>(&mut self, start: BytesStart<'a>) -> Result<Token<'a>, Fault> {
        if self.depth == 0 && self.seen_root {
            return Err("a second root element follows the first".into());
        }
        if self.depth == MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH} levels").into());
        }
        self.seen_root = true;
        self.depth += 1;
        let length = start.name().as_ref().len();
        if !is_name(start.name().as_ref()) {
            return Err("a tag has no legal name".into());
        }
        let nil = attributes(start.attributes_raw())?;
        Ok(Token::Start { name: Name { start, length }, nil })
    }

    fn text<'a>(&self, text: Cow<'a, str>) -> Result<Token<'a>, Fault> {
        if self.depth > 0 {
            return Ok(Token::Text(text));
        }
        if text.chars().all(is_space) {
            return Ok(Token::Nothing);
        }
        Err("text stands outside the root element".into())
    }

    fn inside(&self) -> Result<(), Fault> {
        if self.depth > 0 { Ok(()) } else { Err("text stands outside the root element".into()) }
    }
}

/// The name of an element that starts.
pub(crate) struct Name<'a> {
    start: BytesStart<'a>,
    length: usize,
}

impl Name<'_> {
    /// The raw value of an attribute of the element.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
        let mut rest = self.start.attributes_raw();
        while let Ok(Some((name, value, after))) = super::names::attribute(rest) {
            if name == wanted {
                return Some(value);
            }
            rest = after;
        }
        None
    }
}

impl std::ops::Deref for Name<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.start[..self.length]
    }
}

fn legal(text: &str) -> Result<(), Fault> {
    match find_illegal(text) {
        None => Ok(()),
        Some(character) => {
            let number = u32::from(character);
            Err(Fault::Character(format!("the character U+{number:04X}, which XML cannot carry")))
        }
    }
}

fn check_instruction(instruction: &BytesPI<'_>) -> Result<(), Fault> {
    let target = instruction.target();
    if !is_name(target) || target.eq_ignore_ascii_case("xml") {
        return Err("a processing instruction has no legal target".into());
    }
    legal(instruction.content())
}

/// `version`, then perhaps `encoding`, then perhaps `standalone`; UTF-8 and its subset only.
fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    let mut rest = &declaration["xml".len()..];
    let mut seen = 0;
    while let Some((name, value, after)) = super::names::attribute(rest)? {
        let order = match name {
            "version" => {
                let minor = value.strip_prefix("1.").unwrap_or_default();
                if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("the XML declaration names a version other than 1.0".into());
                }
                1
            }
            "encoding" => {
                if !is_utf8_name(value) {
                    return Err(format!("the document says its encoding is {}; send UTF-8", quoted(value)).into());
                }
                2
            }
            "standalone" if value == "yes" || value == "no" => 3,
            _ => return Err("the XML declaration is malformed".into()),
        };
        if order <= seen || (seen == 0 && order != 1) {
            return Err("the XML declaration is malformed".into());
        }
        seen = order;
        rest = after;
    }
    if seen == 0 { Err("the XML declaration has no version".into()) } else { Ok(()) }
}

/// Whether the name of an encoding is one that UTF-8 contains.
pub(crate) fn is_utf8_name(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| name.eq_ignore_ascii_case(encoding))
}

/// A reason without the end of a name that goes on and on.
fn shortened(reason: String) -> String {
    const LONGEST: usize = 200;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    }
}

fn fault(error: quick_xml::Error) -> Fault {
    match error {
        quick_xml::Error::Io(error) => Fault::Input(error),
        quick_xml::Error::Encoding(_) => "the document is not UTF-8".into(),
        quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
            "`&` stands alone in text; write `&amp;`".into()
        }
        quick_xml::Error::IllFormed(error) => error.to_string().into(),
        other => format!("{other}").into(),
    }
}
