//! Import and export.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};

use clientstore::{ClientStore, LoadOptions, UndoSession};

use crate::words::{counted, in_words};

/// Loads a document, such as an export or a list of clients in XML or JSON. All of it is one step, which can be undone.
pub fn import(session: &UndoSession, path: &str) -> Result<String, String> {
    let file = File::open(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    // A record that is there is updated by what the document says of it.
    let options = LoadOptions::new().update(true);
    let loaded = session
        .transaction(|tx| tx.load([(path, BufReader::new(file))], options, |_| {}))
        .map_err(|error| in_words(&error))?;
    let kinds: Vec<String> =
        loaded.kinds.iter().map(|(kind, count)| counted(*count, &kind.replace('-', " "))).collect();
    Ok(match kinds.as_slice() {
        [] => format!("{path} holds no records."),
        kinds => format!("Imported {} from {path}.", kinds.join(", ")),
    })
}

/// Writes the whole store to a new file, as one document.
pub fn export(store: &ClientStore, path: &str) -> Result<String, String> {
    let file = File::create_new(path).map_err(|error| format!("{path} cannot be made: {error}"))?;
    let mut out = BufWriter::new(file);
    let written = store.dump(&mut out, |_| {}).map_err(|error| in_words(&error));
    let written = written.and_then(|records| match out.flush() {
        Ok(()) => Ok(format!("Exported {} to {path}.", counted(records, "record"))),
        Err(error) => Err(format!("{path} cannot be written: {error}")),
    });
    if written.is_err() {
        // Half of an export is none.
        fs::remove_file(path).ok();
    }
    written
}
