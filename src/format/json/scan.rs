//! What JSON's grammar alone does not refuse: nesting too deep, and halves of surrogate pairs.

/// More levels of objects and lists are refused (`docs/spec/json.md`).
const MAX_DEPTH: u32 = 32;

/// Looks at a document byte by byte, before or while it is parsed.
pub(crate) struct Scan {
    /// How many objects and lists are open.
    depth: u32,
    state: State,
    /// A high half stands right before, so a low one must follow.
    high: bool,
    line: u64,
    /// Bytes since the line's start.
    column: u64,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    InString,
    /// After a backslash.
    Escape,
    /// Within `\uXXXX`: the digits so far, and their number.
    Unit(u32, u32),
}

impl Scan {
    pub(crate) fn new() -> Self {
        Scan { depth: 0, state: State::Outside, high: false, line: 1, column: 0 }
    }

    /// The line of the last byte, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The column of the last byte, from 1.
    pub(crate) fn column(&self) -> u64 {
        self.column
    }

    /// Looks at a whole document. One that opens few objects and lists, as most do, is looked at for its escapes alone.
    ///
    /// # Errors
    ///
    /// Where the document is refused, in bytes from its start, and why.
    pub(super) fn whole(document: &[u8]) -> Result<(), (usize, &'static str)> {
        if document.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= MAX_DEPTH as usize {
            return escapes(document);
        }
        let mut scan = Scan::new();
        let mut at = 0;
        loop {
            at += scan.uneventful(&document[at..]);
            let Some(byte) = document.get(at) else { return Ok(()) };
            scan.step(*byte).map_err(|reason| (at, reason))?;
            at += 1;
        }
    }

    /// How many of the next bytes change nothing.
    #[inline]
    fn uneventful(&self, next: &[u8]) -> usize {
        let found = match self.state {
            State::Outside => next.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')),
            State::InString if !self.high => memchr::memchr2(b'"', b'\\', next),
            _ => Some(0),
        };
        found.unwrap_or(next.len())
    }

    /// Takes in the next byte.
    ///
    /// # Errors
    ///
    /// Why the document is refused.
    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), &'static str> {
        if byte == b'\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
        self.step(byte)
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        match (self.state, byte) {
            (State::Outside, b'"') => self.state = State::InString,
            (State::Outside, b'{' | b'[') => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err("objects and lists are nested more than 32 levels deep");
                }
            }
            (State::Outside, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (State::Outside, _) => {}
            (State::InString, b'\\') => self.state = State::Escape,
            (State::InString, other) => {
                self.no_half_before()?;
                if other == b'"' {
                    self.state = State::Outside;
                }
            }
            (State::Escape, b'u') => self.state = State::Unit(0, 0),
            (State::Escape, _) => {
                self.state = State::InString;
                self.no_half_before()?;
            }
            (State::Unit(before, digits), digit) => {
                // What is no digit is the parser's to refuse.
                let unit = before << 4 | char::from(digit).to_digit(16).unwrap_or(0);
                self.state = if digits == 3 { State::InString } else { State::Unit(unit, digits + 1) };
                if digits == 3 {
                    return self.unit(unit);
                }
            }
        }
        Ok(())
    }

    fn unit(&mut self, unit: u32) -> Result<(), &'static str> {
        match (unit, self.high) {
            (0xDC00..=0xDFFF, true) => self.high = false,
            (0xDC00..=0xDFFF, false) => return Err(LONE),
            (0xD800..=0xDBFF, false) => self.high = true,
            _ => return self.no_half_before(),
        }
        Ok(())
    }

    fn no_half_before(&self) -> Result<(), &'static str> {
        if self.high { Err(LONE) } else { Ok(()) }
    }
}

/// Looks at the escapes of a document; what is no escape is the parser's to refuse.
fn escapes(document: &[u8]) -> Result<(), (usize, &'static str)> {
    // Where the other half of a pair must stand.
    let mut wanted = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &document[at..]) {
        at += found;
        let unit = match document.get(at + 1..at + 6) {
            Some([b'u', digits @ ..]) => {
                digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
            }
            _ => 0,
        };
        let is_low = (0xDC00..0xE000).contains(&unit);
        match wanted.take() {
            Some(place) if place != at || !is_low => return Err((place, LONE)),
            None if is_low => return Err((at, LONE)),
            _ => {}
        }
        let is_high = (0xD800..0xDC00).contains(&unit);
        wanted = is_high.then_some(at + 6);
        at += if is_high || is_low { 6 } else { 2 };
        at = at.min(document.len());
    }
    match wanted {
        // A document that ends there is not JSON in any case.
        Some(place) if place < document.len() => Err((place, LONE)),
        _ => Ok(()),
    }
}

const LONE: &str = "a string has one half of a surrogate pair without the other";
