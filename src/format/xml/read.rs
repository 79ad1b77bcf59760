//! From a document to fields.

use std::borrow::Cow;

use super::source::Source;
use super::tokens::{Token, Tokens};
use super::write::WEEK;
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::format::fill::{Filler, Found, field_value};
use crate::record::{Document, LONGEST_TEXT, TOO_LONG, Unknowns, Values};
use crate::value::{Kind, Value, is_space};

/// Reads the next token, with its line in the error.
macro_rules! next {
    ($tokens:expr) => {
        match $tokens.next() {
            Ok(token) => token,
            Err(fault) => return Err($tokens.error(fault)),
        }
    };
}
pub(crate) use next;

/// Reads the document of one record.
pub(crate) fn read_record(source: impl Source, document: &'static Document, purpose: Purpose) -> Result<Values> {
    let mut tokens = Tokens::new(source);
    let root = root(&mut tokens)?;
    let fits = document.is_one(&root) || (document.any_root && purpose == Purpose::Update);
    if !fits {
        return Err(tokens.error(format!("the root element is <{root}>, not <{}>", document.element)));
    }
    let values = fields(&mut tokens, document, purpose, document.table.columns.len())?;
    end(&mut tokens)?;
    Ok(values)
}

/// Reads a list document, one record at a time; an error of `each` gets the record's line.
pub(crate) fn read_list(
    source: impl Source,
    document: &'static Document,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    let mut tokens = Tokens::new(source);
    let root = root(&mut tokens)?;
    if !document.is_list(&root) {
        return Err(tokens.error(format!("the root element is <{root}>, not <{}>", document.list)));
    }
    list(&mut tokens, document, &mut Unknowns::default(), each)?;
    end(&mut tokens)
}

/// The name of the root, whose content comes next.
pub(crate) fn root<S: Source>(tokens: &mut Tokens<S>) -> Result<String> {
    loop {
        if let Token::Start { name, .. } = next!(tokens) {
            return Ok(name.to_owned());
        }
    }
}

/// The records of a list whose start was read, and its end; what else stands between them is counted.
pub(crate) fn list<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    unknown: &mut Unknowns,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    // The records of a list mostly have the same elements.
    let mut width = document.table.columns.len();
    loop {
        tokens.skip_space();
        let other = match next!(tokens) {
            Token::Start { name, .. } if document.is_one(&name) => None,
            Token::Start { name, .. } => Some(name.to_owned()),
            Token::End => return Ok(()),
            Token::Text(text) if !text.chars().all(is_space) => {
                let reason = format!("text stands in <{}>, between its records", document.list);
                return Err(tokens.error(reason));
            }
            _ => continue,
        };
        if let Some(name) = other {
            match WEEK.contains(&&*name) {
                true => drop(skip(tokens)?),
                false => drop_element(tokens, &name, unknown)?,
            }
            continue;
        }
        width = wide_record(tokens, document, width, each)?;
    }
}

/// A record whose start was read, and its end; an error of `each` gets its line.
pub(crate) fn record<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    wide_record(tokens, document, document.table.columns.len(), each).map(drop)
}

/// The same of a record that is likely to be so wide; its own width.
fn wide_record<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    width: usize,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<usize> {
    let mark = tokens.mark();
    let values = fields(tokens, document, Purpose::Document, width)?;
    let width = values.width();
    each(values).map_err(|error| at_line(error, tokens.line_of(mark)))?;
    Ok(width)
}

/// What may follow the root's end.
pub(crate) fn end<S: Source>(tokens: &mut Tokens<S>) -> Result<()> {
    loop {
        if let Token::Eof = next!(tokens) {
            return Ok(());
        }
    }
}

/// An error of a record that stands in the line.
pub(crate) fn at_line(error: Error, at: u64) -> Error {
    match error {
        Error::Refused { .. } | Error::NotFound { .. } => {
            Error::Load { document: String::new(), line: Some(at), source: Box::new(error) }
        }
        Error::Invalid { field, reason, line } => Error::Invalid { field, reason, line: line.or(Some(at)) },
        other => other,
    }
}

/// The fields of a record whose start was read, and its end.
fn fields<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    purpose: Purpose,
    width: usize,
) -> Result<Values> {
    let mut filler = Filler::new(document, purpose, width);
    let mut content = String::new();
    loop {
        tokens.skip_space();
        let mut lost = String::new();
        let (found, nil) = match next!(tokens) {
            Token::Start { name, nil } => {
                let found = filler.find(&name);
                if matches!(found, Found::Unplaced | Found::Nothing) {
                    lost.push_str(&name);
                }
                (found, nil)
            }
            Token::End => return Ok(filler.finish()),
            _ => continue,
        };
        let column = match found {
            Found::Column(position) | Found::StandIn { position, .. } => &document.table.columns[position],
            Found::Attached => {
                let text = text(tokens, document.attached, &mut filler.values.unknown)?;
                filler.values.attached = Some(text);
                continue;
            }
            Found::Asked(element) => {
                let text = text(tokens, Some(element), &mut filler.values.unknown)?;
                filler.values.ask(element, text);
                continue;
            }
            Found::Ignored => {
                skip(tokens)?;
                continue;
            }
            Found::Unplaced => {
                let mark = tokens.mark();
                if skip(tokens)? {
                    filler.values.unknown.add(&lost, || tokens.line_of(mark));
                }
                continue;
            }
            Found::Nothing => {
                drop_element(tokens, &lost, &mut filler.values.unknown)?;
                continue;
            }
        };
        let refuse = |reason, line| Error::Invalid { field: column.element, reason, line: Some(line) };
        let value = match tokens.leaf() {
            Some(text) => {
                field_value(column, Cow::Borrowed(text), nil).map_err(|reason| refuse(reason, tokens.line()))?
            }
            None => {
                let mark = tokens.mark();
                content.clear();
                append_text(tokens, Some(column.element), &mut content, &mut filler.values.unknown)?;
                field_value(column, Cow::Borrowed(&content), nil)
                    .map_err(|reason| refuse(reason, tokens.line_of(mark)))?
            }
        };
        if let Some(value) = value {
            filler.set(found, value);
        }
    }
}

/// Skips an element that no field takes, and counts it.
#[cold]
fn drop_element<S: Source>(tokens: &mut Tokens<S>, name: &str, unknown: &mut Unknowns) -> Result<()> {
    let mark = tokens.mark();
    skip(tokens)?;
    unknown.add(name, || tokens.line_of(mark));
    Ok(())
}

/// The text of a field whose start was read, and its end; elements within are counted.
pub(super) fn text<S: Source>(
    tokens: &mut Tokens<S>,
    field: Option<&'static str>,
    unknown: &mut Unknowns,
) -> Result<String> {
    let mut content = String::new();
    append_text(tokens, field, &mut content, unknown)?;
    Ok(content)
}

fn append_text<S: Source>(
    tokens: &mut Tokens<S>,
    field: Option<&'static str>,
    content: &mut String,
    unknown: &mut Unknowns,
) -> Result<()> {
    loop {
        let token = match tokens.next() {
            Ok(token) => token,
            Err(fault) => return Err(tokens.error_in(field, fault)),
        };
        match token {
            Token::Text(text) if content.len() + text.len() > LONGEST_TEXT => {
                drop(text);
                return Err(match field {
                    Some(field) => Error::Invalid { field, reason: TOO_LONG.to_owned(), line: Some(tokens.line()) },
                    None => tokens.error(format!("a text {TOO_LONG}")),
                });
            }
            Token::Text(text) => content.push_str(&text),
            Token::Start { name, .. } => {
                let name = name.to_owned();
                drop_element(tokens, &name, unknown)?;
            }
            Token::End => return Ok(()),
            Token::Nothing | Token::Eof => {}
        }
    }
}

/// The integer in an element whose start was read, and its end.
pub(crate) fn read_integer<S: Source>(tokens: &mut Tokens<S>) -> Result<i64> {
    let text = text(tokens, None, &mut Unknowns::default())?;
    match Kind::Integer.read(&text) {
        Ok(Value::Integer(number)) => Ok(number),
        Ok(_) => Ok(0),
        Err(reason) => Err(tokens.error(reason)),
    }
}

/// Skips an element whose start was read; true when it held anything.
pub(crate) fn skip<S: Source>(tokens: &mut Tokens<S>) -> Result<bool> {
    let mut open = 1;
    let mut holds = false;
    while open > 0 {
        match next!(tokens) {
            Token::Start { .. } => {
                open += 1;
                holds = true;
            }
            Token::End => open -= 1,
            Token::Text(text) => holds |= !text.chars().all(is_space),
            Token::Nothing | Token::Eof => {}
        }
    }
    Ok(holds)
}
