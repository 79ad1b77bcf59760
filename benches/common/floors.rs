//! The floors: what a bare program does with rusqlite and quick-xml for the same result.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

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

/// An element by hand: what stands before its value, how the value is read, what stands after.
pub struct Element {
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
    DateTime,
}

impl Element {
    pub fn new(name: &str, kind: Kind) -> Self {
        let (of_type, of_nil) = match kind {
            Kind::Integer => (" type=\"integer\"", " type=\"integer\""),
            Kind::Boolean => (" type=\"boolean\"", " type=\"boolean\""),
            Kind::Text => ("", ""),
            Kind::DateTime => (" type=\"datetime\"", " type=\"datetime\""),
        };
        Element {
            kind,
            open: format!("    <{name}{of_type}>").into_bytes(),
            nil: format!("    <{name}{of_nil} nil=\"true\"></{name}>\n").into_bytes(),
            close: format!("</{name}>\n").into_bytes(),
        }
    }
}

/// A prepared scan, each value from SQLite's memory to a buffer that is used again for the next
/// 64 KiB; gives the document's length.
pub fn list(statement: &mut Statement<'_>, elements: &[Element], head: &[u8], mut each: impl FnMut(&[u8])) -> usize {
    let mut buffer: Vec<u8> = Vec::with_capacity(80 * 1024);
    let mut length = 0;
    buffer.extend_from_slice(head);
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        buffer.extend_from_slice(b"  <client>\n");
        for (at, element) in elements.iter().enumerate() {
            let value = row.get_ref(at).unwrap();
            if let ValueRef::Null = value {
                buffer.extend_from_slice(&element.nil);
                continue;
            }
            buffer.extend_from_slice(&element.open);
            match (element.kind, value) {
                (Kind::Boolean, ValueRef::Integer(number)) => {
                    buffer.extend_from_slice(if number == 1 { b"true" } else { b"false" });
                }
                (Kind::Integer, ValueRef::Integer(number)) => {
                    buffer.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
                (Kind::Text | Kind::DateTime, ValueRef::Text(text)) => escape(&mut buffer, text),
                _ => panic!("the file holds something else"),
            }
            buffer.extend_from_slice(&element.close);
        }
        buffer.extend_from_slice(b"  </client>\n");
        if buffer.len() >= 64 * 1024 {
            length += buffer.len();
            each(&buffer);
            buffer.clear();
        }
    }
    buffer.extend_from_slice(b"</clients>\n");
    each(&buffer);
    length + buffer.len()
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

/// quick-xml's borrowed events, counted.
pub fn count_events(document: &[u8]) -> usize {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(document);
    let mut count = 0;
    while !matches!(reader.read_event().unwrap(), Event::Eof) {
        count += 1;
    }
    count
}
