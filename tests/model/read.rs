//! What a body gives, by `wire.md`, Input documents.

use std::collections::BTreeMap;

use crate::op::{Body, Content, Csv};
use crate::schema::{Element, Kind, Nil, Resource};
use crate::state::Reason;
use crate::values::{MILLION, SPACE, blank, date, date_text, decimal, decimal_text, moment, moment_text};

/// The fields that a body sets, and what is wrong with the others.
#[derive(Default)]
pub struct Given {
    pub values: BTreeMap<&'static str, Option<String>>,
    pub lines: Option<Csv>,
    pub faults: Vec<Reason>,
}

/// Whether the document as a whole must be refused; no body is none.
pub fn flawed(body: &Body) -> bool {
    match body {
        Body::Document(document) => document.flaw.is_some(),
        Body::None | Body::Junk(_) => true,
    }
}

impl Given {
    pub fn of(resource: Resource, body: &Body, creating: bool) -> Self {
        let mut given = Given::default();
        if let Body::Document(document) = body {
            // What stands in for an element counts last, and only where that one says nothing.
            let mut stand_ins = BTreeMap::new();
            for field in &document.fields {
                if let Content::Lines(csv) = &field.content {
                    given.lines = Some(csv.clone());
                    continue;
                }
                let name = if field.element == "recipients" { "full-recipient-list" } else { field.element };
                let element = resource.elements().iter().find(|element| {
                    let written = field.element != "full-recipient-list";
                    let writable = if creating { element.on_create } else { element.on_update };
                    written && writable && element.name == name
                });
                if let Some(element) = element {
                    given.read(element, field.nil, &field.text());
                }
                let stands_for = resource.stand_ins().iter().find(|(name, _)| *name == field.element);
                if let Some((_, name)) = stands_for {
                    let element = resource.elements().iter().find(|element| element.name == *name).unwrap();
                    let mut other = Given::default();
                    other.read(element, field.nil, &field.text());
                    if !other.values.is_empty() || !other.faults.is_empty() {
                        stand_ins.insert(name, other);
                    }
                }
            }
            for other in stand_ins.into_values() {
                given.faults.extend(other.faults);
                for (name, value) in other.values {
                    if given.values.get(name).is_none_or(|value| value.as_deref() == Some("")) {
                        given.values.insert(name, value);
                    }
                }
            }
        }
        for element in resource.elements() {
            let missing = creating && element.required && !given.values.contains_key(element.name);
            let is_blank = element.required
                && element.kind.is_text()
                && given.values.get(element.name).is_some_and(|value| blank(value.as_deref().unwrap_or_default()));
            if missing || is_blank {
                given.faults.push(Reason::bad(element.name));
            }
        }
        given
    }

    fn read(&mut self, element: &Element, nil: bool, text: &str) {
        let empty = nil || blank(text);
        if element.kind == Kind::Text && nil && element.nil != Nil::Never {
            self.values.insert(element.name, None);
        } else if element.kind.is_text() {
            let text = if nil { "" } else { text };
            match typed(element.kind, text) {
                Some(value) => drop(self.values.insert(element.name, Some(value))),
                None => {
                    let mut said = vec![element.name.to_owned()];
                    if let Kind::OneOf(choices) = element.kind {
                        said.extend(choices.iter().map(|choice| (*choice).to_owned()));
                    }
                    self.faults.push(Reason::Bad(said));
                }
            }
        } else if empty && element.nil != Nil::Never {
            self.values.insert(element.name, None);
        } else if empty {
            if element.required {
                self.faults.push(Reason::bad(element.name));
            }
        } else {
            match typed(element.kind, text) {
                Some(value) => drop(self.values.insert(element.name, Some(value))),
                None => self.faults.push(Reason::bad(element.name)),
            }
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_deref()
    }
}

/// A value's canonical text; none where the text does not fit.
pub fn typed(kind: Kind, text: &str) -> Option<String> {
    let trimmed = text.trim_matches(SPACE);
    match kind {
        Kind::Text => Some(text.to_owned()),
        Kind::OneOf(choices) => {
            let alike = |choice: &&&str| match **choice {
                // What bills is read without regard to case, the others with dashes as well.
                one if choices.contains(&"Tasks") => one.eq_ignore_ascii_case(text),
                one => one.eq_ignore_ascii_case(&text.replace('-', "_")),
            };
            choices.iter().find(alike).map(|choice| (*choice).to_owned())
        }
        Kind::Integer => trimmed.parse::<i64>().ok().map(|number| number.to_string()),
        Kind::Boolean => match trimmed {
            "true" | "1" => Some("true".to_owned()),
            "false" | "0" => Some("false".to_owned()),
            _ => None,
        },
        Kind::Decimal => decimal(text).map(|number| decimal_text(number, 1)),
        Kind::Percent => {
            let number = decimal(text).filter(|number| (0..=100 * MILLION).contains(number));
            number.map(|number| decimal_text(number, 1))
        }
        Kind::Date => date(text).and_then(date_text),
        Kind::DateTime => moment(text).and_then(moment_text),
    }
}
