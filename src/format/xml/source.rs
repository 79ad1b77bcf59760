//! Where a document comes from: memory, or a stream; either way as a window of text that moves on.

use std::io::{BufRead, ErrorKind};
use std::sync::Arc;

use super::tokens::Fault;

/// A window takes in so many bytes at once, which the processor's caches hold.
const PIECE: usize = 64 * 1024;

/// A document, of which some text is at hand.
pub(crate) trait Source {
    /// The text at hand.
    fn text(&self) -> &str;
    /// Lets go of the first `used` bytes at hand, and takes in as much again as is left, or a piece;
    /// false when the document has no more.
    fn more(&mut self, used: usize) -> Result<bool, Fault>;
    /// Remembers a place of the text at hand, beyond the last one that was, for
    /// [`line_of`](Self::line_of).
    fn mark(&mut self, at: usize) -> u64;
    /// The line of a mark, from 1; it may cost a scan of all before it.
    fn line_of(&self, mark: u64) -> u64;
    /// The line of a place of the text at hand.
    fn line(&self, at: usize) -> u64;
}

fn lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

fn not_utf8() -> Fault {
    "the document is not UTF-8".into()
}

/// A document in memory.
pub(crate) struct Slice<'a> {
    document: &'a [u8],
    /// Where the window starts.
    start: usize,
    text: &'a str,
    /// Right behind the window stands what is not UTF-8.
    torn: bool,
}

impl<'a> Slice<'a> {
    pub(crate) fn new(document: &'a [u8]) -> Self {
        Slice { document, start: 0, text: "", torn: false }
    }
}

impl Source for Slice<'_> {
    fn text(&self) -> &str {
        self.text
    }

    fn more(&mut self, used: usize) -> Result<bool, Fault> {
        self.start += used;
        self.text = &self.text[used..];
        if self.torn {
            return Err(not_utf8());
        }
        let kept = self.text.len();
        let rest = &self.document[self.start..];
        let mut window = &rest[..rest.len().min(kept + kept.max(PIECE))];
        // A character is not cut in two; it has three bytes at most that continue it.
        for _ in 0..3 {
            if rest.get(window.len()).is_some_and(|byte| byte & 0xC0 == 0x80) {
                window = &window[..window.len() - 1];
            }
        }
        self.text = match std::str::from_utf8(window) {
            Ok(text) => text,
            Err(error) => {
                self.torn = true;
                std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default()
            }
        };
        match self.text.len() > kept {
            false if self.torn => Err(not_utf8()),
            grown => Ok(grown),
        }
    }

    fn mark(&mut self, at: usize) -> u64 {
        (self.start + at) as u64
    }

    fn line_of(&self, mark: u64) -> u64 {
        let before = self.document.len().min(usize::try_from(mark).unwrap_or(usize::MAX));
        1 + lines(&self.document[..before])
    }

    fn line(&self, at: usize) -> u64 {
        self.line_of((self.start + at) as u64)
    }
}

/// A document read from a stream, in memory little longer than its longest token.
pub(crate) struct Stream<R> {
    input: R,
    text: String,
    /// What was read but is not text yet: the start of a character.
    raw: Vec<u8>,
    /// What ended the stream before the document's end.
    fault: Option<Fault>,
    /// The line of a place, the last one that was asked for.
    line: u64,
    counted: usize,
}

impl<R: BufRead> Stream<R> {
    pub(crate) fn new(input: R) -> Self {
        Stream { input, text: String::new(), raw: Vec::new(), fault: None, line: 1, counted: 0 }
    }

    /// Reads a piece of at most `most` bytes; false at the end.
    fn piece(&mut self, most: usize) -> Result<bool, Fault> {
        let count = match self.input.fill_buf() {
            Ok(piece) => {
                let piece = &piece[..piece.len().min(most)];
                self.raw.extend_from_slice(piece);
                piece.len()
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(Fault::Input(Arc::new(error))),
        };
        self.input.consume(count);
        let whole = match std::str::from_utf8(&self.raw) {
            Ok(text) => {
                self.text.push_str(text);
                self.raw.len()
            }
            Err(error) => {
                let whole = error.valid_up_to();
                self.text.push_str(std::str::from_utf8(&self.raw[..whole]).unwrap_or_default());
                if error.error_len().is_some() || count == 0 {
                    return Err(not_utf8());
                }
                whole
            }
        };
        self.raw.drain(..whole);
        Ok(count > 0)
    }
}

impl<R: BufRead> Source for Stream<R> {
    fn text(&self) -> &str {
        &self.text
    }

    fn more(&mut self, used: usize) -> Result<bool, Fault> {
        self.mark(used);
        self.counted = self.counted.saturating_sub(used);
        self.text.drain(..used);
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let kept = self.text.len();
        let wanted = kept + kept.max(PIECE);
        while self.text.len() < wanted {
            match self.piece(wanted - self.text.len()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) if self.text.len() == kept => return Err(fault),
                // What stands before it comes first.
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        Ok(self.text.len() > kept)
    }

    fn mark(&mut self, at: usize) -> u64 {
        self.line = self.line(at);
        self.counted = self.counted.max(at);
        self.line
    }

    fn line_of(&self, mark: u64) -> u64 {
        mark
    }

    fn line(&self, at: usize) -> u64 {
        self.line + self.text.as_bytes().get(self.counted..at).map_or(0, lines)
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
        let (declaration, rest) = EVERYTHING.split_at(EVERYTHING.find("<!--").unwrap());
        for end in 0..=rest.len() {
            // Ends in the middle of the long comment's last character, too.
            let long = format!("<!--{}-->", "é".repeat((PIECE - end - declaration.len()) / 2));
            for long in [&long, &format!("{long} ")] {
                let document = format!("{declaration}{long}{rest}");
                let mut whole = told(Slice::new(document.as_bytes()));
                assert_eq!(streamed(document.as_bytes(), 8192), whole);
                whole.drain(2..whole.len() + 2 - told(Slice::new(EVERYTHING.as_bytes())).len());
                assert_eq!(whole, told(Slice::new(EVERYTHING.as_bytes())));
            }
        }
    }

    #[test]
    fn a_token_may_be_longer_than_any_piece() {
        let long = "xé\n".repeat(PIECE);
        let document = format!("<a>\n{long}<b c='{long}'/><!--{long}--><![CDATA[{long}]]></a>");
        let tokens = told(Slice::new(document.as_bytes()));
        assert_eq!(tokens.len(), 7);
        assert_eq!(tokens[1], format!("{:?} in line 1", format!("\n{long}")));
        assert_eq!(tokens[6], format!("end in line {}", 2 + 4 * PIECE));
        assert_eq!(streamed(document.as_bytes(), 8192), tokens);
    }
}
