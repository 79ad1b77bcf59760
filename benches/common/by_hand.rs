//! The floors: what a bare program does with rusqlite and quick-xml for the same result.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Rows, Statement};

/// A connection to a store's file, set as the store sets its own.
pub fn connect(path: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true).unwrap();
    connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}; PRAGMA cell_size_check = ON")).unwrap();
    connection
}

pub const SELECT: &str = "SELECT id, name, active, details, highrise_id, cache_version, currency, currency_symbol, \
     default_invoice_timeframe, last_invoice_kind, created_at, updated_at FROM clients WHERE id = ?1";

/// The fields of a client, all of them.
#[allow(dead_code)]
pub struct Plain {
    pub id: i64,
    pub name: String,
    pub active: bool,
    pub details: String,
    pub highrise_id: Option<i64>,
    pub cache_version: i64,
    pub currency: String,
    pub currency_symbol: String,
    pub default_invoice_timeframe: Option<String>,
    pub last_invoice_kind: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn moment(row: &Row<'_>, at: usize) -> rusqlite::Result<DateTime<Utc>> {
    let text = row.get_ref(at)?.as_str()?;
    Ok(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

/// A prepared select by rowid into a struct.
pub fn get(statement: &mut Statement<'_>, id: i64) -> Plain {
    let plain = |row: &Row<'_>| {
        Ok(Plain {
            id: row.get(0)?,
            name: row.get(1)?,
            active: row.get(2)?,
            details: row.get(3)?,
            highrise_id: row.get(4)?,
            cache_version: row.get(5)?,
            currency: row.get(6)?,
            currency_symbol: row.get(7)?,
            default_invoice_timeframe: row.get(8)?,
            last_invoice_kind: row.get(9)?,
            created_at: moment(row, 10)?,
            updated_at: moment(row, 11)?,
        })
    };
    statement.query_row([id], plain).unwrap()
}

pub const INSERT: &str = "INSERT INTO clients (name, details, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)";

pub const TOGGLE: &str = "UPDATE clients SET active = 1 - active, cache_version = cache_version + 1, updated_at = ?2 \
     WHERE id = ?1 AND (active = 0 OR NOT EXISTS (SELECT 1 FROM projects WHERE client_id = clients.id AND active = 1)) \
     RETURNING active";

/// The update by hand. It is stepped to its end: SQLite checkpoints its log only then.
pub fn toggle(statement: &mut Statement<'_>, id: i64, now: &str) -> bool {
    let mut rows = statement.query((id, now)).unwrap();
    let active = rows.next().unwrap().unwrap().get(0).unwrap();
    assert!(rows.next().unwrap().is_none());
    active
}

/// How an element is written by hand: what stands before its value, after it, and in its place.
struct Element {
    kind: Kind,
    open: Vec<u8>,
    nil: Vec<u8>,
    close: Vec<u8>,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Integer,
    Boolean,
    Text,
    Decimal,
    Date,
    DateTime,
}

/// How records are written by hand.
pub struct Shape {
    open: Vec<u8>,
    elements: Vec<Element>,
    close: Vec<u8>,
}

impl Shape {
    pub fn new(record: &str, indent: usize, elements: &[(&str, Kind)]) -> Self {
        let outer = " ".repeat(indent);
        let element = |(name, kind): &(&str, Kind)| {
            let type_of = match kind {
                Kind::Integer => " type=\"integer\"",
                Kind::Boolean => " type=\"boolean\"",
                Kind::Decimal => " type=\"decimal\"",
                Kind::Date => " type=\"date\"",
                Kind::DateTime => " type=\"datetime\"",
                Kind::Text => "",
            };
            Element {
                kind: *kind,
                open: format!("{outer}  <{name}{type_of}>").into_bytes(),
                nil: format!("{outer}  <{name}{type_of} nil=\"true\"></{name}>\n").into_bytes(),
                close: format!("</{name}>\n").into_bytes(),
            }
        };
        Shape {
            open: format!("{outer}<{record}>\n").into_bytes(),
            elements: elements.iter().map(element).collect(),
            close: format!("{outer}</{record}>\n").into_bytes(),
        }
    }

    /// Each value from SQLite's memory to the buffer.
    #[inline]
    fn write(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.open);
        for (at, element) in self.elements.iter().enumerate() {
            let value = row.get_ref(at).unwrap();
            if let ValueRef::Null = value {
                out.extend_from_slice(&element.nil);
                continue;
            }
            out.extend_from_slice(&element.open);
            match (element.kind, value) {
                (Kind::Boolean, ValueRef::Integer(number)) => {
                    out.extend_from_slice(if number == 1 { b"true" } else { b"false" });
                }
                (Kind::Integer, ValueRef::Integer(number)) => {
                    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
                (Kind::Text | Kind::Decimal | Kind::Date | Kind::DateTime, ValueRef::Text(text)) => escape(out, text),
                _ => panic!("the file holds something else"),
            }
            out.extend_from_slice(&element.close);
        }
        out.extend_from_slice(&self.close);
    }
}

/// The document of one record into a buffer that is used again.
pub fn document(statement: &mut Statement<'_>, id: i64, shape: &Shape, out: &mut Vec<u8>) {
    out.clear();
    let mut rows = statement.query([id]).unwrap();
    shape.write(rows.next().unwrap().unwrap(), out);
}

/// The document of what a prepared statement finds, into a buffer that is used again; `full` is called
/// whenever 64 KiB are in it, and may take them.
pub fn list(
    mut rows: Rows<'_>,
    shape: &Shape,
    (head, end): (&str, &str),
    out: &mut Vec<u8>,
    mut full: impl FnMut(&mut Vec<u8>),
) {
    out.clear();
    out.extend_from_slice(head.as_bytes());
    while let Some(row) = rows.next().unwrap() {
        shape.write(row, out);
        if out.len() >= 64 * 1024 {
            full(out);
        }
    }
    out.extend_from_slice(end.as_bytes());
}

fn escape(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(at) = memchr::memchr3(b'&', b'<', b'>', text) {
        out.extend_from_slice(&text[..at]);
        out.extend_from_slice(match text[at] {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            _ => b"&gt;",
        });
        text = &text[at + 1..];
    }
    out.extend_from_slice(text);
}

/// quick-xml's bare events, with none of the checks that the library adds, counted.
pub fn count_events(document: &[u8]) -> usize {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(document);
    let mut count = 0;
    while !matches!(reader.read_event().unwrap(), Event::Eof) {
        count += 1;
    }
    count
}
