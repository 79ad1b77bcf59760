//! The XML reader against the W3C's conformance suite, and against a strict parser.

#[path = "../common/mod.rs"]
mod common;
mod differential;
mod suite;

use clientstore::{Client, Error, xml};
use common::tell;
use suite::{Document, Rules};

/// What the reader makes of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Read,
    Doctype,
    NotUtf8,
    WrongRoot(String),
    Malformed(String),
}

fn verdict(document: &[u8]) -> Verdict {
    let (line, reason) = match xml::read::<Client>(document) {
        Ok(_) => return Verdict::Read,
        Err(Error::Xml { line, reason }) => (line, reason),
        Err(Error::Invalid { line: Some(line), reason, .. }) if reason.contains("XML cannot carry") => (line, reason),
        Err(other) => panic!("neither read nor refused as XML: {other:?}"),
    };
    let lines = document.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    assert!((1..=lines).contains(&line), "line {line} of {lines}: {reason}");
    if reason.contains("DOCTYPE") {
        Verdict::Doctype
    } else if reason == "the document is not UTF-8" || reason.contains("its encoding is") {
        Verdict::NotUtf8
    } else if let Some(root) = reason.strip_prefix("the root element is <") {
        Verdict::WrongRoot(root.strip_suffix(">, not <client>").unwrap().to_owned())
    } else {
        Verdict::Malformed(reason)
    }
}

/// The same of a document that would be refused for its root, once that is a client's.
fn verdict_inside(document: &Document) -> Verdict {
    verdict(&document.as_ours())
}

impl Document {
    /// Its bytes, with the root renamed to a client's where it would be refused for that.
    fn as_ours(&self) -> Vec<u8> {
        match verdict(&self.bytes) {
            Verdict::WrongRoot(root) => renamed(&self.bytes, &root),
            _ => self.bytes.clone(),
        }
    }
}

/// The document with the elements of one name renamed to `client`.
fn renamed(document: &[u8], root: &str) -> Vec<u8> {
    let mut renamed = Vec::new();
    let mut rest = document;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        let tag = if rest[at + 1..].starts_with(b"/") { at + 2 } else { at + 1 };
        renamed.extend_from_slice(&rest[..tag]);
        rest = &rest[tag..];
        let whole = rest.get(root.len()).is_none_or(|after| b" \t\r\n/>".contains(after));
        if let Some(after) = rest.strip_prefix(root.as_bytes()).filter(|_| whole) {
            renamed.extend_from_slice(b"client");
            rest = after;
        }
    }
    [&renamed, rest].concat()
}

#[test]
fn every_document_with_a_doctype_is_refused() {
    let mut counts = [0; 3];
    for document in documents(|document| document.has_doctype()) {
        counts[match verdict_inside(&document) {
            Verdict::Doctype => 0,
            Verdict::NotUtf8 => 1,
            Verdict::Malformed(_) => 2,
            other => panic!("{}: {other:?}", document.path),
        }] += 1;
    }
    let [doctype, not_utf_8, malformed] = counts;
    tell(format_args!(
        "with a DOCTYPE: {doctype} refused for it, {not_utf_8} as not UTF-8, {malformed} as malformed before it"
    ));
    assert_eq!(counts, [2092, 55, 37]);
}

#[test]
fn documents_malformed_by_the_rules_of_xml_are_refused() {
    assert_eq!(refused(Rules::Xml10), (229, 229));
}

/// XML 1.0 lets a processor read a document that says 1.1 as one of 1.0, and knows no namespaces.
#[test]
fn documents_malformed_by_other_rules_alone_are_read() {
    assert_eq!(refused(Rules::Xml11), (38, 71));
    assert_eq!(refused(Rules::Namespaces), (1, 18));
}

/// How many of the documents that a recommendation calls malformed, and that have no DOCTYPE, are
/// refused, and how many there are.
fn refused(rules: Rules) -> (usize, usize) {
    let malformed = documents(|document| !document.has_doctype() && document.malformed && document.rules == rules);
    let mut refused = 0;
    for document in &malformed {
        match verdict_inside(document) {
            Verdict::Read if rules == Rules::Xml10 => println!("{} is read", document.path),
            Verdict::Read => {}
            Verdict::Malformed(_) | Verdict::NotUtf8 | Verdict::Doctype => refused += 1,
            other => panic!("{}: {other:?}", document.path),
        }
    }
    tell(format_args!("malformed by {rules:?}, without a DOCTYPE: {refused} of {} refused", malformed.len()));
    (refused, malformed.len())
}

#[test]
fn well_formed_documents_of_others_are_refused_for_their_root_or_their_encoding_alone() {
    let (mut root, mut not_utf_8) = (0, 0);
    for document in documents(|document| !document.has_doctype() && !document.malformed) {
        match verdict(&document.bytes) {
            Verdict::WrongRoot(_) => {
                assert_eq!(verdict_inside(&document), Verdict::Read, "{}", document.path);
                root += 1;
            }
            Verdict::NotUtf8 => not_utf_8 += 1,
            // Their declarations hold white space that is one by the rules of XML 1.1 alone.
            Verdict::Malformed(_) if ["eduni/xml-1.1/056.xml", "eduni/xml-1.1/057.xml"].contains(&&*document.path) => {}
            other => panic!("{}: {other:?}", document.path),
        }
    }
    tell(format_args!("well-formed, without a DOCTYPE: {root} refused for their root, {not_utf_8} as not UTF-8"));
    assert_eq!((root, not_utf_8), (77, 3));
}

fn documents(wanted: impl Fn(&Document) -> bool) -> Vec<Document> {
    suite::documents().into_iter().filter(wanted).collect()
}
