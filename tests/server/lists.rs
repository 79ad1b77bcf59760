//! Long lists, streamed.

use std::time::Instant;

use clientstore::server::Server;
use clientstore::{Api, ClientStore, NewClient};
use rusqlite::Connection as Sqlite;

use crate::limits::{LONG_LIST, long_list};
use crate::support::{PATIENCE, Running, get};

#[test]
fn a_long_list_is_chunked() {
    let api = long_list();
    let whole = api.handle(http::Request::get(LONG_LIST).body("").unwrap()).into_body().into_bytes().unwrap();
    let server = Running::of(Server::new(api));
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(get(LONG_LIST));
        let answer = connection.answer();
        assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
        assert_eq!(answer.header("Content-Length"), None);
        assert_eq!(answer.header("Content-Type"), Some("application/xml; charset=utf-8"));
        assert_eq!(answer.header("Status"), Some("200 OK"));
        assert!(answer.body == whole);
    }
    // A short one is not.
    connection.send(get("/clients?updated_since=2112-12-31"));
    let answer = connection.answer();
    assert_eq!(answer.header("Content-Length"), Some(&*answer.body.len().to_string()));

    connection.send(get(LONG_LIST).replace("GET", "HEAD"));
    let head = connection.head();
    assert_eq!((head.status(), head.header("Content-Length")), (200, None));
    connection.send(get("/clients/1"));
    assert_eq!(connection.answer().status(), 200);

    // HTTP/1.0 knows no chunks.
    for kept in ["", "Connection: Keep-Alive\r\n"] {
        let mut connection = server.connect();
        connection.send(format!("GET {LONG_LIST} HTTP/1.0\r\n{kept}\r\n"));
        let answer = connection.answer();
        assert_eq!(answer.header("Transfer-Encoding"), None);
        assert_eq!(answer.header("Content-Length"), None);
        assert_ne!(answer.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("keep-alive"));
        assert!(answer.body == whole);
    }
}

#[test]
fn a_list_that_is_read_half_frees_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    let details = "a".repeat(100_000);
    let client = |number| NewClient::named(format!("Client {number}")).details(&*details);
    store.clients().create_all((0..300).map(client)).unwrap();
    let server = Running::of(Server::new(Api::new(store.clone())));

    // A log can be emptied once nobody reads from it.
    let other = Sqlite::open(&path).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let is_held = || {
        store.clients().create(&NewClient::named("more")).unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap() == 1
    };
    assert!(!is_held());
    // A list that is kept is read at once, however slowly it is sent.
    let mut connection = server.connect();
    connection.send(get("/clients"));
    assert_eq!(connection.head().status(), 200);
    assert!(!is_held());
    let mut connection = server.connect();
    connection.send(get(LONG_LIST));
    assert_eq!(connection.head().status(), 200);
    assert!(is_held());
    drop(connection);
    let begun = Instant::now();
    while is_held() {
        assert!(begun.elapsed() < PATIENCE, "the reader is still at it");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
