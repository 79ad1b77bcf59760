//! From a document to fields.

use super::source::Source;
use super::tokens::{Token, Tokens};
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::record::{Column, Document, Nil, Values, same_name};
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
    if !document.is_one(&root) {
        return Err(tokens.error(format!("the root element is <{root}>, not <{}>", document.element)));
    }
    let values = fields(&mut tokens, document, Values::new(document.table), purpose)?;
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
    list(&mut tokens, document, each)?;
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

/// The records of a list whose start was read, and its end.
pub(crate) fn list<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    // The records of a list mostly have the same elements.
    let mut width = document.table.columns.len();
    loop {
        tokens.skip_space();
        let known = match next!(tokens) {
            Token::Start { name, .. } => same_name(&name, document.element),
            Token::End => return Ok(()),
            Token::Text(text) if !text.chars().all(is_space) => {
                let reason = format!("text stands in <{}>, between its records", document.list);
                return Err(tokens.error(reason));
            }
            _ => continue,
        };
        if !known {
            skip(tokens)?;
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
    let values = fields(tokens, document, Values::with_width(document.table, width), Purpose::Document)?;
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

/// The fields of a record whose start was read, and its end. A repeated element: the last wins.
fn fields<S: Source>(
    tokens: &mut Tokens<S>,
    document: &'static Document,
    mut values: Values,
    purpose: Purpose,
) -> Result<Values> {
    let table = document.table;
    let mut content = String::new();
    let mut expected = 0;
    loop {
        tokens.skip_space();
        let (found, nil) = match next!(tokens) {
            Token::Start { name, nil } => (find(document, expected, &name, purpose), nil),
            Token::End => return Ok(values),
            _ => continue,
        };
        let position = match found {
            Found::Column(position) => position,
            Found::Attached => {
                values.attached = Some(text(tokens, document.attached)?);
                continue;
            }
            Found::Nothing => {
                skip(tokens)?;
                continue;
            }
        };
        expected = position + 1;
        let column = &table.columns[position];
        let refuse = |reason, line| Error::Invalid { field: column.element, reason, line: Some(line) };
        let value = match tokens.leaf() {
            Some(text) => field_value(column, text, nil).map_err(|reason| refuse(reason, tokens.line()))?,
            None => {
                let mark = tokens.mark();
                content.clear();
                append_text(tokens, Some(column.element), &mut content)?;
                field_value(column, &content, nil).map_err(|reason| refuse(reason, tokens.line_of(mark)))?
            }
        };
        if let Some(value) = value {
            values.set_at(position, value);
        }
    }
}

/// What an element of a record is.
pub(in crate::format) enum Found {
    Column(usize),
    Attached,
    Nothing,
}

/// Finds an element; documents mostly keep the columns' order, so the search starts there.
pub(in crate::format) fn find(document: &Document, expected: usize, name: &str, purpose: Purpose) -> Found {
    let (before, after) = document.table.columns.split_at(expected);
    let matches = |column: &Column| purpose.takes(column) && same_name(name, purpose.element(column));
    let position = after.iter().position(matches).map(|at| expected + at);
    match position.or_else(|| before.iter().position(matches)) {
        Some(position) => Found::Column(position),
        None if document.attached.is_some_and(|attached| same_name(name, attached)) => Found::Attached,
        None => Found::Nothing,
    }
}

/// What an element says; `None` leaves the field as it is.
pub(in crate::format) fn field_value(column: &Column, text: &str, nil: bool) -> Result<Option<Value>, String> {
    let nullable = column.nil != Nil::Never;
    match column.kind {
        Kind::Text if nil && nullable => Ok(Some(Value::Null)),
        Kind::Text if nil => Ok(Some(Value::Text(String::new()))),
        Kind::Text => Ok(Some(Value::from(text))),
        _ if !nil && !text.chars().all(is_space) => column.kind.read(text).map(Some),
        _ if nullable => Ok(Some(Value::Null)),
        _ if column.required => Err("is required and cannot be empty".to_owned()),
        _ => Ok(None),
    }
}

/// The text of a field whose start was read, and its end; elements within are ignored.
pub(super) fn text<S: Source>(tokens: &mut Tokens<S>, field: Option<&'static str>) -> Result<String> {
    let mut content = String::new();
    append_text(tokens, field, &mut content)?;
    Ok(content)
}

fn append_text<S: Source>(tokens: &mut Tokens<S>, field: Option<&'static str>, content: &mut String) -> Result<()> {
    loop {
        let token = match tokens.next() {
            Ok(token) => token,
            Err(fault) => return Err(tokens.error_in(field, fault)),
        };
        match token {
            Token::Text(text) => content.push_str(&text),
            Token::Start { .. } => skip(tokens)?,
            Token::End => return Ok(()),
            Token::Nothing | Token::Eof => {}
        }
    }
}

/// The integer in an element whose start was read, and its end.
pub(crate) fn read_integer<S: Source>(tokens: &mut Tokens<S>) -> Result<i64> {
    let text = text(tokens, None)?;
    match Kind::Integer.read(&text) {
        Ok(Value::Integer(number)) => Ok(number),
        Ok(_) => Ok(0),
        Err(reason) => Err(tokens.error(reason)),
    }
}

/// Skips an element whose start was read.
pub(crate) fn skip<S: Source>(tokens: &mut Tokens<S>) -> Result<()> {
    let mut open = 1;
    while open > 0 {
        match next!(tokens) {
            Token::Start { .. } => open += 1,
            Token::End => open -= 1,
            _ => {}
        }
    }
    Ok(())
}
