//! Well-formed tokens (XML 1.0, fifth edition): quick-xml's events under the checks that it leaves to
//! its caller.
//!
//! quick-xml finds the markup, and matches the end tags. Names, attributes, characters, references, the
//! declaration and the document's outline are checked here. A DOCTYPE is refused.

use std::borrow::Cow;

use quick_xml::errors::{Error as Unread, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, BytesText, Event};

use super::declaration::{check_declaration, check_instruction};
use super::fault::Fault;
use super::names::{attributes, is_name, legal, plain_length, reference};
use super::source::{Source, TooLong};
use crate::error::Error;
use crate::record::TOO_LONG;
use crate::value::is_space;

/// Deeper documents are refused (`docs/spec/wire.md`).
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

/// The name of an element that starts.
pub(crate) struct Name<'a> {
    /// The name and the attributes.
    tag: BytesStart<'a>,
    length: usize,
}

impl Name<'_> {
    /// The raw value of an attribute of the element.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
        let mut rest = self.tag.attributes_raw();
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

    #[inline]
    fn deref(&self) -> &str {
        &self.tag[..self.length]
    }
}

/// Reads a document's tokens, and refuses it at the first thing that is not well-formed.
pub(crate) struct Tokens<S> {
    source: S,
    outline: Outline,
}

impl<S: Source> Tokens<S> {
    pub(crate) fn new(source: S) -> Self {
        Tokens { source, outline: Outline::default() }
    }

    /// The place of the last token, for [`line_of`](Self::line_of).
    pub(crate) fn mark(&self) -> u64 {
        self.source.mark()
    }

    /// The line of a mark, from 1.
    pub(crate) fn line_of(&self, mark: u64) -> u64 {
        self.source.line_of(mark)
    }

    /// The line of the last token, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line_of(self.mark())
    }

    /// An error at the last token.
    pub(crate) fn error(&self, fault: impl Into<Fault>) -> Error {
        self.error_in(None, fault.into())
    }

    /// An error at the last token, which may belong to a field: a character is its value's fault, and so is a text
    /// that is too long.
    pub(crate) fn error_in(&self, field: Option<&'static str>, fault: Fault) -> Error {
        let invalid = |field, reason| Error::Invalid { field, reason: shortened(reason), line: Some(self.line()) };
        let reason = match (fault, field) {
            (Fault::Character(what), Some(field)) => return invalid(field, format!("holds {what}; remove it")),
            (Fault::Character(what), None) => return self.malformed(format!("the document holds {what}")),
            (Fault::Unread(Unread::Io(source)), _) if !is_too_long(&source) => {
                return Error::Storage { doing: "reading the document", source };
            }
            (Fault::Unread(Unread::Io(_)), Some(field)) => return invalid(field, TOO_LONG.to_owned()),
            (Fault::Unread(error), _) => unread(error, self.source.token()),
            (Fault::Malformed(reason), _) => reason,
        };
        self.malformed(match field {
            Some(field) => format!("<{field}>: {reason}"),
            None => reason,
        })
    }

    fn malformed(&self, reason: String) -> Error {
        Error::Xml { line: self.line(), reason: shortened(reason) }
    }

    /// Passes over white space that markup follows, for where it means nothing.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        self.source.skip_space();
    }

    /// The text of the element whose start was the last token, if nothing but text that needs no second look stands
    /// before its end; that is read, too. The start stays the last token.
    #[inline]
    pub(crate) fn leaf(&mut self) -> Option<&str> {
        let text = self.source.leaf()?;
        self.outline.depth -= 1;
        Some(text)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Result<Token<'_>, Fault> {
        match self.source.event() {
            Ok(event) => self.outline.token(event),
            Err(error) => Err(Fault::Unread(error)),
        }
    }
}

/// How far the document has come.
#[derive(Default)]
struct Outline {
    /// How many elements are open.
    depth: usize,
    seen_root: bool,
    /// A token was looked for.
    begun: bool,
}

impl Outline {
    #[inline]
    fn token<'a>(&mut self, event: Event<'a>) -> Result<Token<'a>, Fault> {
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Start(tag) | Event::Empty(tag) => self.start(tag),
            Event::End(_) => {
                self.depth -= 1;
                Ok(Token::End)
            }
            Event::Text(text) => self.text(text),
            other => self.rare(other, first),
        }
    }

    #[inline]
    fn start<'a>(&mut self, tag: BytesStart<'a>) -> Result<Token<'a>, Fault> {
        if self.depth == 0 && self.seen_root {
            return Err("a second root element follows the first".into());
        }
        if self.depth == MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH} levels").into());
        }
        self.seen_root = true;
        self.depth += 1;
        let length = tag.name().as_ref().len();
        if !is_name(&tag[..length]) {
            return Err("a tag has no legal name".into());
        }
        Ok(Token::Start { nil: attributes(tag.attributes_raw())?, name: Name { tag, length } })
    }

    #[inline]
    fn text<'a>(&self, text: BytesText<'a>) -> Result<Token<'a>, Fault> {
        if self.depth > 0 && plain_length(text.as_bytes()) == text.len() {
            return Ok(Token::Text(text.into_inner()));
        }
        if text.contains("]]>") {
            return Err("`]]>` stands in text; write `]]&gt;`".into());
        }
        legal(&text)?;
        if self.depth == 0 && text.chars().all(is_space) {
            return Ok(Token::Nothing);
        }
        self.check_inside()?;
        Ok(Token::Text(text.xml10_content()))
    }

    fn rare<'a>(&self, event: Event<'a>, first: bool) -> Result<Token<'a>, Fault> {
        match event {
            Event::CData(text) => {
                self.check_inside()?;
                legal(&text)?;
                return Ok(Token::Text(text.xml10_content()));
            }
            Event::GeneralRef(name) => {
                self.check_inside()?;
                return Ok(Token::Text(match reference(&name)? {
                    '&' => "&".into(),
                    '<' => "<".into(),
                    '>' => ">".into(),
                    other => String::from(other).into(),
                }));
            }
            Event::Comment(comment) => legal(&comment)?,
            Event::PI(instruction) => check_instruction(&instruction)?,
            Event::Decl(declaration) if first => check_declaration(&declaration)?,
            Event::Decl(_) => return Err("an XML declaration stands elsewhere than at the very start".into()),
            Event::DocType(_) => return Err(NO_DOCTYPE.into()),
            _ if self.depth > 0 => return Err("the document ends before its elements do".into()),
            _ if !self.seen_root => return Err("the document is empty; a root element is missing".into()),
            _ => return Ok(Token::Eof),
        }
        Ok(Token::Nothing)
    }

    fn check_inside(&self) -> Result<(), Fault> {
        if self.depth > 0 { Ok(()) } else { Err("text stands outside the root element".into()) }
    }
}

const NO_DOCTYPE: &str = "a DOCTYPE is not accepted; remove it";

fn is_too_long(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLong>())
}

/// Why quick-xml could not read a token.
fn unread(error: Unread, token: &[u8]) -> String {
    const DOCTYPE: &[u8] = b"<!DOCTYPE";
    let reason = match error {
        // Whatever else is wrong with it.
        _ if token.get(..DOCTYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE)) => NO_DOCTYPE,
        Unread::Encoding(_) => "the document is not UTF-8",
        Unread::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            return format!("</{found}> stands where </{expected}> should");
        }
        Unread::IllFormed(IllFormedError::UnmatchedEndTag(found)) => return format!("</{found}> ends no element"),
        Unread::IllFormed(IllFormedError::UnclosedReference) => "`&` stands alone in text; write `&amp;`",
        Unread::IllFormed(IllFormedError::DoubleHyphenInComment) => "`--` stands in a comment",
        Unread::Syntax(SyntaxError::UnclosedComment) => "a comment is not closed; its `-->` is missing",
        Unread::Syntax(SyntaxError::UnclosedCData) => "a CDATA section is not closed; its `]]>` is missing",
        Unread::Syntax(SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl) => {
            "a processing instruction is not closed; its `?>` is missing"
        }
        Unread::Syntax(SyntaxError::InvalidBangMarkup | SyntaxError::UnclosedDoctype) => {
            "`<!` starts neither a comment nor a CDATA section"
        }
        Unread::Syntax(_) if token.starts_with(b"</") => "an end tag is not closed; its `>` is missing",
        Unread::Syntax(_) => "a tag is not closed; its `>` is missing",
        Unread::Io(source) => return source.to_string(),
        other => return other.to_string(),
    };
    reason.to_owned()
}

/// A reason without the end of a name that goes on and on.
fn shortened(reason: String) -> String {
    const LONGEST: usize = 200;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    }
}
