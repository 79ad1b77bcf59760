//! The cases of JSON: a list beside one written by hand, and requests beside the same ones in XML.

use clientstore::{Api, ClientFilter, ClientStore, Dialect, Durability};
use http::Request;
use rusqlite::Rows;
use rusqlite::types::ValueRef;

use super::api::answered;
use super::by_hand::{self, Kind};
use super::data::{Data, Side, clients, ids};
use super::harness::{Outcome, pairs, time};
use super::store::{COLUMNS, names};

const MANY: usize = 100_000;
/// Of a client, only JSON shows it.
const STATEMENT_KEY: (&str, Kind) = ("statement-key", Kind::Text);

/// A list in 64 KiB pieces that go nowhere.
pub fn written(data: &Data) -> Outcome {
    let store = ClientStore::open(data.clients(MANY, Side::Case)).unwrap();
    let connection = by_hand::connect(&data.clients(MANY, Side::Floor), "FULL");
    let mut columns = COLUMNS.to_vec();
    if !columns.iter().any(|(name, _)| *name == STATEMENT_KEY.0) {
        columns.push(STATEMENT_KEY);
    }
    let mut statement = connection.prepare(&format!("SELECT {} FROM clients ORDER BY id", names(&columns))).unwrap();
    let members: Vec<Member> = columns.iter().enumerate().map(|(at, column)| Member::new(at, column)).collect();
    let filter = ClientFilter::default();
    let mut floor = |out: &mut Vec<u8>, full: fn(&mut Vec<u8>)| {
        list_by_hand(statement.query([]).unwrap(), &members, out, full);
    };
    let (mut ours, mut buffer) = (Vec::new(), Vec::new());
    store.clients().write_list_json(&filter, &mut ours).unwrap();
    floor(&mut buffer, |_| ());
    assert!(ours == buffer, "both write the same document");
    let list = || store.clients().write_list_json(&filter, &mut std::io::sink()).unwrap();
    pairs(|| time(list), || time(|| floor(&mut buffer, Vec::clear))).times(1)
}

/// How a member is written by hand: what stands before its value.
struct Member {
    kind: Kind,
    open: String,
}

impl Member {
    fn new(at: usize, (name, kind): &(&str, Kind)) -> Self {
        let comma = if at == 0 { "" } else { "," };
        Member { kind: *kind, open: format!("{comma}\"{}\":", name.replace('-', "_")) }
    }
}

fn list_by_hand(mut rows: Rows<'_>, members: &[Member], out: &mut Vec<u8>, full: fn(&mut Vec<u8>)) {
    out.clear();
    out.push(b'[');
    let mut is_first = true;
    while let Some(row) = rows.next().unwrap() {
        out.extend_from_slice(if is_first { b"{\"client\":{" } else { b",{\"client\":{" });
        is_first = false;
        for (at, member) in members.iter().enumerate() {
            out.extend_from_slice(member.open.as_bytes());
            match (row.get_ref(at).unwrap(), member.kind) {
                (ValueRef::Null, _) => out.extend_from_slice(b"null"),
                (ValueRef::Integer(number), Kind::Boolean) => {
                    out.extend_from_slice(if number == 1 { b"true" } else { b"false" });
                }
                (ValueRef::Integer(number), _) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
                (ValueRef::Text(text), _) => string(std::str::from_utf8(text).unwrap().as_bytes(), out),
                other => panic!("{:?}", other.0),
            }
        }
        out.extend_from_slice(b"}}");
        if out.len() >= 64 * 1024 {
            full(out);
        }
    }
    out.extend_from_slice(b"]\n");
}

fn string(mut rest: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    while let Some(at) = rest.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control @ 0..b' ' => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
            other => out.extend_from_slice(&[b'\\', other]),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Creates through `Api::handle` beside the same ones in XML, without waiting for the disk.
pub fn create(data: &Data) -> Outcome {
    const CREATES: usize = 500;
    let api = || Api::new(ClientStore::builder().durability(Durability::Off).open(data.fresh(1_000)).unwrap());
    let (ours, theirs) = (api(), api());
    let some: Vec<_> = clients(CREATES).collect();
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let in_json = |(name, details): &(String, String)| {
        serde_json::json!({"client": {"name": name, "details": details}}).to_string()
    };
    let in_xml = |(name, details): &(String, String)| {
        format!("<client>\n  <name>{}</name>\n  <details>{}</details>\n</client>\n", escaped(name), escaped(details))
    };
    let bodies = |write: &dyn Fn(&(String, String)) -> String| some.iter().map(write).collect::<Vec<_>>();
    let (json, xml) = (bodies(&in_json), bodies(&in_xml));
    let post = |api: &Api, bodies: &[String], kind: &str| {
        let request =
            |body: &String| Request::post("/clients").header("Content-Type", kind).body(body.clone()).unwrap();
        let requests: Vec<_> = bodies.iter().map(request).collect();
        time(|| requests.into_iter().filter(|request| api.handle(request.clone()).status() == 201).count())
    };
    let pairs = pairs(|| post(&ours, &json, "application/json"), || post(&theirs, &xml, "application/xml"));
    pairs.times(CREATES)
}

/// Gets one through `Api::handle` beside the same one in XML with every element.
pub fn get(data: &Data) -> Outcome {
    let api = Api::new(ClientStore::open(data.clients(MANY, Side::Case)).unwrap()).dialect(Dialect::Live);
    let other = Api::new(ClientStore::open(data.clients(MANY, Side::Floor)).unwrap()).dialect(Dialect::Live);
    let ids = ids(MANY);
    let gets = |api: &Api, accept: &str| {
        let request = |id| Request::get(format!("/clients/{id}")).header("Accept", accept).body("").unwrap();
        let requests: Vec<_> = ids.iter().map(request).collect();
        time(|| requests.into_iter().map(|request| answered(api, request).len()).sum::<usize>())
    };
    pairs(|| gets(&api, "application/json"), || gets(&other, "application/xml")).times(ids.len())
}
