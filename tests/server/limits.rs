//! Slow and silent programs.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::{Limits, Server};
use clientstore::{Api, ClientStore, NewClient};

use crate::support::{CLIENT, Connection, NEW, PATIENCE, Running, at_some_pace, get, post};

const SHORT: Duration = Duration::from_millis(300);

/// A connection whose first request is answered. The server may close one that takes too long from its opening to
/// its first head; no other.
fn acquainted(server: &Running, request: &str) -> Connection {
    let patience = Instant::now() + PATIENCE;
    loop {
        let begun = Instant::now();
        let mut connection = server.connect();
        connection.try_send(request);
        if connection.is_answered() {
            assert_eq!(connection.answer().text(), CLIENT);
            return connection;
        }
        assert!(begun.elapsed() >= SHORT && begun < patience, "it is closed before its time");
    }
}

/// Sends a byte now and then until the connection is closed.
fn trickle(connection: &mut Connection, bytes: &[u8]) {
    let begun = Instant::now();
    for byte in bytes.iter().cycle() {
        if connection.stream.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it is still served");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_head_that_trickles_runs_out_of_time_while_others_are_served() {
    let server = Running::limited(|limits| limits.head_timeout = SHORT);
    let begun = Instant::now();
    let mut slow = server.connect();
    slow.try_send("GET /clients HTTP/1.1\r\nX: ");
    let trickler = thread::spawn(move || {
        trickle(&mut slow, b"a");
        begun.elapsed()
    });
    let mut well_behaved = acquainted(&server, &get("/clients/1"));
    while !trickler.is_finished() {
        well_behaved.send(get("/clients/1"));
        assert_eq!(well_behaved.answer().text(), CLIENT);
        thread::sleep(Duration::from_millis(5));
    }
    assert!(trickler.join().unwrap() >= SHORT);
}

#[test]
fn a_head_that_never_begins_or_stops_runs_out_of_time() {
    let server = Running::limited(|limits| limits.head_timeout = SHORT);
    for sent in ["", "G", "GET / HTTP/1.1\r\n", "\r\n\r\n"] {
        let mut connection = server.connect();
        connection.try_send(sent);
        connection.assert_closed();
    }
}

#[test]
fn a_second_head_has_its_time_from_its_first_byte() {
    let server = Running::limited(|limits| {
        limits.head_timeout = SHORT;
        limits.idle_timeout = PATIENCE * 10;
    });
    // It comes with the first request, after it, or after a while.
    for (with, pause, later) in [("G", 0, ""), ("", 0, "G"), ("", 400, "G")] {
        let mut connection = acquainted(&server, &(get("/clients/1") + with));
        thread::sleep(Duration::from_millis(pause));
        connection.try_send(later);
        connection.assert_closed();
    }
    let mut connection = acquainted(&server, &get("/clients/1"));
    let begun = Instant::now();
    trickle(&mut connection, b"a");
    assert!(begun.elapsed() >= SHORT);
}

#[test]
fn a_connection_may_be_idle_for_a_while() {
    at_some_pace(|pace| {
        let server = Running::limited(|limits| {
            limits.head_timeout = pace;
            limits.idle_timeout = pace * 4;
        });
        let mut connection = server.connect();
        for _ in 0..2 {
            connection.try_send(post("/clients", NEW));
            if !connection.is_answered() {
                return false;
            }
            assert_eq!(connection.answer().status(), 201);
            thread::sleep(pace * 2);
        }
        connection.assert_closed();
        true
    });
}

#[test]
fn a_body_that_stops_runs_out_of_time_and_one_that_trickles_does_not() {
    let request = post("/clients", NEW);
    let (begin, end) = request.split_at(request.len() - 20);
    at_some_pace(|pace| {
        let server = Running::limited(|limits| {
            limits.progress_timeout = pace;
            limits.head_timeout = pace;
        });
        let mut connection = server.connect();
        connection.try_send(begin);
        assert!(!connection.rest().starts_with(b"HTTP/1.1 2"));

        let mut connection = server.connect();
        connection.try_send(begin);
        let begun = Instant::now();
        for byte in end.bytes() {
            connection.try_send([byte]);
            thread::sleep(pace / 10);
        }
        assert!(begun.elapsed() > pace);
        connection.is_answered() && connection.answer().status() == 201
    });
}

/// The path of a list that no socket's buffers hold; only a part of a list, it is not kept.
pub const LONG_LIST: &str = "/clients?updated_since=2001-01-01";

/// What has such a list.
pub fn long_list() -> Api {
    let store = ClientStore::open_in_memory().unwrap();
    let details = "a".repeat(100_000);
    let client = |number| NewClient::named(format!("Client {number}")).details(&*details);
    store.clients().create_all((0..200).map(client)).unwrap();
    Api::new(store)
}

#[test]
fn an_answer_that_is_not_read_runs_out_of_time() {
    let closing = get(LONG_LIST).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let api = long_list();
    at_some_pace(|pace| {
        let mut limits = Limits::default();
        limits.progress_timeout = pace;
        let server = Running::of(Server::new(api.clone()).limits(limits));
        let mut connection = server.connect();
        connection.send(&closing);
        thread::sleep(pace * 5);
        let read = connection.rest();
        if !read.starts_with(b"HTTP/1.1 200 OK") || read.ends_with(b"0\r\n\r\n") {
            return false;
        }

        // A slow reader gets it all.
        let mut connection = server.connect();
        connection.send(&closing);
        let mut read = 0;
        let mut buffer = vec![0; 1 << 18];
        while let Ok(count @ 1..) = std::io::Read::read(&mut connection.stream, &mut buffer) {
            read += count;
            thread::sleep(Duration::from_millis(5));
        }
        read > 200 * 100_000 && buffer.windows(5).any(|end| end == b"0\r\n\r\n")
    });
}

#[test]
fn the_connection_longest_without_a_head_gives_way() {
    let server = Running::limited(|limits| limits.max_connections = 3);
    let mut kept: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &mut kept {
        connection.send(get("/clients/1"));
        assert_eq!(connection.answer().text(), CLIENT);
        thread::sleep(Duration::from_millis(20));
    }
    // The first one has asked last.
    kept[0].send(get("/clients/1"));
    assert_eq!(kept[0].answer().text(), CLIENT);
    for expected in [1, 2] {
        let mut new = server.connect();
        new.send(get("/clients/1"));
        assert_eq!(new.answer().text(), CLIENT);
        kept[expected].assert_closed();
        thread::sleep(Duration::from_millis(20));
        kept[0].send(get("/clients/1"));
        assert_eq!(kept[0].answer().text(), CLIENT);
        std::mem::forget(new);
    }
}

#[test]
fn where_every_connection_has_a_request_a_new_one_waits() {
    let server = Running::limited(|limits| limits.max_connections = 2);
    let request = post("/clients", NEW).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut busy: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut busy {
        connection.send(request.strip_suffix(NEW).unwrap());
        assert_eq!(connection.head().status(), 100);
    }
    let mut new = server.connect();
    new.send(get("/clients/1"));
    new.stream.set_read_timeout(Some(SHORT)).unwrap();
    assert!(std::io::Read::read(&mut new.stream, &mut [0]).is_err(), "it was not to be served yet");
    for connection in &mut busy {
        connection.send(NEW);
        assert_eq!(connection.answer().status(), 201);
    }
    new.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(new.answer().text(), CLIENT);
}

#[test]
fn hundreds_of_trickling_connections_hold_up_nobody() {
    for max_connections in [1024, 100] {
        // Were they to hold up anybody, they would for longer than the test waits.
        let server = Running::limited(|limits| {
            limits.max_connections = max_connections;
            limits.head_timeout = PATIENCE * 10;
        });
        let mut slow: Vec<_> = (0..300).map(|_| server.connect()).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let head = b"GET /clients HTTP/1.1\r\nHost: localhost\r\n";
                for byte in head.iter().chain(std::iter::repeat(&b'a')) {
                    for connection in &mut slow {
                        connection.try_send([*byte]);
                    }
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            // Also where a request is not served: the scope waits for the thread.
            let served = std::panic::catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..50 {
                    assert_eq!(server.ask(&get("/clients/1")).text(), CLIENT);
                }
            }));
            done.store(true, Ordering::Relaxed);
            served.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }
}
