//! Forms in parts, `multipart/form-data`, in which files are sent. A file is given as a slice of the body, never copied.

use memchr::memmem;

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

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePart<'a> {
    /// Its name without the folders before it.
    pub(crate) file_name: String,
    /// What the part says that it is, where it says so.
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: &'a [u8],
}

/// The last file that the parts of this name hold; none where there is no such part with a file name.
///
/// The final boundary may be missing, whole or in part: a documented sample lacked it.
///
/// # Errors
///
/// [`Error::Form`] where the body is no form in parts.
pub(crate) fn file<'a>(body: &'a [u8], content_type: &str, name: &str) -> Result<Option<FilePart<'a>>> {
    let delimiter = format!("--{}", boundary(content_type)?);
    let finder = memmem::Finder::new(&delimiter);
    let mut found = None;
    let Some(mut at) = next(&finder, body, 0) else {
        return Err(form("has no part: its boundary is nowhere in the body"));
    };
    for number in 0.. {
        let rest = &body[at + delimiter.len()..];
        if rest.starts_with(b"--") || (rest.len() <= 4 && rest.trim_ascii().is_empty()) {
            return Ok(found);
        }
        if number == PARTS {
            return Err(form(format!("has more than {PARTS} parts")));
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let (line, mut content) = line(&rest[padding..])?;
        if !line.is_empty() {
            return Err(form("has something after a boundary on its line"));
        }
        let headers = Headers::read(&mut content)?;
        let start = body.len() - content.len();
        // The line end before a boundary is the boundary's, also right behind the headers.
        let end = next(&finder, body, start.saturating_sub(2));
        let bytes = match end {
            Some(end) => before_line_end(&body[start.min(end)..end]),
            None => content,
        };
        if headers.length.is_some_and(|length| length != bytes.len()) {
            return Err(form(format!("has a part of {} bytes, whose Content-Length is another", bytes.len())));
        }
        if headers.name.as_deref() == Some(name)
            && let Some(file_name) = headers.file_name.filter(|file_name| !file_name.is_empty())
        {
            found = Some(FilePart { file_name, content_type: headers.content_type, bytes });
        }
        match end {
            Some(end) => at = end,
            None => return Ok(found),
        }
    }
    Ok(found)
}

/// The next boundary, from a place on, that stands at the beginning of a line.
fn next(finder: &memmem::Finder<'_>, body: &[u8], from: usize) -> Option<usize> {
    let places = finder.find_iter(&body[from..]).map(|at| from + at);
    places.into_iter().find(|at| *at == 0 || body[at - 1] == b'\n')
}

fn before_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// A line of the headers, and what comes after it.
fn line(rest: &[u8]) -> Result<(&[u8], &[u8])> {
    match memchr::memchr(b'\n', &rest[..rest.len().min(HEADER)]) {
        Some(at) => Ok((before_line_end(&rest[..=at]), &rest[at + 1..])),
        None if rest.len() < HEADER => Err(form("ends within the headers of a part")),
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
    name: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    length: Option<usize>,
}

impl Headers {
    /// Reads the headers up to the empty line, and leaves what comes after it.
    fn read(rest: &mut &[u8]) -> Result<Self> {
        let mut headers = Headers::default();
        for number in 0.. {
            let (read, after) = line(rest)?;
            *rest = after;
            if read.is_empty() {
                break;
            }
            if number == HEADERS {
                return Err(form(format!("has a part with more than {HEADERS} headers")));
            }
            let read = std::str::from_utf8(read).map_err(|_| form("has a header that is not UTF-8"))?;
            let Some((name, value)) = read.split_once(':') else {
                return Err(form(format!("has a header without a colon: {}", quoted(read))));
            };
            headers.set(name.trim(), value.trim())?;
        }
        Ok(headers)
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
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=B";

    fn read(body: &str) -> Result<Option<FilePart<'_>>> {
        file(body.as_bytes(), TYPE, "expense[receipt]")
    }

    fn part(bytes: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.gif\"\r\n\r\n{bytes}")
    }

    #[test]
    fn the_file_is_what_stands_between_the_headers_and_the_next_boundary() {
        for bytes in ["GIF89a", "", "\r\n", "--A\r", "a\r\n--\r\nb\n", "\n"] {
            let ends = ["\r\n--B--\r\n", "\r\n--B--", "\r\n--B", "\r\n--B\r\n", "\r\n--B--\r\nafter"];
            for end in ends {
                let body = format!("before\r\n{}{end}", part(bytes));
                let read = read(&body).unwrap().unwrap();
                assert_eq!((read.file_name.as_str(), read.bytes), ("a.gif", bytes.as_bytes()), "{body:?}");
            }
        }
        assert_eq!(read(&part("no final boundary")).unwrap().unwrap().bytes, b"no final boundary");
    }

    #[test]
    fn names_are_read_as_programs_quoted_them() {
        for (header, name) in [
            ("name=\"expense[receipt]\"; filename=\"a.gif\"", "a.gif"),
            ("filename=a.gif; name=expense[receipt]", "a.gif"),
            ("NAME=\"expense[receipt]\";FileName=\"a;=\\\"b.gif\"", "a;=\"b.gif"),
            ("name=\"expense[receipt]\"; filename=\"C:\\scans\\a.gif\"", "a.gif"),
            ("name=\"expense[receipt]\"; filename=\"/tmp/\u{e9}.gif\"", "\u{e9}.gif"),
        ] {
            let body =
                format!("--B\nContent-Disposition: form-data; {header}\nContent-Type: IMAGE/Gif; a=b\n\nx\n--B--");
            let read = read(&body).unwrap().unwrap();
            assert_eq!((read.file_name.as_str(), read.bytes), (name, &b"x"[..]), "{header}");
            assert_eq!(read.content_type.as_deref(), Some("image/gif"));
        }
        for other in ["name=\"expense[receipt]\"", "name=other; filename=a", "name=\"expense[receipt]\"; filename=\"\""]
        {
            let body = format!("--B\r\nContent-Disposition: form-data; {other}\r\n\r\nx\r\n--B--");
            assert_eq!(read(&body).unwrap(), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_form_in_parts_is_refused_at_once() {
        let header = |line: &str| format!("--B\r\n{line}\r\n\r\nx\r\n--B--");
        let many = |text: &str, times: usize| text.repeat(times);
        for body in [
            String::new(),
            "x".repeat(1 << 20),
            "--".to_owned(),
            "--B\r\n".to_owned() + &many("A: b\r\n", 10_000) + "\r\nx\r\n--B--",
            many("--B\r\n\r\n\r\n", 10_000),
            header(&many("a", 10_000)),
            header("no colon"),
            header("Content-Length: 2"),
            header("Content-Length: many"),
            "--Bsomething\r\n\r\nx\r\n--B--".to_owned(),
            "--B\r\nContent-Type: image/gif\r\n".to_owned(),
        ] {
            assert!(matches!(read(&body), Err(Error::Form { .. })), "{:?}", quoted(&body));
        }
        for kind in
            ["", "text/xml", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=B"]
        {
            assert!(file(part("x").as_bytes(), kind, "a").is_err(), "{kind}");
        }
        let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
        assert!(file(b"", &long, "a").is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_each_file_is_a_part_of_the_body() {
        // A linear congruential generator: the same bodies each time.
        let mut state: u64 = 7;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let pieces = [
            "--B",
            "--B--",
            "\r\n",
            "\n",
            "\r",
            "--",
            "B",
            ":",
            ";",
            "\"",
            "\\",
            "=",
            "Content-Disposition: form-data; ",
            "name=\"expense[receipt]\"",
            "filename=\"a\"",
            "Content-Length: 1",
            "Content-Type: a/b",
            "x",
            "\u{e9}",
            "\0",
        ];
        let mut files = 0;
        for _ in 0..20_000 {
            let whole = part("x\r\n--B--");
            let mut body: Vec<u8> = if below(2) == 0 { whole.into_bytes() } else { Vec::new() };
            for _ in 0..below(12) {
                let piece = pieces[below(pieces.len())].as_bytes();
                let at = below(body.len() + 1);
                body.splice(at..at, piece.iter().copied());
            }
            if below(4) == 0 && !body.is_empty() {
                body.truncate(below(body.len()));
            }
            if let Ok(Some(read)) = file(&body, TYPE, "expense[receipt]") {
                assert!(read.bytes.is_empty() || body.windows(read.bytes.len()).any(|part| part == read.bytes));
                files += 1;
            }
        }
        assert!(files > 500, "{files}");
    }
}
