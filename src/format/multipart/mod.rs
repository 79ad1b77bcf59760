//! Forms in parts, `multipart/form-data`, in which files are sent. They are read as they come, and nothing of them is kept
//! but what is not decided yet.

mod contents;

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;

pub(crate) use self::contents::Contents;
#[cfg(feature = "tower")]
pub(crate) use self::contents::spool;
use crate::error::{Error, Result};
use crate::value::quoted;

/// The most parts that a form has.
const PARTS: usize = 100;
/// The most header lines that a part has.
const HEADERS: usize = 16;
/// The longest header line of a part, in bytes.
const HEADER: usize = 8 * 1024;
/// The longest boundary, in bytes.
const BOUNDARY: usize = 70;
/// How much of a form is looked at in one go, in bytes; a reader that waits for more holds little.
const LOOK: usize = 8 * 1024;

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePart {
    /// Its name without the folders before it.
    pub(crate) file_name: String,
    /// What the part says that it is, where it says so.
    pub(crate) content_type: Option<String>,
    /// Where its bytes stand in the form.
    pub(crate) place: Range<usize>,
}

/// A form that was read as it came, with the file in it.
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only a body that comes in pieces is spooled"))]
#[derive(Clone)]
pub(crate) struct Spooled(pub(crate) Arc<Result<Option<(FilePart, Contents)>>>);

/// What a form says of the file that is looked for.
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only a body that comes in pieces is spooled"))]
pub(crate) enum Piece<'a> {
    /// A file begins; what came of another one before does not count.
    Begins,
    /// Its next bytes.
    Bytes(&'a [u8]),
}

/// Where the pieces of a file go.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Piece<'_>) -> Result<()>;

/// The last file that the parts of this name hold; none where there is no such part with a file name.
///
/// # Errors
///
/// [`Error::Form`] where the body is no form in parts.
pub(crate) fn file(body: &[u8], content_type: &str, name: &'static str) -> Result<Option<FilePart>> {
    let mut reader = Reader::new(content_type, name)?;
    reader.read(body, &mut |_| Ok(()))?;
    reader.finish(&mut |_| Ok(()))
}

/// Reads a form in parts, whose bytes come in pieces of any length.
///
/// The final boundary may be missing, whole or in part: a documented sample lacked it.
pub(crate) struct Reader {
    /// The name of the parts that are looked for.
    name: &'static str,
    delimiter: Finder<'static>,
    state: State,
    /// What came and is not decided yet.
    held: Vec<u8>,
    /// The byte before it.
    previous: u8,
    /// How much of the form came before it, in bytes.
    offset: usize,
    /// The number of parts that have begun.
    parts: usize,
    /// Whether nothing but white space came after the last boundary, and how much of that, in bytes.
    blank: Option<usize>,
    found: Option<FilePart>,
}

enum State {
    /// Before the first boundary.
    Before,
    /// On the line of a boundary.
    Boundary,
    Headers(Headers),
    Content(Content),
    /// After the last boundary.
    After,
}

/// A part whose headers were read.
struct Content {
    /// What its `Content-Length` says.
    told: Option<usize>,
    /// Where it begins in the form.
    start: usize,
    /// How long it is so far, in bytes.
    length: usize,
    /// What it is, where it is looked for.
    file: Option<(String, Option<String>)>,
}

impl Reader {
    /// A reader of a form with this `Content-Type`, which looks for a file in the parts of the name.
    ///
    /// # Errors
    ///
    /// [`Error::Form`] where that is the type of no form in parts.
    pub(crate) fn new(content_type: &str, name: &'static str) -> Result<Self> {
        let delimiter = Finder::new(&format!("--{}", boundary(content_type)?)).into_owned();
        Ok(Reader {
            name,
            delimiter,
            state: State::Before,
            held: Vec::new(),
            // The body begins a line.
            previous: b'\n',
            offset: 0,
            parts: 0,
            blank: None,
            found: None,
        })
    }

    /// Takes in the next bytes of the form.
    ///
    /// # Errors
    ///
    /// [`Error::Form`] where they are no part of one, and what the sink gives.
    pub(crate) fn read(&mut self, bytes: &[u8], sink: Sink<'_>) -> Result<()> {
        for piece in bytes.chunks(LOOK) {
            if let State::After = self.state {
                return Ok(());
            }
            if let Some(blank) = self.blank {
                self.blank = piece.trim_ascii().is_empty().then(|| blank.saturating_add(piece.len()));
            }
            self.held.extend_from_slice(piece);
            while self.step(sink)? {}
        }
        Ok(())
    }

    /// The file, once all of the form has come.
    ///
    /// # Errors
    ///
    /// [`Error::Form`] where it breaks off or is none, and what the sink gives.
    pub(crate) fn finish(mut self, sink: Sink<'_>) -> Result<Option<FilePart>> {
        // At least a part of the final boundary is there.
        if self.blank.is_some_and(|blank| blank <= 4) {
            return Ok(self.found);
        }
        let rest = std::mem::take(&mut self.held);
        match self.state {
            State::Before => Err(form("has no part: its boundary is nowhere in the body")),
            State::Boundary | State::Headers(_) => Err(form("ends within the headers of a part")),
            State::Content(mut content) => {
                content.take(&rest, sink)?;
                content.end(&mut self.found)?;
                Ok(self.found)
            }
            State::After => Ok(self.found),
        }
    }

    /// Goes on as far as what is held tells; false where more has to come.
    fn step(&mut self, sink: Sink<'_>) -> Result<bool> {
        match &mut self.state {
            State::Before => Ok(match next(&self.delimiter, &self.held, self.previous) {
                Some(at) => self.begin_part(at),
                None => {
                    self.pass(self.decided());
                    false
                }
            }),
            State::Boundary => {
                if self.held.starts_with(b"--") {
                    self.state = State::After;
                    return Ok(false);
                }
                let Some((line, end)) = line(&self.held)? else { return Ok(false) };
                if self.parts > PARTS {
                    return Err(form(format!("has more than {PARTS} parts")));
                }
                if !line.trim_ascii().is_empty() {
                    return Err(form("has something after a boundary on its line"));
                }
                self.pass(end);
                self.state = State::Headers(Headers::default());
                Ok(true)
            }
            State::Headers(headers) => {
                let Some((line, end)) = line(&self.held)? else { return Ok(false) };
                if headers.add(line)? {
                    self.pass(end);
                    return Ok(true);
                }
                let headers = std::mem::take(headers);
                let is_wanted = headers.name.as_deref() == Some(self.name);
                let name = headers.file_name.filter(|file_name| is_wanted && !file_name.is_empty());
                if name.is_some() {
                    sink(Piece::Begins)?;
                }
                self.pass(end);
                let file = name.map(|name| (name, headers.content_type));
                self.state = State::Content(Content { told: headers.length, start: self.offset, length: 0, file });
                Ok(true)
            }
            State::Content(content) => match next(&self.delimiter, &self.held, self.previous) {
                Some(at) => {
                    // The line end before a boundary is the boundary's.
                    content.take(before_line_end(&self.held[..at]), sink)?;
                    content.end(&mut self.found)?;
                    Ok(self.begin_part(at))
                }
                None => {
                    let decided = self.decided();
                    if let State::Content(content) = &mut self.state {
                        content.take(&self.held[..decided], sink)?;
                    }
                    self.pass(decided);
                    Ok(false)
                }
            },
            State::After => Ok(false),
        }
    }

    /// Goes on behind the boundary that stands at a place.
    fn begin_part(&mut self, at: usize) -> bool {
        self.pass(at + self.delimiter.needle().len());
        self.parts += 1;
        self.blank = self.held.trim_ascii().is_empty().then_some(self.held.len());
        self.state = State::Boundary;
        true
    }

    /// How many of the bytes that are held are neither of a boundary nor of the line end before one, whatever comes.
    fn decided(&self) -> usize {
        self.held.len().saturating_sub(self.delimiter.needle().len() + 1)
    }

    /// Is done with the first bytes that are held.
    fn pass(&mut self, count: usize) {
        if let Some(last) = self.held[..count].last() {
            self.previous = *last;
        }
        self.held.drain(..count);
        self.offset += count;
    }
}

impl Content {
    fn take(&mut self, bytes: &[u8], sink: Sink<'_>) -> Result<()> {
        self.length += bytes.len();
        if self.file.is_some() && !bytes.is_empty() {
            sink(Piece::Bytes(bytes))?;
        }
        Ok(())
    }

    fn end(&mut self, found: &mut Option<FilePart>) -> Result<()> {
        let Content { told, start, length, file } = self;
        if told.is_some_and(|told| told != *length) {
            return Err(form(format!("has a part of {length} bytes, whose Content-Length is another")));
        }
        if let Some((file_name, content_type)) = file.take() {
            *found = Some(FilePart { file_name, content_type, place: *start..*start + *length });
        }
        Ok(())
    }
}

/// The next boundary that stands at the beginning of a line.
fn next(delimiter: &Finder<'_>, held: &[u8], previous: u8) -> Option<usize> {
    delimiter.find_iter(held).find(|at| at.checked_sub(1).map_or(previous, |before| held[before]) == b'\n')
}

fn before_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The first line of what is held, and where it ends; none where its end has not come.
fn line(held: &[u8]) -> Result<Option<(&[u8], usize)>> {
    match memchr::memchr(b'\n', &held[..held.len().min(HEADER)]) {
        Some(at) => Ok(Some((before_line_end(&held[..=at]), at + 1))),
        None if held.len() < HEADER => Ok(None),
        None => Err(form(format!("has a header line of more than {HEADER} bytes"))),
    }
}

/// The boundary that the type names.
fn boundary(content_type: &str) -> Result<String> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        let reason = "must come in parts; send multipart/form-data with a file in the part expense[receipt]";
        return Err(form(reason));
    }
    let boundary = parameter(parameters, "boundary").unwrap_or_default();
    let is_allowed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    match boundary.len() {
        1..=BOUNDARY if boundary.bytes().all(is_allowed) => Ok(boundary),
        _ => Err(form(format!("has no boundary of 1 to {BOUNDARY} characters in its Content-Type"))),
    }
}

/// The value of a parameter in `a=1; name="of; a \"file\""`. Only a quote is escaped in quotes: old browsers sent paths
/// with single backslashes.
fn parameter(mut rest: &str, name: &str) -> Option<String> {
    loop {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_matches([' ', '\t', ';']);
        let value;
        match after.trim_start_matches([' ', '\t']).strip_prefix('"') {
            Some(quoted) => {
                let mut read = String::new();
                let mut characters = quoted.char_indices().peekable();
                let mut end = quoted.len();
                while let Some((at, character)) = characters.next() {
                    match character {
                        '"' => {
                            end = at + 1;
                            break;
                        }
                        '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                            // A path that ends in a backslash ends the value as well.
                            match quoted[at + 2..].contains('"') {
                                true => characters.next().into_iter().for_each(|(_, next)| read.push(next)),
                                false => read.push('\\'),
                            }
                        }
                        other => read.push(other),
                    }
                }
                value = read;
                rest = &quoted[end..];
            }
            None => {
                let (read, after) = after.split_once(';').unwrap_or((after, ""));
                value = read.trim().to_owned();
                rest = after;
            }
        }
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
    }
}

/// What the headers of a part say.
#[derive(Default)]
struct Headers {
    /// The number of their lines.
    lines: usize,
    name: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    length: Option<usize>,
}

impl Headers {
    /// Takes in a line; false at the empty one that ends them.
    fn add(&mut self, line: &[u8]) -> Result<bool> {
        if line.is_empty() {
            return Ok(false);
        }
        self.lines += 1;
        if self.lines > HEADERS {
            return Err(form(format!("has a part with more than {HEADERS} headers")));
        }
        let line = std::str::from_utf8(line).map_err(|_| form("has a header that is not UTF-8"))?;
        let Some((name, value)) = line.split_once(':') else {
            return Err(form(format!("has a header without a colon: {}", quoted(line))));
        };
        self.set(name.trim(), value.trim())?;
        Ok(true)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if name.eq_ignore_ascii_case("content-disposition") {
            let parameters = value.split_once(';').map_or("", |(_, parameters)| parameters);
            self.name = parameter(parameters, "name");
            let file_name = parameter(parameters, "filename");
            self.file_name = file_name.map(|path| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned());
        } else if name.eq_ignore_ascii_case("content-type") {
            let kind = value.split(';').next().unwrap_or_default();
            self.content_type = Some(kind.trim().to_ascii_lowercase());
        } else if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().map_err(|_| form("has a Content-Length that is no number"))?;
            self.length = Some(length);
        }
        Ok(())
    }
}

fn form(reason: impl Into<String>) -> Error {
    Error::Form { reason: reason.into() }
}

#[cfg(test)]
mod tests;
