//! The reader against the strict parser of the crate `xml`: what the one accepts and the other
//! refuses has a name here, or the test fails.

use std::collections::BTreeMap;

use xml::ParserConfig;

use super::common::{Random, tell};
use super::{Document, Verdict, suite, verdict, verdict_inside};

/// How many documents are generated, unless `CLIENTSTORE_XML_DOCUMENTS` says.
const DOCUMENTS: usize = 50_000;

/// A difference that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// A DOCTYPE is refused here.
    Doctype,
    /// An encoding other than UTF-8, and a name of it that is misspelt, are refused here.
    Encoding,
    /// A root that is no client's is refused here.
    Root,
    /// A prefix needs no declaration here, and a name may hold several colons.
    Namespaces,
    /// A document that says 1.1 may hold any character of XML 1.0 here, and no other.
    Version,
    /// `</` in an attribute's value is refused here, as XML demands.
    LessThan,
}

/// What the two parsers make of a document, where they differ.
fn difference(ours: &Verdict, document: &[u8]) -> Result<Option<Difference>, String> {
    let theirs = strict(document);
    let says_1_1 = memchr::memmem::find(document, b"1.1").is_some();
    Ok(Some(match (ours, &theirs) {
        (Verdict::Read, Ok(())) => return Ok(None),
        (Verdict::Read, Err(reason)) if about_namespaces(reason) => Difference::Namespaces,
        (Verdict::Read, Err(reason)) if says_1_1 && reason.contains("Invalid character") => Difference::Version,
        (Verdict::Doctype, Ok(())) => Difference::Doctype,
        (Verdict::NotUtf8, Ok(())) => Difference::Encoding,
        (Verdict::WrongRoot(_), Ok(())) => Difference::Root,
        (Verdict::Malformed(reason), Ok(())) if reason.contains("stands in an attribute") => Difference::LessThan,
        (Verdict::Malformed(reason), Ok(())) if says_1_1 && reason.contains("XML cannot carry") => Difference::Version,
        (Verdict::Read, Err(_)) | (Verdict::Malformed(_), Ok(())) => {
            return Err(format!("{ours:?} against {theirs:?}"));
        }
        (_, Err(_)) => return Ok(None),
    }))
}

fn about_namespaces(reason: &str) -> bool {
    ["prefix", "ualified name", "Namespace '", "Attribute '{"].iter().any(|words| reason.contains(words))
}

/// Why the strict parser refuses a document.
fn strict(document: &[u8]) -> Result<(), String> {
    let reader = ParserConfig::new().allow_multiple_root_elements(false).create_reader(document);
    reader.into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(error.msg().to_owned()))
}

/// Counts what is read by both, what is refused by both, and each difference.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    read: usize,
    refused: usize,
    differences: BTreeMap<Difference, usize>,
}

impl Counts {
    fn add(&mut self, ours: &Verdict, document: &[u8], which: &dyn Fn() -> String) {
        match difference(ours, document) {
            Ok(Some(difference)) => *self.differences.entry(difference).or_default() += 1,
            Ok(None) if *ours == Verdict::Read => self.read += 1,
            Ok(None) => self.refused += 1,
            Err(found) => panic!("{}: {found}: {:?}", which(), String::from_utf8_lossy(document)),
        }
    }
}

#[test]
fn the_strict_parser_agrees_on_the_suites_documents_without_a_doctype() {
    let mut counts = Counts::default();
    for document in suite::documents().iter().filter(|document| !document.has_doctype()) {
        counts.add(&verdict_inside(document), &document.bytes, &|| document.path.clone());
    }
    tell(format_args!("strict parser, the suite: {counts:?}"));
    let differences = [(Difference::Encoding, 2), (Difference::Namespaces, 16), (Difference::Version, 30)];
    assert_eq!(counts, Counts { read: 83, refused: 269, differences: differences.into() });
}

#[test]
fn the_strict_parser_agrees_on_generated_and_damaged_documents() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let seed = number("CLIENTSTORE_XML_SEED").unwrap_or(20_110_331);
    let documents = number("CLIENTSTORE_XML_DOCUMENTS").map_or(DOCUMENTS, |count| count as usize);
    let suites: Vec<Vec<u8>> = suite::documents()
        .iter()
        .filter(|document| !document.has_doctype() && document.bytes.is_ascii())
        .map(Document::as_ours)
        .collect();
    let mut random = Random(seed);
    let mut counts = Counts::default();
    for number in 0..documents {
        let mut document = if random.percent(25) { suites[random.below(suites.len())].clone() } else { random.xml() };
        if random.percent(50) {
            (0..=random.below(2)).for_each(|_| random.damage(&mut document));
        }
        counts.add(&verdict(&document), &document, &|| format!("seed {seed}, document {number}"));
    }
    tell(format_args!("strict parser, seed {seed}: {counts:?}"));
    assert!(counts.read > documents / 4 && counts.refused > documents / 4, "{counts:?}");
}

impl Random {
    /// A well-formed document of a client.
    fn xml(&mut self) -> Vec<u8> {
        let mut document = String::new();
        if self.percent(30) {
            document.push_str(self.of(DECLARATIONS));
        }
        self.misc(&mut document);
        document.push_str("<client");
        self.attributes(&mut document);
        document.push('>');
        self.content(&mut document, 1);
        document.push_str("</client>");
        self.misc(&mut document);
        document.into_bytes()
    }

    fn misc(&mut self, document: &mut String) {
        while self.percent(25) {
            document.push_str(self.of(&["\n", " \t\r\n", "<!-- a -->", "<?go on?>", "<!--é-->"]));
        }
    }

    fn attributes(&mut self, document: &mut String) {
        while self.percent(25) {
            document.push_str(self.of(&[" ", "\n", "\t "]));
            document.push_str(self.of(NAMES));
            document.push_str(self.of(&["=", " = "]));
            let quote = self.of(&["\"", "'"]);
            document.push_str(quote);
            document.push_str(self.of(&["", "true", "a b", "&lt;", "&#65;", "é", ">", "]]>", "/"]));
            document.push_str(quote);
        }
    }

    fn content(&mut self, document: &mut String, depth: usize) {
        while self.percent(60) {
            match self.below(10) {
                0..4 => document.push_str(self.of(TEXTS)),
                4..6 => document.push_str(self.of(MARKUP)),
                6 => {
                    document.push('<');
                    document.push_str(self.of(NAMES));
                    self.attributes(document);
                    document.push_str(self.of(&["/>", " />"]));
                }
                _ if depth < 6 => {
                    let name = self.of(NAMES);
                    document.push_str(&format!("<{name}"));
                    self.attributes(document);
                    document.push('>');
                    self.content(document, depth + 1);
                    document.push_str(&format!("</{name}{}>", self.of(&["", "", " ", "\n"])));
                }
                _ => {}
            }
        }
    }

    /// Puts in, takes out, doubles or changes something.
    fn damage(&mut self, document: &mut Vec<u8>) {
        let at = self.below(document.len() + 1);
        let end = (at + 1 + self.below(8)).min(document.len());
        match self.below(6) {
            0..3 => drop(document.splice(at..at, self.of(SHARDS).iter().copied())),
            3 if at < end => document[at] = self.of(b"<>&;\"'/!?=-[] \n\0a1:\x80\xC3\xFF"),
            4 => drop(document.drain(at..end)),
            _ => {
                let piece = document[at..end].to_vec();
                drop(document.splice(at..at, piece));
            }
        }
    }
}

const DECLARATIONS: &[&str] = &[
    "<?xml version=\"1.0\"?>",
    "<?xml version='1.0' encoding='UTF-8'?>\n",
    "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\" ?>",
    "\u{FEFF}<?xml version=\"1.0\"?>",
];
const NAMES: &[&str] = &["name", "details", "_x", "a-b", "a.1", "größe", "名"];
const TEXTS: &[&str] =
    &["x", " ", "\n", "\r\n", "a > b", "]]", "é", "🦀", "\u{85}", "\u{FFFD}", "\"'", "1", "true", "=", "--", "?>"];
const MARKUP: &[&str] = &[
    "&amp;",
    "&lt;",
    "&#13;",
    "&#x1F600;",
    "<![CDATA[<a> & ]] b]]>",
    "<![CDATA[]]>",
    "<!-- <a> & -->",
    "<!---->",
    "<?p?>",
    "<?p <a> & ?>",
];
const SHARDS: &[&[u8]] = &[
    b"<",
    b">",
    b"&",
    b"]]>",
    b"--",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"<?",
    b"?>",
    b"<?xml version='1.0'?>",
    b"/",
    b"\"",
    b"'",
    b"=",
    b"&a;",
    b"&#0;",
    b"&#x;",
    b"&#xFFFE;",
    b"&#xD800;",
    b"&#x110000;",
    b"&#99999999999;",
    b"&#X41;",
    b"&#-1;",
    b"&#+65;",
    b"\0",
    b"\x01",
    b"\x0B",
    b"\xEF\xBF\xBE",
    b"\xED\xA0\x80",
    b"\xC0\x80",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"<a",
    b"</a>",
    b"<a/>",
    b"<1/>",
    b"<client/>",
    b"x",
    b" a='' a=''",
    b" a",
    b" a=b",
    b"<!DOCTYPE client>",
    b"<!ELEMENT a ANY>",
    b" encoding='x'",
    b"<a b='<'/>",
    b"<a b='&'/>",
    b"<a:b/>",
    b"<!-->",
    b"<!--->",
    b"<?XML?>",
    b"< a/>",
    b"</ a>",
    b"<a b=''c=''/>",
    b"<?xml-x?>",
    b"\r",
    b"\xC2\x85",
    b"\x7F",
];
