//! Reading JSON: what is read is written and read again to the same, and another parser takes it for JSON, too.

use clientstore::{Client, Dialect, Error, Invoice, Payment, Project, Record, json, xml};

pub fn run(data: &[u8]) {
    read_as::<Client>(data);
    read_as::<Project>(data);
    read_as::<Invoice>(data);
    read_as::<Payment>(data);
    if let Some(message) = told(json::read_error(data), data) {
        assert_eq!(json::read_error(&json::write_error(&message)).unwrap(), message);
    }
}

fn read_as<R: Record>(data: &[u8]) {
    told(json::read_new::<R>(data), data);
    told(json::read_changes::<R>(data), data);
    if let Some(fields) = told(json::read::<R>(data), data) {
        let bytes = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
        assert!(
            serde_json::from_slice::<serde_json::Value>(bytes).is_ok()
                || bytes.contains(&b'e')
                || bytes.contains(&b'E')
        );
        let written = json::write_fields(&fields).unwrap();
        assert!(json::read::<R>(&written).unwrap() == fields, "{}", String::from_utf8_lossy(&written));
        let in_xml = xml::write_fields(&fields, Dialect::Live).unwrap();
        assert!(xml::read::<R>(&in_xml).unwrap() == fields, "{}", String::from_utf8_lossy(&in_xml));
    }
    told(json::read_list::<R>(data), data);
}

/// What was read; an error must say where and why, in short.
fn told<T>(result: Result<T, Error>, data: &[u8]) -> Option<T> {
    let error = match result {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let (Error::Json { line, .. } | Error::Invalid { line: Some(line), .. }) = error else {
        panic!("{error:?} has no line");
    };
    let lines = 1 + data.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!((1..=lines).contains(&line), "line {line} of {lines}: {error}");
    assert!(error.to_string().len() < 500, "{error}");
    None
}
