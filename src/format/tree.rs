//! Small documents that belong to no table, built in memory: errors, the account, a person's day.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{Format, json, xml};
use crate::value::{date_text, datetime_text, decimal_text};

/// A member of a document: a group of others, or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Group(&'static str, Vec<Node>),
    /// A group in XML; in JSON its members stand in its place.
    Bare(&'static str, Vec<Node>),
    /// Groups of one name; in JSON a list of objects.
    List(&'static str, &'static str, Vec<Vec<Node>>),
    Text(&'static str, String),
    Integer(&'static str, i64),
    Boolean(&'static str, bool),
    /// A datetime's text.
    DateTime(&'static str, String),
    Date(&'static str, NaiveDate),
    Float(&'static str, Decimal),
    /// A day that XML has as `Wed, 18 Oct 2006`.
    LongDate(&'static str, NaiveDate),
    /// A moment that XML has as `Thu, 17 Nov 2011 10:19:57 +0000`.
    LongDateTime(&'static str, DateTime<Utc>),
    /// What JSON alone has.
    InJson(Box<Node>),
}

/// A document of members. It has a root in XML; JSON has the members alone.
pub(crate) fn write(root: &str, members: &[Node], format: Format) -> Vec<u8> {
    match format {
        Format::Xml(dialect) => {
            let mut tree = xml::Tree::new(dialect);
            write_xml_group(root, members, &mut tree);
            tree.into_bytes()
        }
        Format::Json => {
            let mut out = Vec::new();
            write_json_object(members, &mut out);
            out.push(b'\n');
            out
        }
    }
}

fn write_xml_group(name: &str, members: &[Node], tree: &mut xml::Tree) {
    tree.open(name);
    members.iter().for_each(|node| write_xml(node, tree));
    tree.close(name);
}

fn write_xml(node: &Node, tree: &mut xml::Tree) {
    match node {
        Node::Group(name, members) | Node::Bare(name, members) => write_xml_group(name, members, tree),
        Node::List(name, _, items) if items.is_empty() => tree.text(name, ""),
        Node::List(name, item, items) => {
            tree.open(name);
            items.iter().for_each(|members| write_xml_group(item, members, tree));
            tree.close(name);
        }
        Node::Text(name, text) => tree.text(name, text),
        Node::Integer(name, number) => tree.integer(name, *number),
        Node::Boolean(name, value) => tree.boolean(name, *value),
        Node::DateTime(name, text) => tree.typed(name, "datetime", text),
        Node::Date(name, day) => tree.typed(name, "date", &date_text(*day)),
        Node::Float(name, number) => tree.typed(name, "float", &decimal_text(*number)),
        Node::LongDate(name, day) => tree.typed(name, "date", &day.format("%a, %d %b %Y").to_string()),
        Node::LongDateTime(name, moment) => {
            tree.typed(name, "datetime", &moment.format("%a, %d %b %Y %H:%M:%S +0000").to_string());
        }
        Node::InJson(_) => {}
    }
}

fn write_json_object(members: &[Node], out: &mut Vec<u8>) {
    out.push(b'{');
    write_json_members(members, out);
    out.push(b'}');
}

/// Writes the members of an object, after those that it has already.
fn write_json_members(members: &[Node], out: &mut Vec<u8>) {
    for node in members {
        match node {
            Node::Bare(_, members) => write_json_members(members, out),
            Node::InJson(node) => write_json_members(std::slice::from_ref(node), out),
            node => write_json_member(node, out),
        }
    }
}

fn write_json_member(node: &Node, out: &mut Vec<u8>) {
    let (Node::Group(name, _)
    | Node::Bare(name, _)
    | Node::List(name, ..)
    | Node::Text(name, _)
    | Node::Integer(name, _)
    | Node::Boolean(name, _)
    | Node::DateTime(name, _)
    | Node::Date(name, _)
    | Node::Float(name, _)
    | Node::LongDate(name, _)
    | Node::LongDateTime(name, _)) = node
    else {
        return;
    };
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    json::write_string(out, name.replace('-', "_").as_bytes());
    out.push(b':');
    match node {
        Node::Group(_, members) | Node::Bare(_, members) => write_json_object(members, out),
        Node::List(_, _, items) => {
            out.push(b'[');
            for (at, members) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_json_object(members, out);
            }
            out.push(b']');
        }
        Node::Text(_, text) | Node::DateTime(_, text) => json::write_string(out, text.as_bytes()),
        Node::Integer(_, number) => out.extend_from_slice(number.to_string().as_bytes()),
        Node::Boolean(_, value) => out.extend_from_slice(value.to_string().as_bytes()),
        Node::Date(_, day) | Node::LongDate(_, day) => json::write_string(out, date_text(*day).as_bytes()),
        Node::LongDateTime(_, moment) => json::write_string(out, datetime_text(*moment).as_bytes()),
        Node::Float(_, number) => out.extend_from_slice(number.normalize().to_string().as_bytes()),
        Node::InJson(_) => {}
    }
}
