//! Long bodies and answers of receipts (`docs/spec/time.md`, "Receipts").

use std::io::{Read, Write};
use std::path::Path;

use clientstore::server::Server;
use clientstore::{Api, ClientStore, NewClient, NewExpense, NewProject};

use crate::support::Running;

fn api() -> Api {
    with_an_expense(ClientStore::open_in_memory().unwrap())
}

/// A store in a file, beside which receipts wait until all of them has come.
fn on_disk(folder: &Path) -> Api {
    with_an_expense(ClientStore::open(folder.join("store.db")).unwrap())
}

fn with_an_expense(store: ClientStore) -> Api {
    let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    let day = chrono::NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();
    store.expenses().create(&NewExpense::of(project, 1, day)).unwrap();
    Api::new(store)
}

fn form(bytes: &[u8]) -> Vec<u8> {
    let head = b"--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.png\"\r\n\
                 Content-Type: image/png\r\n\r\n";
    [head, bytes, b"\r\n--B--\r\n"].concat()
}

/// The whole answer to a request, on a connection of its own.
fn send(server: &Running, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = server.connect().stream;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body need not take all of it.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn only_the_path_of_a_receipt_takes_more_than_other_bodies() {
    let folder = tempfile::tempdir().unwrap();
    for api in [api(), on_disk(folder.path())] {
        takes_the_longest(Running::of(Server::new(api)));
    }
    assert_nothing_is_left(folder.path());
}

/// No file is there but the store's own.
fn assert_nothing_is_left(folder: &Path) {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others: Vec<_> = names.filter(|name| !name.starts_with("store.db")).collect();
    assert!(others.is_empty(), "{others:?}");
}

fn takes_the_longest(server: Running) {
    let bytes = vec![7; 10 * 1024 * 1024];
    let answer = send(&server, "POST", "/expenses/1/receipt", &form(&bytes));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
    let answer = send(&server, "GET", "/expenses/1/receipt", b"");
    assert!(answer.ends_with(&bytes));
    let head = String::from_utf8_lossy(&answer[..answer.len() - bytes.len()]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for line in ["Content-Length: 10485760", "Content-Type: image/png", "X-Content-Type-Options: nosniff"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    for (method, path) in [("POST", "/expenses"), ("PUT", "/expenses/1"), ("POST", "/clients")] {
        let answer = send(&server, method, path, &bytes);
        assert!(answer.starts_with(b"HTTP/1.1 413 "), "{method} {path}");
    }
    let answer = send(&server, "POST", "/expenses/1/receipt", &form(&vec![7; 11 * 1024 * 1024]));
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_form_that_is_read_as_it_comes_is_refused_like_one_that_is_held_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(Server::new(on_disk(folder.path())));
    let whole = form(b"GIF89a");
    let text = String::from_utf8(whole.clone()).unwrap();
    let other = |from: &str, to: &str| text.replace(from, to).into_bytes();
    for (what, body) in [
        ("nothing", Vec::new()),
        ("no form", b"@/home/jo/lunch.gif".to_vec()),
        ("another part", other("expense[receipt]", "receipt")),
        ("no name", other("a.png", "")),
        ("no bytes", form(b"")),
        ("one byte too many", form(&vec![0; 10 * 1024 * 1024 + 1])),
        ("a wrong length", other("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n")),
        ("10,000 headers", other("\r\n\r\n", &("\r\nA: b".repeat(10_000) + "\r\n\r\n"))),
        ("10,000 parts", "--B\r\n\r\n\r\n".repeat(10_000).into_bytes()),
        ("a boundary at every byte", "--B".repeat(100_000).into_bytes()),
    ] {
        let answer = String::from_utf8_lossy(&send(&server, "POST", "/expenses/1/receipt", &body)).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\r\nHint: "), "{what}: {answer}");
    }
    assert!(send(&server, "GET", "/expenses/1/receipt", b"").starts_with(b"HTTP/1.1 404 "));
    assert!(send(&server, "POST", "/expenses/2/receipt", &whole).starts_with(b"HTTP/1.1 404 "));
    assert_nothing_is_left(folder.path());
}

#[test]
fn who_sends_a_receipt_slowly_holds_up_no_write_and_one_that_breaks_off_leaves_the_former() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(Server::new(on_disk(folder.path())));
    assert!(send(&server, "POST", "/expenses/1/receipt", &form(b"the former")).starts_with(b"HTTP/1.1 200 "));
    let body = form(&vec![9; 1_000_000]);
    let mut slow = server.connect().stream;
    let head =
        "POST /expenses/1/receipt HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n";
    write!(slow, "{head}Content-Length: {}\r\n\r\n", body.len()).unwrap();
    slow.write_all(&body[..900_000]).unwrap();
    for _ in 0..3 {
        let answer = send(&server, "POST", "/expenses/1/receipt", &form(b"meanwhile"));
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
    drop(slow);
    assert!(send(&server, "GET", "/expenses/1/receipt", b"").ends_with(b"\r\n\r\nmeanwhile"));
    assert_nothing_is_left(folder.path());
}

#[test]
fn a_receipt_is_the_same_however_it_comes_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(Server::new(on_disk(folder.path())));
    // Line ends and beginnings of boundaries everywhere.
    let bytes: Vec<u8> = b"\r\n--\r\n-\n--A--\r".iter().copied().cycle().take(300_000).collect();
    let body = form(&bytes);
    for length in [1_000, 4_099, 65_536, 65_537, body.len()] {
        let mut stream = server.connect().stream;
        let head =
            "POST /expenses/1/receipt HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n";
        write!(stream, "{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        for piece in body.chunks(length) {
            write!(stream, "{:x}\r\n", piece.len()).unwrap();
            stream.write_all(piece).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{length}: {answer}");
        let answer = send(&server, "GET", "/expenses/1/receipt", b"");
        assert!(answer.ends_with(&bytes), "{length}");
        assert_eq!(answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4 + bytes.len(), answer.len());
    }
}
