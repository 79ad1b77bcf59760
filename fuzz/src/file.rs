//! Opening database files that were changed: a typed error, or data that stays the same when it is
//! read again.
//!
//! The bytes are changes to a filled store's file: six bytes each say which file (the database or
//! its log), where, how many bytes of the rest replace what stands there; no bytes cut the file off.

use std::path::Path;
use std::sync::OnceLock;

use clientstore::{ClientChanges, ClientStore, Durability, Error, InvoiceChanges, NewClient, NewInvoice, NewProject};

use crate::api::answer;
use crate::common::{Clock, builder};
use crate::transfers::fill;

pub fn run(data: &[u8]) {
    let (mut database, mut log) = files().clone();
    let mut rest = data;
    while let Some((head, after)) = rest.split_first_chunk::<6>() {
        let [which, a, b, c, length, _] = *head;
        let file = if which % 4 == 3 { &mut log } else { &mut database };
        let at = u32::from_le_bytes([a, b, c, 0]) as usize % (file.len() + 1);
        let (bytes, after) = after.split_at(after.len().min(usize::from(length)));
        if length == 0 {
            file.truncate(at);
        }
        for (to, from) in file[at..].iter_mut().zip(bytes) {
            *to = *from;
        }
        rest = after;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.db");
    std::fs::write(&path, database).unwrap();
    std::fs::write(folder.path().join("changed.db-wal"), log).unwrap();
    use_all(&path);
}

/// A filled store's file, and a log with its last writes.
fn files() -> &'static (Vec<u8>, Vec<u8>) {
    static FILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let open = || builder(&Clock::default()).durability(Durability::Off).open(&path).unwrap();
        fill(&open());
        let store = open();
        store.clients().create(&NewClient::named("In the log")).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        (read("store.db"), read("store.db-wal"))
    })
}

fn use_all(path: &Path) {
    let open = || builder(&Clock::default()).durability(Durability::Off).create(false).open(path);
    let Some(store) = typed(open()) else { return };
    read_all(&store);
    write_all(&store);
    read_all(&store);
    drop(store);
    if let Some(store) = typed(open()) {
        read_all(&store);
    }
}

/// Reads the whole store twice, every list and every record.
fn read_all(store: &ClientStore) {
    let dump = || {
        let mut document = Vec::new();
        typed(store.dump(&mut document, |_| {})).map(|_| document)
    };
    assert!(dump() == dump(), "a second dump differs");
    macro_rules! list {
        ($($resource:ident)*) => {$(
            if let Some(list) = typed(store.$resource().list(&Default::default())) {
                for record in list.map_while(typed).take(100) {
                    if let Some(same) = typed(store.$resource().get(record.id)) {
                        assert_eq!(same.id, record.id);
                    }
                }
            }
        )*};
    }
    list!(clients projects invoices messages payments item_categories);
    let api = clientstore::Api::new(store.clone());
    for path in ["/clients", "/projects?client=1", "/invoices?status=open", "/invoices/10", "/clients/1"] {
        let response = api.handle(http::Request::get(path).body("").unwrap());
        if response.status() == 200 {
            typed(response.into_body().into_bytes());
        } else {
            assert!(answer(response).status >= 400);
        }
    }
}

/// Tries every kind of write.
fn write_all(store: &ClientStore) {
    if let Some(client) = typed(store.clients().create(&NewClient::named("New"))) {
        typed(store.clients().update(client, &ClientChanges::new().details("x")));
        typed(store.projects().create(&NewProject::of(client, "p")));
        if let Some(invoice) = typed(store.invoices().create(&NewInvoice::of(client))) {
            typed(store.invoices().mark_as_sent(invoice));
        }
    }
    for id in [1, 3, 10] {
        typed(store.clients().toggle(id));
        typed(store.projects().toggle(id));
        typed(store.invoices().update(id, &InvoiceChanges::new().notes("x")));
        typed(store.projects().delete(id));
        typed(store.invoices().delete(id));
        typed(store.clients().delete(id));
    }
}

/// What was had; an error must be one that a file can give, and short.
fn typed<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.to_string().len() < 1000, "{error}");
            None
        }
    }
}
