//! What takes memory of many connections together: slow programs give way to those that wait.

use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::Server;

use crate::limits::{LONG_LIST, long_list};
use crate::support::{Connection, PATIENCE, Running, get, post};

/// More than there are places for.
const MANY: usize = 12;

#[test]
fn programs_that_hardly_read_a_long_list_give_way_to_one_that_reads() {
    let server = Running::of(Server::new(long_list()));
    let closing = get(LONG_LIST).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let slow: Vec<Connection> = (0..60)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(&closing);
            connection
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let answer = server.ask(&get(LONG_LIST));
    assert!(answer.status() == 200 && answer.body.ends_with(b"</clients>\n"));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    // Short answers had no need to wait.
    let begun = Instant::now();
    assert_eq!(server.ask(&get("/clients/1")).status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let broken = |mut connection: Connection| !connection.rest().ends_with(b"0\r\n\r\n");
    assert!(slow.into_iter().any(broken));
}

#[test]
fn programs_that_are_done_in_time_all_get_their_long_lists() {
    let server = Running::of(Server::new(long_list()));
    thread::scope(|scope| {
        let asked: Vec<_> = (0..MANY).map(|_| scope.spawn(|| server.ask(&get(LONG_LIST)))).collect();
        for answer in asked {
            let answer = answer.join().unwrap();
            assert!(answer.status() == 200 && answer.body.ends_with(b"</clients>\n"));
        }
    });
}

#[test]
fn bodies_that_stop_give_way_to_one_that_comes() {
    let server = Running::start();
    let name = "a".repeat(900_000);
    let whole = post("/clients", &format!("<client><name>x</name><details>{name}</details></client>"));
    // More than there is room for.
    let stopped: Vec<Connection> = (0..60)
        .map(|_| {
            let mut connection = server.connect();
            // The rest stays in the sockets where nobody reads it.
            connection.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            let _ = std::io::Write::write_all(&mut connection.stream, &whole.as_bytes()[..800_000]);
            connection
        })
        .collect();
    // A short body needs no room.
    let begun = Instant::now();
    assert_eq!(server.ask(&post("/clients", "<client><name>short</name></client>")).status(), 201);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(server.ask(&whole).status(), 201);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let closed = |mut connection: Connection| {
        connection.stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        std::io::Read::read(&mut connection.stream, &mut [0]).is_ok_and(|count| count == 0)
    };
    assert!(stopped.into_iter().any(closed));
}

#[test]
fn many_bodies_that_come_are_all_taken() {
    let server = Running::start();
    let name = "a".repeat(900_000);
    let whole = post("/clients", &format!("<client><name>x</name><details>{name}</details></client>"));
    thread::scope(|scope| {
        let asked: Vec<_> = (0..MANY).map(|_| scope.spawn(|| server.ask(&whole))).collect();
        assert!(asked.into_iter().all(|answer| answer.join().unwrap().status() == 201));
    });
}
