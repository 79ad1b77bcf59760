//! Reading documents: what is read is written and read again to the same, in both dialects.

use clientstore::{
    Client, Dialect, Error, Fields, Invoice, ItemCategory, LineItem, Message, Payment, Project, Record, xml,
};

pub fn run(data: &[u8]) {
    read_as::<Client>(data);
    read_as::<Project>(data);
    read_as::<Invoice>(data);
    read_as::<LineItem>(data);
    read_as::<Message>(data);
    read_as::<Payment>(data);
    read_as::<ItemCategory>(data);
    if let Some(message) = told(xml::read_error(data), data) {
        let written = xml::write_error(&message, Dialect::Live);
        assert_eq!(xml::read_error(&written).unwrap(), message);
    }
}

fn read_as<R: Record>(data: &[u8]) {
    told(xml::read_new::<R>(data), data);
    told(xml::read_changes::<R>(data), data);
    if let Some(fields) = told(xml::read::<R>(data), data) {
        for dialect in [Dialect::Documented, Dialect::Live] {
            let written = xml::write_fields(&fields, dialect).unwrap();
            assert!(xml::read::<R>(&written).unwrap() == fields, "{}", String::from_utf8_lossy(&written));
        }
    }
    if let Some(list) = told(xml::read_list::<R>(data), data) {
        let written = xml::write_list(list.iter().cloned(), Dialect::Live).unwrap();
        let again: Vec<Fields<R>> = xml::read_list(&written).unwrap();
        assert_eq!(again.len(), list.len());
        assert!(xml::write_list(again, Dialect::Live).unwrap() == written, "{}", String::from_utf8_lossy(&written));
    }
}

/// What was read; an error must say where and why, in short.
fn told<T>(result: Result<T, Error>, data: &[u8]) -> Option<T> {
    let error = match result {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let (Error::Xml { line, .. } | Error::Invalid { line: Some(line), .. }) = error else {
        panic!("{error:?} has no line");
    };
    let lines = 1 + data.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!((1..=lines).contains(&line), "line {line} of {lines}: {error}");
    assert!(error.to_string().len() < 500, "{error}");
    None
}
