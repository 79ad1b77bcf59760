//! What is held of long answers and long bodies, for programs that do not go on.

use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::Server;
use clientstore::{Api, ClientStore, NewClient};

use crate::support::{Connection, NEW, Running, get, post};

/// More than the budget has room for.
const MANY: usize = 12;
/// How long a condition may take to come, however busy the machine is.
const GENEROUS: Duration = Duration::from_secs(60);

fn wide() -> Api {
    let store = ClientStore::open_in_memory().unwrap();
    let details = ">".repeat(1_000_000);
    store.clients().create_all((0..3).map(|_| NewClient::named("Wide").details(&*details))).unwrap();
    store.clients().create(&NewClient::named("Small")).unwrap();
    Api::new(store)
}

fn all_asking(server: &Running, request: &str) -> Vec<Connection> {
    let ask = |_| {
        let mut connection = server.connect();
        connection.stream.set_read_timeout(Some(GENEROUS)).unwrap();
        connection.send(request);
        connection
    };
    (0..MANY).map(ask).collect()
}

/// A program that behaves gets, lists, and creates.
fn assert_served(server: &Running, long: &str, length: usize) {
    assert_eq!(server.ask(&get("/clients/4")).status(), 200);
    assert_eq!(server.ask(&post("/clients", &NEW.replace("LLC", &"L".repeat(6_000)))).status(), 201);
    let mut connection = server.connect();
    connection.stream.set_read_timeout(Some(GENEROUS)).unwrap();
    connection.send(get(long));
    let answer = connection.answer();
    assert!(answer.status() == 200 && answer.body.len() > length, "{}", answer.body.len());
}

#[test]
fn who_does_not_read_a_long_record_holds_up_nobody() {
    let server = Running::of(Server::new(wide()));
    let _slow = all_asking(&server, &get("/clients/1"));
    assert_served(&server, "/clients/1", 4_000_000);
}

#[test]
fn who_does_not_read_a_long_part_of_a_list_holds_up_nobody() {
    let server = Running::of(Server::new(wide()));
    let part = "/clients?updated_since=2001-01-01";
    let _slow = all_asking(&server, &get(part));
    assert_served(&server, part, 12_000_000);
}

#[test]
fn bodies_that_never_come_take_no_room_from_those_that_do() {
    let server = Running::start();
    let head = "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n<";
    let _stalled: Vec<_> = (0..25).flat_map(|_| all_asking(&server, head)).collect();
    // With nothing to wait for, this takes no longer than without the others; at the limit it would be dropped.
    let long = post("/clients", &NEW.replace("LLC", &"L".repeat(6_000)));
    assert_eq!(server.ask(&long).status(), 201);
}

#[test]
fn bodies_that_all_come_at_once_are_all_taken_although_they_do_not_fit_together() {
    let server = Running::start();
    let whole =
        post("/clients", &format!("<client><name>x</name><details>{}</details></client>", "a".repeat(1_000_000)));
    let ask = || {
        let mut connection = server.connect();
        connection.stream.set_read_timeout(Some(3 * GENEROUS)).unwrap();
        connection.stream.set_write_timeout(Some(3 * GENEROUS)).unwrap();
        connection.send(&whole);
        connection.answer()
    };
    thread::scope(|scope| {
        let asked: Vec<_> = (0..40).map(|_| scope.spawn(ask)).collect();
        assert!(asked.into_iter().all(|answer| answer.join().unwrap().status() == 201));
    });
}

#[test]
fn who_has_no_credentials_is_refused_before_the_body_comes() {
    let store = ClientStore::open_in_memory().unwrap();
    let control = clientstore::control::Control::new().token("secret").unwrap();
    let server = Running::of(Server::new(Api::new(store).auth("user", "password")).control(control));
    for path in ["/clients", "/_clientstore/seed"] {
        let begun = Instant::now();
        let mut connection = server.connect();
        connection.send(format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n<"));
        let answer = connection.answer();
        assert_eq!((answer.status(), answer.header("Connection")), (401, Some("close")), "{path}");
        connection.assert_closed();
        assert!(begun.elapsed() < GENEROUS);
    }
}

#[test]
fn lengths_and_encodings_that_two_programs_could_read_in_two_ways_are_refused() {
    let server = Running::start();
    for headers in [
        "Content-Length: 5, 5",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    ] {
        let mut connection = server.connect();
        connection.send(format!("GET /clients/1 HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n"));
        assert_eq!(connection.head().status(), 400, "{headers}");
        connection.rest();
    }
}
