//! Small documents that belong to no table, built in memory: errors, the account.

use super::{Format, json, xml};

/// A member of a document: a group of others, or a value.
pub(crate) enum Node {
    Group(&'static str, Vec<Node>),
    Text(&'static str, String),
    Integer(&'static str, i64),
    Boolean(&'static str, bool),
    /// A datetime's text.
    DateTime(&'static str, String),
}

/// A document of members. Its root in XML is `<hash>`; JSON has the members alone.
pub(crate) fn write(members: &[Node], format: Format) -> Vec<u8> {
    match format {
        Format::Xml(dialect) => {
            let mut tree = xml::Tree::new(dialect);
            tree.open("hash");
            members.iter().for_each(|node| write_xml(node, &mut tree));
            tree.close("hash");
            tree.into_bytes()
        }
        Format::Json => {
            let mut out = Vec::new();
            write_json(members, &mut out);
            out.push(b'\n');
            out
        }
    }
}

fn write_xml(node: &Node, tree: &mut xml::Tree) {
    match node {
        Node::Group(name, members) => {
            tree.open(name);
            members.iter().for_each(|node| write_xml(node, tree));
            tree.close(name);
        }
        Node::Text(name, text) => tree.text(name, text),
        Node::Integer(name, number) => tree.integer(name, *number),
        Node::Boolean(name, value) => tree.boolean(name, *value),
        Node::DateTime(name, text) => tree.datetime(name, text),
    }
}

fn write_json(members: &[Node], out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, node) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let (Node::Group(name, _)
        | Node::Text(name, _)
        | Node::Integer(name, _)
        | Node::Boolean(name, _)
        | Node::DateTime(name, _)) = node;
        json::write_string(out, name.replace('-', "_").as_bytes());
        out.push(b':');
        match node {
            Node::Group(_, members) => write_json(members, out),
            Node::Text(_, text) | Node::DateTime(_, text) => json::write_string(out, text.as_bytes()),
            Node::Integer(_, number) => out.extend_from_slice(number.to_string().as_bytes()),
            Node::Boolean(_, value) => out.extend_from_slice(value.to_string().as_bytes()),
        }
    }
    out.push(b'}');
}
