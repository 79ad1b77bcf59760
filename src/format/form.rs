//! Forms, as browsers and Rails write them: `client[name]=Jo&client[active]=true`, or flat.

use super::Purpose;
use super::fill::{Filler, Found, field_value};
use super::xml::find_illegal;
use crate::error::{Error, Result};
use crate::record::{Document, Values};
use percent_encoding::percent_decode;

/// Reads the fields of a record. A repeated name: the last wins.
pub(super) fn read(form: &[u8], document: &'static Document, purpose: Purpose) -> Result<Values> {
    if percent_decode(form).decode_utf8().is_err() {
        return Err(Error::Form { reason: "is not UTF-8".to_owned() });
    }
    let is_nested = has_wrapper(form, document);
    let mut filler = Filler::new(document, purpose, document.table.columns.len());
    for (name, text) in form_urlencoded::parse(form) {
        let name = match nested(&name) {
            Some((wrapper, field)) if document.is_wrapper(wrapper) => field,
            None if !is_nested => &*name,
            _ => continue,
        };
        let found = filler.find(name);
        let field = match found {
            Found::Column(position) | Found::StandIn { position, .. } => document.table.columns[position].element,
            Found::Attached => document.attached.unwrap_or_default(),
            Found::Asked(element) => element,
            Found::Nothing => {
                filler.values.unknown.add(name, || 1);
                continue;
            }
            Found::Ignored | Found::Unplaced => continue,
        };
        if let Some(character) = find_illegal(&text) {
            let number = u32::from(character);
            return Err(Error::invalid(
                field,
                format!("holds the character U+{number:04X}, which XML cannot carry; remove it"),
            ));
        }
        match found {
            Found::Column(position) | Found::StandIn { position, .. } => {
                let column = &document.table.columns[position];
                let read = field_value(column, text, false).map_err(|reason| Error::invalid(field, reason))?;
                if let Some(value) = read {
                    filler.set(found, value);
                }
            }
            Found::Asked(element) => filler.values.ask(element, text.into_owned()),
            _ => filler.values.attached = Some(text.into_owned()),
        }
    }
    Ok(filler.finish())
}

/// Whether a query says something of a record.
pub(super) fn says_something(query: &[u8], document: &Document) -> bool {
    has_wrapper(query, document) || form_urlencoded::parse(query).any(|(name, _)| document.has_field(&name))
}

fn has_wrapper(form: &[u8], document: &Document) -> bool {
    form_urlencoded::parse(form).any(|(name, _)| nested(&name).is_some_and(|(wrapper, _)| document.is_wrapper(wrapper)))
}

/// The two parts of `client[name]`.
fn nested(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}
