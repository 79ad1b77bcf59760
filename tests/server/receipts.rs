//! Long bodies and answers of receipts (`docs/spec/time.md`, "Receipts").

use std::io::{Read, Write};

use clientstore::server::Server;
use clientstore::{Api, ClientStore, NewClient, NewExpense, NewProject};

use crate::support::Running;

fn api() -> Api {
    let store = ClientStore::open_in_memory().unwrap();
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
    let server = Running::of(Server::new(api()));
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
