//! From a document to fields.

use super::source::Source;
use super::tokens::{Token, Tokens};
use crate::error::{Error, Result};
use crate::record::{Column, LONGEST_TEXT, Nil, TOO_LONG, Table, Unknowns, Values, Write, same_name};
use crate::value::{Kind, Value, is_space};

/// Which of a document's elements count; the others are ignored with all they contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What a create may set.
    Create,
    /// The same under another record's path, which gives the column of this name.
    CreateUnder(&'static str),
    /// What an update may set.
    Update,
    /// Every column.
    Document,
}

impl Purpose {
    fn takes(self, column: &Column) -> bool {
        match self {
            Purpose::Create => column.write != Write::Never,
            Purpose::CreateUnder(parent) => column.write != Write::Never && column.name != parent,
            Purpose::Update => column.write == Write::Always,
            Purpose::Document => true,
        }
    }

    /// The element that sets a column.
    fn element(self, column: &Column) -> &'static str {
        match (self, column.sent_as) {
            (Purpose::Document, _) | (_, None) => column.element,
            (_, Some(element)) => element,
        }
    }
}

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
pub(crate) fn read_record(source: impl Source, table: &'static Table, purpose: Purpose) -> Result<Values> {
    let mut tokens = Tokens::new(source);
    let root = root(&mut tokens)?;
    if !table.is_record(&root) {
        return Err(tokens.error(format!("the root element is <{root}>, not <{}>", table.element)));
    }
    let values = fields(&mut tokens, Values::new(table), purpose)?;
    end(&mut tokens)?;
    Ok(values)
}

/// Reads a list document, one record at a time; an error of `each` gets the record's line.
pub(crate) fn read_list(
    source: impl Source,
    table: &'static Table,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    let mut tokens = Tokens::new(source);
    let root = root(&mut tokens)?;
    if !table.is_list(&root) {
        return Err(tokens.error(format!("the root element is <{root}>, not <{}>", table.list)));
    }
    list(&mut tokens, table, &mut Unknowns::default(), each)?;
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
    table: &'static Table,
    unknown: &mut Unknowns,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    // The records of a list mostly have the same elements.
    let mut width = table.columns.len();
    loop {
        tokens.skip_space();
        let other = match next!(tokens) {
            Token::Start { name, .. } if table.is_record(&name) => None,
            Token::Start { name, .. } => Some(name.to_owned()),
            Token::End => return Ok(()),
            Token::Text(text) if !text.chars().all(is_space) => {
                let reason = format!("text stands in <{}>, between its records", table.list);
                return Err(tokens.error(reason));
            }
            _ => continue,
        };
        if let Some(name) = other {
            drop_element(tokens, &name, unknown)?;
            continue;
        }
        width = wide_record(tokens, table, width, each)?;
    }
}

/// A record whose start was read, and its end; an error of `each` gets its line.
pub(crate) fn record<S: Source>(
    tokens: &mut Tokens<S>,
    table: &'static Table,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<()> {
    wide_record(tokens, table, table.columns.len(), each).map(drop)
}

/// The same of a record that is likely to be so wide; its own width.
fn wide_record<S: Source>(
    tokens: &mut Tokens<S>,
    table: &'static Table,
    width: usize,
    each: &mut dyn FnMut(Values) -> Result<()>,
) -> Result<usize> {
    let mark = tokens.mark();
    let values = fields(tokens, Values::with_width(table, width), Purpose::Document)?;
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

fn at_line(error: Error, at: u64) -> Error {
    match error {
        Error::Refused { .. } | Error::NotFound { .. } => {
            Error::Load { document: String::new(), line: Some(at), source: Box::new(error) }
        }
        Error::Invalid { field, reason, line } => Error::Invalid { field, reason, line: line.or(Some(at)) },
        other => other,
    }
}

/// The fields of a record whose start was read, and its end. A repeated element: the last wins.
fn fields<S: Source>(tokens: &mut Tokens<S>, mut values: Values, purpose: Purpose) -> Result<Values> {
    let table = values.table;
    let mut content = String::new();
    let mut expected = 0;
    // What the elements of other editions say, by the column that they stand for.
    let mut stand_ins: Vec<(usize, Value)> = Vec::new();
    loop {
        tokens.skip_space();
        let (found, nil) = match next!(tokens) {
            Token::Start { name, nil } => (find(table, expected, &name, purpose), nil),
            Token::End => break,
            _ => continue,
        };
        let position = match found {
            Found::Column(position) | Found::StandIn { position, .. } => position,
            Found::Attached => {
                values.attached = Some(text(tokens, table.attached, &mut values.unknown)?);
                continue;
            }
            Found::Ignored => {
                skip(tokens)?;
                continue;
            }
            Found::Homeless(name) => {
                let mark = tokens.mark();
                if skip(tokens)? {
                    values.unknown.add(&name, || tokens.line_of(mark));
                }
                continue;
            }
            Found::Nothing(name) => {
                drop_element(tokens, &name, &mut values.unknown)?;
                continue;
            }
        };
        let column = &table.columns[position];
        let refuse = |reason, line| Error::Invalid { field: column.element, reason, line: Some(line) };
        let value = match tokens.leaf() {
            Some(text) => value(column, text, nil).map_err(|reason| refuse(reason, tokens.line()))?,
            None => {
                let mark = tokens.mark();
                content.clear();
                append_text(tokens, Some(column.element), &mut content, &mut values.unknown)?;
                value(column, &content, nil).map_err(|reason| refuse(reason, tokens.line_of(mark)))?
            }
        };
        let Some(value) = value else { continue };
        match found {
            Found::StandIn { computed, .. } => {
                if let Some(computed) = computed {
                    values.set_at(computed, value.clone());
                }
                stand_ins.retain(|(other, _)| *other != position);
                stand_ins.push((position, value));
            }
            _ => {
                expected = position + 1;
                values.set_at(position, value);
            }
        }
    }
    for (position, value) in stand_ins {
        let missing = match values.at(position) {
            None => true,
            // An empty listed value is one that does not fit.
            Some(Value::Text(text)) => text.is_empty() && table.columns[position].allowed.is_empty(),
            Some(_) => false,
        };
        if missing {
            values.set_at(position, value);
        }
    }
    Ok(values)
}

/// What an element of a record is.
enum Found {
    Column(usize),
    /// Another edition's name of a column, and the computed column that the document shows by it.
    StandIn {
        position: usize,
        computed: Option<usize>,
    },
    Attached,
    /// A field that the document's purpose does not set.
    Ignored,
    /// An element that is known and has no place.
    Homeless(String),
    Nothing(String),
}

/// Finds an element; documents mostly keep the columns' order, so the search starts there.
fn find(table: &Table, expected: usize, name: &str, purpose: Purpose) -> Found {
    let (before, after) = table.columns.split_at(expected);
    let matches = |column: &Column| {
        purpose.takes(column) && column.computed.is_none() && same_name(name, purpose.element(column))
    };
    let position = after.iter().position(matches).map(|at| expected + at);
    match position.or_else(|| before.iter().position(matches)) {
        Some(position) => Found::Column(position),
        None => find_other(table, name, purpose),
    }
}

#[cold]
fn find_other(table: &Table, name: &str, purpose: Purpose) -> Found {
    let own = table.columns.iter().position(|column| same_name(name, column.element));
    let computed = own.filter(|_| purpose == Purpose::Document);
    let stands_for = |column: &Column| purpose.takes(column) && column.also.is_some_and(|also| same_name(name, also));
    let known = |homeless: &&'static str| same_name(name, homeless);
    match (table.columns.iter().position(stands_for), computed) {
        (Some(position), computed) => Found::StandIn { position, computed },
        (None, Some(position)) => Found::Column(position),
        _ if table.attached.is_some_and(|attached| same_name(name, attached)) => Found::Attached,
        _ if own.is_some() => Found::Ignored,
        _ if table.columns.iter().any(|column| column.also.is_some_and(|also| same_name(name, also))) => Found::Ignored,
        _ if table.homeless.iter().any(known) && purpose == Purpose::Document => Found::Homeless(name.to_owned()),
        _ if table.homeless.iter().any(known) => Found::Ignored,
        _ => Found::Nothing(name.to_owned()),
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

/// What an element says; `None` leaves the field as it is.
fn value(column: &Column, text: &str, nil: bool) -> Result<Option<Value>, String> {
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
