//! Slow and silent programs.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::{Limits, Server};
use clientstore::{Api, ClientStore, NewClient};

use crate::support::{CLIENT, Connection, NEW, PATIENCE, Running, get, post};

const SHORT: Duration = Duration::from_millis(300);

/// Sends a byte now and then until the connection is closed.
fn trickle(connection: &mut Connection, bytes: &[u8]) -> Duration {
    let begun = Instant::now();
    for byte in bytes.iter().cycle() {
        if connection.stream.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it is still served");
        thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

#[test]
fn a_head_that_trickles_runs_out_of_time_while_others_are_served() {
    let server = Running::limited(|limits| limits.head_timeout = SHORT);
    let mut slow = server.connect();
    slow.send("GET /clients HTTP/1.1\r\nX: ");
    let trickler = thread::spawn(move || trickle(&mut slow, b"a"));
    let mut well_behaved = server.connect();
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
        connection.send(sent);
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
        let mut connection = server.connect();
        connection.send(get("/clients/1") + with);
        assert_eq!(connection.answer().text(), CLIENT);
        thread::sleep(Duration::from_millis(pause));
        connection.send(later);
        connection.assert_closed();
    }
    let mut connection = server.connect();
    connection.send(get("/clients/1"));
    assert_eq!(connection.answer().text(), CLIENT);
    assert!(trickle(&mut connection, b"a") >= SHORT);
}

#[test]
fn a_connection_may_be_idle_for_a_while() {
    let server = Running::limited(|limits| {
        limits.head_timeout = SHORT;
        limits.idle_timeout = SHORT * 4;
    });
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(post("/clients", NEW));
        assert_eq!(connection.answer().status(), 201);
        thread::sleep(SHORT * 2);
    }
    let begun = Instant::now();
    connection.assert_closed();
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_body_that_stops_runs_out_of_time_and_one_that_trickles_does_not() {
    let server = Running::limited(|limits| {
        limits.progress_timeout = SHORT;
        limits.head_timeout = SHORT;
    });
    let request = post("/clients", NEW);
    let (begin, end) = request.split_at(request.len() - 20);
    let mut connection = server.connect();
    connection.send(begin);
    assert!(!connection.rest().starts_with(b"HTTP/1.1 2"));

    let mut connection = server.connect();
    connection.send(begin);
    let begun = Instant::now();
    for byte in end.bytes() {
        connection.send([byte]);
        thread::sleep(SHORT / 10);
    }
    assert!(begun.elapsed() > SHORT);
    assert_eq!(connection.answer().status(), 201);
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
    let mut limits = Limits::default();
    limits.progress_timeout = SHORT;
    let server = Running::of(Server::new(long_list()).limits(limits));
    let mut connection = server.connect();
    connection.send(get(LONG_LIST));
    thread::sleep(SHORT * 5);
    let read = connection.rest();
    assert!(read.starts_with(b"HTTP/1.1 200 OK") && !read.ends_with(b"0\r\n\r\n"), "{} bytes", read.len());

    // A slow reader gets it all.
    let mut connection = server.connect();
    connection.send(get(LONG_LIST).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    let mut read = 0;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match std::io::Read::read(&mut connection.stream, &mut buffer).unwrap() {
            0 => break,
            count => read += count,
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert!(read > 200 * 100_000 && buffer.windows(5).any(|end| end == b"0\r\n\r\n"), "{read} bytes");
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
        let server = Arc::new(Running::limited(|limits| limits.max_connections = max_connections));
        let mut slow: Vec<_> = (0..300).map(|_| server.connect()).collect();
        let trickler = thread::spawn(move || {
            let begun = Instant::now();
            for byte in b"GET /clients HTTP/1.1\r\nHost: localhost\r\n".iter().chain(std::iter::repeat(&b'a')) {
                for connection in &mut slow {
                    drop(connection.stream.write_all(&[*byte]));
                }
                if begun.elapsed() > SHORT * 3 {
                    break;
                }
            }
        });
        let mut served = 0;
        while !trickler.is_finished() {
            let begun = Instant::now();
            let answer = server.ask(&get("/clients/1"));
            assert_eq!(answer.text(), CLIENT);
            assert!(begun.elapsed() < Duration::from_secs(5));
            served += 1;
        }
        assert!(served > 0);
        trickler.join().unwrap();
    }
}
