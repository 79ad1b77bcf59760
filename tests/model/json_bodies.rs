//! Bodies in JSON, and how a call asks for an answer in it.

use crate::json_answers::string;
use crate::op::{Body, Call, Content, Document, Field, Flaw, Spelling};
use crate::schema::{Kind, Resource};

/// What a document is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Xml,
    /// `{"client":{"name":"Jo"}}`
    Wrapped,
    /// `{"name":"Jo"}`
    Bare,
    /// `{"id":1,"client":{"name":"Jo"},"name":"wrong"}`
    Beside,
}

/// Values of `Accept`, and whether each asks for JSON; none where it says nothing of the two formats.
pub const ACCEPTED: [(&str, Option<bool>); 14] = [
    ("", None),
    ("", None),
    ("", None),
    ("*/*", None),
    ("text/html, image/png", None),
    ("application/json", Some(true)),
    ("application/json", Some(true)),
    ("Application/JSON; charset=utf-8", Some(true)),
    ("text/xml;q=0.8, application/json;q=0.81", Some(true)),
    ("application/json, text/javascript, */*; q=0.01", Some(true)),
    ("application/xml", Some(false)),
    ("application/json, text/xml", Some(false)),
    ("application/json;q=0.5, application/xml;q=0.6", Some(false)),
    ("text/xml;q=0.001, application/json;q=0", Some(false)),
];

impl Call {
    /// Whether the answer must be in JSON: the suffix says so, else `Accept`, else the body.
    pub fn asks_for_json(&self) -> bool {
        match self.suffix {
            ".json" | ".json/" => true,
            ".xml" => false,
            _ => self.accept.1.unwrap_or_else(|| self.says_json()),
        }
    }

    /// Whether the body is JSON, by its type or its first character.
    fn says_json(&self) -> bool {
        let is_typed = self.content_type.starts_with("application/json");
        is_typed || matches!(&self.body, Body::Document(document) if document.form != Form::Xml)
    }
}

impl Document {
    pub fn json(&self, resource: Resource) -> Vec<u8> {
        let flaw = |flaw| self.flaw == Some(flaw);
        let space = if self.declared { "\n " } else { "" };
        let mut members: Vec<String> = self.fields.iter().map(|field| field.member(resource, space)).collect();
        match self.flaw {
            Some(Flaw::Ampersand) => members.push("\"other\":'Fish'".to_owned()),
            Some(Flaw::IllegalCharacter) => members.push("\"other\":\"\u{8}\"".to_owned()),
            Some(Flaw::OtherEncoding) => members.push("\"other\":\"\\uD83D\"".to_owned()),
            Some(Flaw::TooDeep) => members.push(format!("\"other\":{}{}", "[".repeat(32), "]".repeat(32))),
            Some(Flaw::Doctype) => members.push("/* none */\"other\":1".to_owned()),
            Some(Flaw::NotUtf8) => members.push("\"other\":\"\u{E000}\"".to_owned()),
            _ => {}
        }
        let record = format!("{{{space}{}}}", members.join(&format!("{space},{space}")));
        let wrapper = match self.root {
            "invoice-item-category" if self.declared => "invoice_category".to_owned(),
            root => root.replace('-', "_"),
        };
        // A lone object would be taken for a wrapped record, and an empty one for no body.
        let told_apart = self.fields.iter().any(|field| !matches!(field.content, Content::Elements));
        let mut text = match self.form {
            Form::Bare if told_apart => record,
            Form::Beside => format!("{{\"id\":1,{space}\"{wrapper}\":{record},\"name\":[\"wrong\"]}}"),
            _ => format!("{{{space}\"{wrapper}\":{space}{record}}}"),
        };
        if flaw(Flaw::WrongRoot) {
            text = format!("[{text}]");
        }
        if flaw(Flaw::Unclosed) {
            text.pop();
        }
        if flaw(Flaw::After) {
            text.push_str(" {}");
        }
        let begin = if self.declared { "\u{FEFF} " } else { "" };
        let mut bytes = format!("{begin}{text}\n").into_bytes();
        if flaw(Flaw::NotUtf8) {
            let at = bytes.windows(3).rposition(|window| window == "\u{E000}".as_bytes()).unwrap();
            bytes.splice(at..at + 3, [0xE9]);
        }
        bytes
    }
}

impl Field {
    fn member(&self, resource: Resource, space: &str) -> String {
        let name = if self.underscored { self.element.replace('-', "_") } else { self.element.to_owned() };
        let text = self.text();
        let described = if self.element == "recipients" { "full-recipient-list" } else { self.element };
        let stands_for = resource.stand_ins().iter().find(|(name, _)| *name == described).map_or(described, |of| of.1);
        let kind = resource.elements().iter().find(|element| element.name == stands_for).map(|element| element.kind);
        let is_boolean = kind == Some(Kind::Boolean) && ["true", "false"].contains(&&*text);
        let value = match &self.content {
            Content::Elements => "{\"name\":\"x\",\"id\":7,\"active\":[\"maybe\",{}]}".to_owned(),
            _ if self.nil => "null".to_owned(),
            _ if is_boolean && !matches!(self.spelling, Spelling::Cdata) => text,
            _ if is_number(&text) && !matches!(self.spelling, Spelling::Cdata) => text,
            _ => self.spelling.in_json(&text),
        };
        format!("{}{space}:{space}{value}", self.spelling.in_json(&name))
    }
}

/// Whether a text is a number as JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}

impl Spelling {
    fn in_json(self, text: &str) -> String {
        match self {
            Spelling::References => {
                let mut units = [0; 2];
                let escaped =
                    |one: char| one.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect();
                format!("\"{}\"", text.chars().map(escaped).collect::<Vec<String>>().concat())
            }
            Spelling::Commented => string(text).replace('/', "\\/"),
            _ => string(text),
        }
    }
}
