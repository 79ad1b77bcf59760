//! Well-formed tokens (XML 1.0, fifth edition): markup, text and references, each checked as it is
//! found. A DOCTYPE is refused.
//!
//! Most of a document is of one kind: tags without surprises, and text that needs no second look.
//! That is recognised in one pass, and borrowed; all else takes a longer way to the same token.

use std::borrow::Cow;
use std::sync::Arc;

use super::declaration::{check_declaration, check_instruction, declared};
use super::names::{
    attributes, is_name, legal, normalised, plain_attributes, plain_length, plain_name, reference, tag_end,
};
use super::outline::Outline;
use super::source::Source;
use crate::error::Error;
use crate::record::LONGEST_TEXT;
use crate::value::is_space;

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
    tag: &'a str,
    length: usize,
}

impl Name<'_> {
    /// The raw value of an attribute of the element.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
        let mut rest = &self.tag[self.length..];
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
    /// The last token's start and end in the text at hand.
    start: usize,
    at: usize,
    outline: Outline,
}

impl<S: Source> Tokens<S> {
    pub(crate) fn new(source: S) -> Self {
        Tokens { source, start: 0, at: 0, outline: Outline::default() }
    }

    /// The place of the last token, for [`line_of`](Self::line_of).
    pub(crate) fn mark(&mut self) -> u64 {
        self.source.mark(self.start)
    }

    /// The line of a mark, from 1.
    pub(crate) fn line_of(&self, mark: u64) -> u64 {
        self.source.line_of(mark)
    }

    /// The line of the last token, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.source.line(self.start)
    }

    /// An error at the last token.
    pub(crate) fn error(&self, fault: impl Into<Fault>) -> Error {
        match fault.into() {
            Fault::Malformed(reason) => Error::Xml { line: self.line(), reason: shortened(reason) },
            Fault::Character(what) => Error::Xml { line: self.line(), reason: format!("the document holds {what}") },
            Fault::Input(source) => Error::Storage { doing: "reading the document", source },
        }
    }

    /// An error at the last token, which belongs to a field: a character is its value's fault.
    pub(crate) fn error_in(&self, field: Option<&'static str>, fault: Fault) -> Error {
        match (fault, field) {
            (Fault::Character(what), Some(field)) => {
                Error::Invalid { field, reason: format!("holds {what}; remove it"), line: Some(self.line()) }
            }
            (Fault::Malformed(reason), Some(field)) => self.error(format!("<{field}>: {reason}")),
            (fault, _) => self.error(fault),
        }
    }

    /// Passes over white space that markup follows, for where it means nothing.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        let rest = &self.source.text().as_bytes()[self.at..];
        let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')).count();
        if rest.get(space) == Some(&b'<') && !self.outline.empty {
            self.at += space;
        }
    }

    /// The text of the element whose start was the last token, if nothing but text that needs no
    /// second look stands before its end; that is read, too. The start stays the last token.
    #[inline]
    pub(crate) fn leaf(&mut self) -> Option<&str> {
        let rest = &self.source.text()[self.at..];
        let length = plain_length(rest.as_bytes());
        let end = self.outline.end(&rest.as_bytes()[length..]).filter(|_| !self.outline.empty)?;
        self.outline.close();
        self.at += length + end;
        Some(&rest[..length])
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Result<Token<'_>, Fault> {
        self.start = self.at;
        if std::mem::take(&mut self.outline.empty) {
            self.outline.close();
            return Ok(Token::End);
        }
        let first = !std::mem::replace(&mut self.outline.begun, true);
        if first || self.rest().len() < 2 {
            self.begin(first)?;
        }
        match self.rest().as_bytes() {
            [b'<', b'/', ..] => self.end_tag(),
            [b'<', b'!', ..] => self.declaration(),
            [b'<', b'?', ..] => self.instruction(first),
            [b'<', ..] => self.start_tag(),
            [b'&', ..] => self.reference(),
            [_, ..] => self.text(),
            [] if self.outline.is_inside() => Err("the document ends before its elements do".into()),
            [] if !self.outline.seen_root() => Err("the document is empty; a root element is missing".into()),
            [] => Ok(Token::Eof),
        }
    }

    /// The text at hand from the token's start on.
    #[inline]
    fn rest(&self) -> &str {
        &self.source.text()[self.start..]
    }

    /// Takes in more behind the token's start; false at the document's end.
    #[cold]
    fn more(&mut self) -> Result<bool, Fault> {
        let used = std::mem::take(&mut self.start);
        self.at -= used;
        self.source.more(used)
    }

    /// Has the bytes at hand by which a token is told; a byte order mark is none.
    #[cold]
    fn begin(&mut self, first: bool) -> Result<(), Fault> {
        while self.rest().len() < 2 && self.more()? {}
        if first && self.rest().starts_with('\u{FEFF}') {
            self.at += '\u{FEFF}'.len_utf8();
            self.start = self.at;
            while self.rest().len() < 2 && self.more()? {}
        }
        Ok(())
    }

    /// The end of what `find` looks for from the token's start on, however much it takes; where it is
    /// nowhere, `None`.
    fn find(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> Result<Option<usize>, Fault> {
        loop {
            if let Some(end) = find(self.rest().as_bytes()) {
                self.at = self.start + end;
                return Ok(Some(end));
            }
            if self.rest().len() > LONGEST_TEXT {
                return Err("a text, a tag or a comment is longer than 16 MiB".into());
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    #[inline]
    fn start_tag(&mut self) -> Result<Token<'_>, Fault> {
        let tag = &self.rest()[1..];
        let length = plain_name(tag.as_bytes());
        if length > 0
            && let Some(attributes) = plain_attributes(&tag.as_bytes()[length..])
        {
            let start = self.start + 1;
            self.at = start + length + attributes + 1;
            let tag = &self.source.text()[start..self.at - 1];
            self.outline.open(&tag[..length])?;
            return Ok(Token::Start { name: Name { tag, length }, nil: false });
        }
        self.other_start_tag()
    }

    fn other_start_tag(&mut self) -> Result<Token<'_>, Fault> {
        let Some(end) = self.find(tag_end)? else {
            return Err("a tag is not closed; its `>` is missing".into());
        };
        let tag = &self.source.text()[self.start + 1..self.start + end - 1];
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let length = tag.find(is_space).unwrap_or(tag.len());
        self.outline.open(&tag[..length])?;
        if !is_name(&tag[..length]) {
            return Err("a tag has no legal name".into());
        }
        self.outline.empty = empty;
        Ok(Token::Start { nil: attributes(&tag[length..])?, name: Name { tag, length } })
    }

    #[inline]
    fn end_tag(&mut self) -> Result<Token<'_>, Fault> {
        let length = match self.outline.end(self.rest().as_bytes()) {
            Some(length) => length,
            None => self.other_end_tag()?,
        };
        self.outline.close();
        self.at = self.start + length;
        Ok(Token::End)
    }

    fn other_end_tag(&mut self) -> Result<usize, Fault> {
        let Some(end) = self.find(|rest| past(rest, b">"))? else {
            return Err("an end tag is not closed; its `>` is missing".into());
        };
        let found = self.rest()[2..end - 1].trim_end_matches(is_space);
        match self.outline.name() {
            Some(name) if name == found => Ok(end),
            Some(name) => Err(format!("</{}> stands where </{name}> should", found).into()),
            None => Err(format!("</{}> ends no element", found).into()),
        }
    }

    #[inline]
    fn text(&mut self) -> Result<Token<'_>, Fault> {
        let length = plain_length(self.rest().as_bytes());
        if let Some(b'<' | b'&') = self.rest().as_bytes().get(length)
            && self.outline.is_inside()
        {
            self.at = self.start + length;
            return Ok(Token::Text(self.source.text()[self.start..self.at].into()));
        }
        self.other_text()
    }

    fn other_text(&mut self) -> Result<Token<'_>, Fault> {
        let end = self.find(|rest| memchr::memchr2(b'<', b'&', rest))?.unwrap_or(self.rest().len());
        self.at = self.start + end;
        let text = &self.source.text()[self.start..self.at];
        if text.contains("]]>") {
            return Err("`]]>` stands in text; write `]]&gt;`".into());
        }
        legal(text)?;
        if !self.outline.is_inside() && text.chars().all(is_space) {
            return Ok(Token::Nothing);
        }
        self.outline.check_inside()?;
        Ok(Token::Text(normalised(text)))
    }

    fn reference(&mut self) -> Result<Token<'_>, Fault> {
        let end = self.find(|rest| Some(2 + memchr::memchr3(b';', b'&', b'<', &rest[1..])?))?;
        match end.map(|end| &self.source.text()[self.start + 1..self.start + end]) {
            Some(name) if name.ends_with(';') => {
                self.outline.check_inside()?;
                let character = reference(&name[..name.len() - 1])?;
                Ok(Token::Text(match character {
                    '&' => "&".into(),
                    '<' => "<".into(),
                    '>' => ">".into(),
                    other => String::from(other).into(),
                }))
            }
            _ => Err("`&` stands alone in text; write `&amp;`".into()),
        }
    }

    /// What starts with `<!`.
    fn declaration(&mut self) -> Result<Token<'_>, Fault> {
        const CDATA: &str = "<![CDATA[";
        const COMMENT: &str = "<!--";
        const DOCTYPE: &str = "<!DOCTYPE";
        while self.rest().len() < DOCTYPE.len() && self.more()? {}
        let rest = self.rest();
        if rest.starts_with(COMMENT) {
            // Two dashes only ever end a comment.
            let Some(end) = self.find(|rest| past(&rest[COMMENT.len()..], b"--").map(|end| COMMENT.len() + end))?
            else {
                return Err("a comment is not closed; its `-->` is missing".into());
            };
            while self.rest().len() == end && self.more()? {}
            if self.rest().as_bytes().get(end) != Some(&b'>') {
                return Err("`--` stands in a comment".into());
            }
            self.at = self.start + end + 1;
            legal(&self.rest()[COMMENT.len()..end - 2])?;
            return Ok(Token::Nothing);
        }
        if rest.starts_with(CDATA) {
            let Some(end) = self.find(|rest| past(rest, b"]]>"))? else {
                return Err("a CDATA section is not closed; its `]]>` is missing".into());
            };
            self.outline.check_inside()?;
            let text = &self.rest()[CDATA.len()..end - 3];
            legal(text)?;
            return Ok(Token::Text(normalised(text)));
        }
        if rest.as_bytes().get(..DOCTYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE.as_bytes())) {
            return Err("a DOCTYPE is not accepted; remove it".into());
        }
        Err("`<!` starts neither a comment nor a CDATA section".into())
    }

    /// What starts with `<?`.
    fn instruction(&mut self, first: bool) -> Result<Token<'_>, Fault> {
        let Some(end) = self.find(|rest| past(&rest[2..], b"?>").map(|end| 2 + end))? else {
            return Err("a processing instruction is not closed; its `?>` is missing".into());
        };
        let content = &self.rest()[2..end - 2];
        match declared(content) {
            Some(_) if !first => return Err("an XML declaration stands elsewhere than at the very start".into()),
            Some(rest) => check_declaration(rest)?,
            None => check_instruction(content)?,
        }
        Ok(Token::Nothing)
    }
}

/// The place behind the first `wanted`.
fn past(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted).map(|at| at + wanted.len())
}

/// A reason without the end of a name that goes on and on.
fn shortened(reason: String) -> String {
    const LONGEST: usize = 200;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    }
}
