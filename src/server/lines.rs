//! A look at the header lines that pass, for what hyper does not tell.

const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";
const CONTENT_LENGTH: &[u8] = b"content-length:";

/// Follows the lines of a connection.
///
/// hyper takes a head with both `Transfer-Encoding` and `Content-Length`, and hides the latter. Two
/// readers may disagree about where such a request ends, so the server refuses it. Bodies pass here
/// too; what they look like matters to chunked requests only.
#[derive(Default)]
pub(super) struct Lines {
    /// The beginning of the current line.
    beginning: [u8; TRANSFER_ENCODING.len()],
    /// How long the line is so far, without carriage returns.
    length: usize,
    ended_blank: bool,
    has_encoding: bool,
    has_length: bool,
}

impl Lines {
    /// True where a head in it has both lines.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> bool {
        let mut ambiguous = false;
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.extend(&rest[..end]);
            self.end_line();
            ambiguous |= self.has_encoding && self.has_length;
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        ambiguous
    }

    /// Whether something has come since the last blank line.
    pub(super) fn is_partial(&self) -> bool {
        self.length > 0 || !self.ended_blank
    }

    fn extend(&mut self, part: &[u8]) {
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        if let Some(free) = self.beginning.get_mut(self.length..) {
            let taken = free.len().min(part.len());
            free[..taken].copy_from_slice(&part[..taken]);
        }
        self.length = self.length.saturating_add(part.len());
    }

    fn end_line(&mut self) {
        let beginning = &self.beginning[..self.length.min(self.beginning.len())];
        let is = |name: &[u8]| beginning.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        match beginning.first() {
            None => (self.has_encoding, self.has_length) = (false, false),
            Some(b't' | b'T') => self.has_encoding |= is(TRANSFER_ENCODING),
            Some(b'c' | b'C') => self.has_length |= is(CONTENT_LENGTH),
            Some(_) => {}
        }
        self.ended_blank = self.length == 0;
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 4\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn both_lines_in_one_head_are_seen_however_they_come() {
        for size in 1..BOTH.len() {
            let mut lines = Lines::default();
            let mut seen = false;
            for part in BOTH.chunks(size) {
                seen |= lines.pass(part);
            }
            assert!(seen, "in pieces of {size}");
            assert!(!lines.is_partial());
        }
        assert!(Lines::default().pass(&BOTH.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>()));
    }

    #[test]
    fn one_line_in_each_head_is_none_of_its_business() {
        let mut lines = Lines::default();
        assert!(!lines.pass(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"));
        assert!(!lines.is_partial());
        assert!(!lines.pass(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
        assert!(!lines.is_partial());
        assert!(!lines.pass(b"GE"));
        assert!(lines.is_partial());
    }
}
