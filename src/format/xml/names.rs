//! The grammar inside markup: names, attributes, references, characters (XML 1.0, fifth edition).

use super::fault::Fault;
use crate::value::{is_space, is_xml_char, quoted};

/// More attributes on one element are refused (`docs/spec/wire.md`).
const MAX_ATTRIBUTES: usize = 64;

/// What one pass over a text finds; most texts have nothing that needs a second look.
#[derive(Clone, Copy)]
pub(crate) struct Look(u8);

impl Look {
    const CONTROL: u8 = 1;
    const WIDE: u8 = 0x80;
    const LANES: usize = 16;

    /// Looks at sixteen bytes at once, which the compiler turns into vector code; the last sixteen
    /// overlap those before them.
    #[inline]
    pub(crate) fn at(text: &[u8]) -> Self {
        let (whole, _) = text.as_chunks::<{ Self::LANES }>();
        let Some(last) = text.last_chunk() else {
            return Look(text.iter().fold(0, |found, byte| found | Self::class(*byte)));
        };
        let mut lanes = [0; Self::LANES];
        for chunk in whole.iter().chain([last]) {
            for (lane, byte) in lanes.iter_mut().zip(chunk) {
                *lane |= Self::class(*byte);
            }
        }
        Look(lanes.iter().fold(0, |found, lane| found | lane))
    }

    #[inline]
    fn class(byte: u8) -> u8 {
        (byte & Self::WIDE) | u8::from((byte < b' ') & (byte != b'\n') & (byte != b'\t'))
    }

    /// Only ASCII, and no control character but line feeds and tabs.
    pub(crate) fn plain(self) -> bool {
        self.0 == 0
    }

    /// Some control character, of which a CR is legal.
    pub(crate) fn control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// The first character of the text looked at that XML cannot carry; U+FFFE and U+FFFF start
    /// with 0xEF.
    pub(crate) fn find_illegal(self, text: &str) -> Option<char> {
        if self.plain() || (!self.control() && memchr::memchr(0xEF, text.as_bytes()).is_none()) {
            return None;
        }
        text.chars().find(|character| !is_xml_char(*character))
    }
}

/// The first character that XML cannot carry, of a text.
pub(crate) fn find_illegal(text: &str) -> Option<char> {
    Look::at(text.as_bytes()).find_illegal(text)
}

pub(super) fn legal(text: &str) -> Result<(), Fault> {
    match find_illegal(text) {
        None => Ok(()),
        Some(character) => {
            let number = u32::from(character);
            Err(Fault::Character(format!("the character U+{number:04X}, which XML cannot carry")))
        }
    }
}

/// How far text goes that needs no second look: it holds no markup, nothing that XML cannot carry,
/// and no line end to normalise.
#[inline]
pub(crate) fn plain_length(text: &[u8]) -> usize {
    // Without branches, so that the compiler makes vector code of sixteen at once. U+FFFE and U+FFFF
    // start with 0xEF.
    let special = |byte: u8| {
        let control = (byte < b' ') & (byte != b'\n') & (byte != b'\t');
        u8::from(control | (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == 0xEF))
    };
    let (chunks, _) = text.as_chunks::<16>();
    let plain = chunks.iter().take_while(|chunk| chunk.iter().fold(0, |found, byte| found | special(*byte)) == 0);
    let start = 16 * plain.count();
    start + text[start..].iter().take_while(|byte| special(**byte) == 0).count()
}

/// Whether the text is a Name.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text.bytes().all(plain) {
        return true;
    }
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_char)
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The character that a reference stands for: one of XML's five, or a number.
pub(crate) fn reference(name: &str) -> Result<char, Fault> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
            Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
            None if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        }),
    };
    match number.and_then(char::from_u32).filter(|character| is_xml_char(*character)) {
        Some(character) => Ok(character),
        None if name.starts_with('#') => {
            Err(Fault::Character(format!("the reference &{name}; to a character that XML cannot carry")))
        }
        None => Err(format!("the reference {} stands for no character", quoted(&format!("&{name};"))).into()),
    }
}

/// Checks what follows an element's name in its tag; true when it says `nil="true"`.
pub(crate) fn attributes(mut rest: &str) -> Result<bool, Fault> {
    // What most elements say needs no parsing.
    if matches!(rest, "" | " type=\"integer\"" | " type=\"boolean\"" | " type=\"datetime\"" | " type=\"decimal\"") {
        return Ok(false);
    }
    let mut nil = false;
    let mut names: Vec<&str> = Vec::new();
    while let Some((name, value, after)) = attribute(rest)? {
        if names.contains(&name) {
            return Err(format!("the attribute {name} is given twice on one element").into());
        }
        if names.len() == MAX_ATTRIBUTES {
            return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes").into());
        }
        names.push(name);
        check_value(value)?;
        nil |= matches!(name, "nil" | "xsi:nil") && matches!(value.trim_matches(is_space), "true" | "1");
        rest = after;
    }
    Ok(nil)
}

/// The next attribute's name, its raw value, and what follows; `None` at the end.
pub(super) fn attribute(text: &str) -> Result<Option<(&str, &str, &str)>, Fault> {
    let trimmed = text.trim_start_matches(is_space);
    if trimmed.is_empty() {
        return Ok(None);
    }
    if trimmed.len() == text.len() {
        return Err("white space is missing before an attribute".into());
    }
    let end = trimmed.find(|character| is_space(character) || character == '=').unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(end);
    if !is_name(name) {
        return Err(format!("an attribute has no legal name: {}", quoted(name)).into());
    }
    let rest = rest.trim_start_matches(is_space);
    let rest = rest.strip_prefix('=').map(|rest| rest.trim_start_matches(is_space));
    let quoted_value = rest.and_then(|rest| {
        let quote = rest.chars().next().filter(|character| matches!(character, '"' | '\''))?;
        rest[1..].split_once(quote)
    });
    match quoted_value {
        Some((value, after)) => Ok(Some((name, value, after))),
        None => Err(format!("the attribute {name} has no quoted value").into()),
    }
}

fn check_value(value: &str) -> Result<(), Fault> {
    if value.contains('<') {
        return Err("`<` stands in an attribute; write `&lt;`".into());
    }
    if find_illegal(value).is_some() {
        return Err("an attribute holds a character that XML cannot carry".into());
    }
    for part in value.split('&').skip(1) {
        match part.split_once(';') {
            Some((name, _)) => reference(name).map(drop)?,
            None => return Err("`&` stands alone in an attribute; write `&amp;`".into()),
        }
    }
    Ok(())
}
