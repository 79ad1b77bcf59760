//! Where a document comes from: memory, or a stream that is read piece by piece.

use std::io::{BufRead, Chain, Cursor, Read};

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::names::plain_length;
use crate::record::LONGEST_TEXT;

/// A document, of which quick-xml reads one event after the other.
pub(crate) trait Source {
    fn event(&mut self) -> quick_xml::Result<Event<'_>>;
    /// The bytes of the last event; of one that could not be read, those that were tried.
    fn token(&self) -> &[u8];
    /// Passes over white space that markup follows, if that is at hand.
    fn skip_space(&mut self) {}
    /// The text of the element whose start was the last event, and which ends behind it, if that is at hand and the
    /// text needs no second look. The start stays the last event.
    fn leaf(&mut self) -> Option<&str> {
        None
    }
    /// The place of the last event's start.
    fn mark(&self) -> u64;
    /// The line of a mark, from 1; it may cost a scan of all before it.
    fn line_of(&self, mark: u64) -> u64;
}

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

fn lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

fn reader<R>(source: R) -> Reader<R> {
    let mut reader = Reader::from_reader(source);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    reader
}

/// What an event that is longer than [`LONGEST_TEXT`] is refused with.
#[derive(Debug, thiserror::Error)]
#[error("a text, a tag or a comment is longer than 16 MiB")]
pub(super) struct TooLong;

impl From<TooLong> for std::io::Error {
    fn from(error: TooLong) -> Self {
        std::io::Error::other(error)
    }
}

/// A document in memory.
pub(crate) struct Slice<'a> {
    /// The document without a byte order mark, which quick-xml's positions leave out.
    document: &'a [u8],
    reader: Reader<&'a [u8]>,
    start: usize,
}

impl<'a> Slice<'a> {
    pub(crate) fn new(document: &'a [u8]) -> Self {
        let counted = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
        Slice { document: counted, reader: reader(document), start: 0 }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.document.len())
    }
}

impl Source for Slice<'_> {
    #[inline]
    fn event(&mut self) -> quick_xml::Result<Event<'_>> {
        self.start = self.position();
        let event = self.reader.read_event()?;
        if self.position() - self.start > LONGEST_TEXT {
            return Err(std::io::Error::from(TooLong).into());
        }
        Ok(event)
    }

    fn token(&self) -> &[u8] {
        &self.document[self.start..]
    }

    #[inline]
    fn skip_space(&mut self) {
        let rest = *self.reader.get_ref();
        let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')).count();
        if rest.get(space) == Some(&b'<') {
            self.reader.stream().consume(space);
        }
    }

    #[inline]
    fn leaf(&mut self) -> Option<&str> {
        let rest = *self.reader.get_ref();
        let length = plain_length(rest);
        let end = rest[length..].strip_prefix(b"</")?;
        let start = &self.document[self.start..self.position()];
        let name = &end[..memchr::memchr(b'>', end)?];
        let after = start.strip_prefix(b"<")?.strip_prefix(name)?;
        // quick-xml gives the end of an empty element next.
        if !matches!(after.first(), Some(b' ' | b'>')) || after.ends_with(b"/>") {
            return None;
        }
        let text = std::str::from_utf8(&rest[..length]).ok().filter(|_| length <= LONGEST_TEXT)?;
        self.reader.stream().consume(length);
        matches!(self.reader.read_event(), Ok(Event::End(_))).then_some(text)
    }

    fn mark(&self) -> u64 {
        self.start as u64
    }

    fn line_of(&self, mark: u64) -> u64 {
        let before = usize::try_from(mark).unwrap_or(usize::MAX).min(self.document.len());
        1 + lines(&self.document[..before])
    }
}

/// A document read from a stream, in memory no longer than its longest event.
pub(crate) struct Stream<R> {
    /// The document's first bytes, and what follows them.
    reader: Reader<Chain<Cursor<Vec<u8>>, Bounded<R>>>,
    /// The last event.
    token: Vec<u8>,
    /// The line that it starts in.
    line: u64,
    begun: bool,
}

impl<R: BufRead> Stream<R> {
    pub(crate) fn new(input: R) -> Self {
        let source = Cursor::new(Vec::new()).chain(Bounded { input, taken: 0 });
        Stream { reader: reader(source), token: Vec::new(), line: 1, begun: false }
    }
}

impl<R: BufRead> Source for Stream<R> {
    fn event(&mut self) -> quick_xml::Result<Event<'_>> {
        self.line += lines(&self.token);
        self.token.clear();
        let (head, rest) = self.reader.get_mut().get_mut();
        rest.taken = 0;
        if !std::mem::replace(&mut self.begun, true) {
            // quick-xml finds a byte order mark only if it has it in one piece.
            rest.take(BYTE_ORDER_MARK.len() as u64).read_to_end(head.get_mut())?;
        }
        self.reader.read_event_into(&mut self.token)
    }

    fn token(&self) -> &[u8] {
        &self.token
    }

    fn mark(&self) -> u64 {
        self.line
    }

    fn line_of(&self, mark: u64) -> u64 {
        mark
    }
}

/// A stream that gives little more than [`LONGEST_TEXT`] bytes for one event.
struct Bounded<R> {
    input: R,
    /// How many bytes of it the event has.
    taken: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.taken > LONGEST_TEXT {
            return Err(TooLong.into());
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::super::tokens::{Token, Tokens};
    use super::*;

    const EVERYTHING: &str = "<?xml version='1.0' ?>\n<!-- é -->\n<a b='>' c=\"/\">x &amp;&#x1F980;\r\n<b/>\n\
        <name type=\"integer\">1</name ><![CDATA[]]><![CDATA[é🦀]]></a>\n<?p i?>\n";

    /// The tokens of a document with their lines, and what it is refused for.
    fn told(source: impl Source) -> Vec<String> {
        let mut tokens = Tokens::new(source);
        let mut told = Vec::new();
        loop {
            let token = match tokens.next() {
                Ok(Token::Start { name, nil }) => format!("<{}> {:?} {nil}", &*name, name.attribute("c")),
                Ok(Token::End) => "end".to_owned(),
                Ok(Token::Text(text)) => format!("{text:?}"),
                Ok(Token::Nothing) => "nothing".to_owned(),
                Ok(Token::Eof) => return told,
                Err(fault) => {
                    told.push(tokens.error(fault).to_string());
                    return told;
                }
            };
            let mark = tokens.mark();
            assert_eq!(tokens.line_of(mark), tokens.line());
            told.push(format!("{token} in line {}", tokens.line()));
        }
    }

    fn streamed(document: &[u8], capacity: usize) -> Vec<String> {
        told(Stream::new(BufReader::with_capacity(capacity, document)))
    }

    #[test]
    fn a_stream_and_a_slice_give_the_same_tokens_whatever_is_wrong() {
        let document = EVERYTHING.as_bytes();
        assert_eq!(told(Slice::new(document)).len(), 21);
        for at in 0..document.len() {
            let damaged =
                b"<>&/'\n\x01\xFF".iter().map(|byte| [&document[..at], &[*byte], &document[at + 1..]].concat());
            for document in damaged.chain([document[..at].to_vec()]) {
                let whole = told(Slice::new(&document));
                for capacity in [1, 2, 7, 8192] {
                    assert_eq!(streamed(&document, capacity), whole, "{:?}", String::from_utf8_lossy(&document));
                }
            }
        }
    }

    #[test]
    fn a_piece_may_end_anywhere() {
        let document = format!("\u{FEFF}{EVERYTHING}");
        let whole = told(Slice::new(document.as_bytes()));
        for capacity in 1..=document.len() {
            assert_eq!(streamed(document.as_bytes(), capacity), whole, "pieces of {capacity} bytes");
        }
    }

    #[test]
    fn a_token_may_be_longer_than_any_piece() {
        const LINES: usize = 64 * 1024;
        let long = "xé\n".repeat(LINES);
        let document = format!("<a>\n{long}<b c='{long}'/><!--{long}--><![CDATA[{long}]]></a>");
        let tokens = told(Slice::new(document.as_bytes()));
        assert_eq!(tokens.len(), 7);
        assert_eq!(tokens[1], format!("{:?} in line 1", format!("\n{long}")));
        assert_eq!(tokens[6], format!("end in line {}", 2 + 4 * LINES));
        assert_eq!(streamed(document.as_bytes(), 8192), tokens);
    }
}
