//! Stopping.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::{Limits, Server};

use crate::limits::{LONG_LIST, long_list};
use crate::support::{CLIENT, NEW, PATIENCE, Running, get, post};

/// No limit ends anything while a test waits.
fn unlimited(limits: &mut Limits) {
    let forever = PATIENCE * 10;
    limits.head_timeout = forever;
    limits.idle_timeout = forever;
    limits.progress_timeout = forever;
    limits.stop_timeout = forever;
}

#[test]
fn a_stop_closes_idle_connections_at_once() {
    let mut server = Running::limited(unlimited);
    let mut idle = server.connect();
    idle.send(get("/clients/1"));
    assert_eq!(idle.answer().text(), CLIENT);
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send("GET /cl");
    assert!(server.stop() < PATIENCE);
    idle.assert_closed();
    silent.assert_closed();
    half.assert_closed();
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_stop_lets_a_request_in_flight_finish() {
    let mut server = Running::limited(unlimited);
    let mut busy = server.connect();
    let head = post("/clients", NEW).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    busy.send(head.strip_suffix(NEW).unwrap());
    assert_eq!(busy.head().status(), 100);
    drop(server.stop.take());
    let begun = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it still accepts");
        thread::sleep(Duration::from_millis(5));
    }
    busy.send(NEW);
    let answer = busy.answer();
    assert_eq!((answer.status(), answer.header("Location")), (201, Some("/clients/2")));
    assert_eq!(answer.header("Connection"), Some("close"));
    busy.assert_closed();
    assert!(server.stop() < PATIENCE);
}

#[test]
fn a_stop_gives_up_on_what_does_not_finish() {
    let mut limits = Limits::default();
    unlimited(&mut limits);
    limits.stop_timeout = Duration::from_secs(1);
    let mut server = Running::of(Server::new(long_list()).limits(limits));
    let mut reader = server.connect();
    reader.send(get(LONG_LIST));
    assert_eq!(reader.head().status(), 200);
    let mut writer = server.connect();
    writer.send(post("/clients", NEW).strip_suffix("</client>").unwrap());
    thread::sleep(Duration::from_millis(50));
    assert!(server.stop() < PATIENCE);
    writer.assert_closed();
}
