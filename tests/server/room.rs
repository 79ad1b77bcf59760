//! What takes memory of many connections together: slow programs give way to those that wait.

use std::thread;
use std::time::{Duration, Instant};

use clientstore::server::{Limits, Server};
use clientstore::{Api, ClientStore, NewClient};

use crate::limits::{LONG_LIST, long_list};
use crate::support::{Connection, PATIENCE, Running, get, post};

/// More long lists, and more long bodies, than the budget has room for.
const MANY: usize = 60;
/// Programs that ask at the same time, all of which are served.
const AT_ONCE: usize = 12;
/// As many long lists, and as many long bodies, as the budget has room for.
const PLACES: usize = 4;
/// How long a client that keeps the server waiting holds its place while others wait.
const STALLED: Duration = Duration::from_millis(250);

/// No limit of its own ends what a test lets stand.
fn unlimited(limits: &mut Limits) {
    limits.progress_timeout = PATIENCE * 10;
    limits.idle_timeout = PATIENCE * 10;
}

fn closing(request: &str) -> String {
    request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

fn is_a_whole_list(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"</clients>\n\r\n0\r\n\r\n")
}

/// A request with a long body.
fn long_body(length: usize) -> String {
    post("/clients", &format!("<client><name>x</name><details>{}</details></client>", "a".repeat(length)))
}

/// Has many programs ask at once, each of which reads and sends as fast as it can, and tells whether all are served.
/// One is not only where it let the server wait, on a machine that let it wait.
fn all_are_served(server: &Running, request: &str, is_whole: fn(&[u8]) -> bool) -> bool {
    let request = closing(request);
    let asked = || {
        let begun = Instant::now();
        let mut connection = server.connect();
        connection.try_send(&request);
        let whole = is_whole(&connection.rest());
        assert!(whole || begun.elapsed() >= STALLED, "it had to give way before its time");
        whole
    };
    thread::scope(|scope| {
        let programs: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(asked)).collect();
        // Each of them to its end.
        !programs.into_iter().map(|program| program.join().unwrap()).collect::<Vec<_>>().contains(&false)
    })
}

#[test]
fn programs_that_hardly_read_a_long_list_give_way_to_one_that_reads() {
    let server = Running::of(Server::new(long_list()));
    let slow: Vec<Connection> = (0..MANY)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(closing(&get(LONG_LIST)));
            connection
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let patience = Instant::now() + PATIENCE;
    loop {
        let mut connection = server.connect();
        connection.send(closing(&get(LONG_LIST)));
        if is_a_whole_list(&connection.rest()) {
            break;
        }
        // On a busy machine it may be the one that is slow.
        assert!(Instant::now() < patience, "it never gets its list");
    }
    let broken = |mut connection: Connection| !connection.rest().ends_with(b"0\r\n\r\n");
    assert!(slow.into_iter().any(broken));
}

#[test]
fn short_answers_need_no_room() {
    let mut limits = Limits::default();
    unlimited(&mut limits);
    let server = Running::of(Server::new(long_list()).limits(limits));
    let slow: Vec<Connection> = (0..PLACES)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(closing(&get(LONG_LIST)));
            // It has its place.
            assert!(connection.is_answered());
            connection
        })
        .collect();
    assert_eq!(server.ask(&get("/clients/1")).status(), 200);
    // Nobody had to give way.
    for mut connection in slow {
        assert!(connection.rest().ends_with(b"0\r\n\r\n"));
    }
}

#[test]
fn programs_that_are_done_in_time_all_get_their_long_lists() {
    // Shorter ones where the machine is too busy to send so much in time.
    let holds = [80, 40, 20, 20, 20, 20].into_iter().any(|clients| {
        let store = ClientStore::open_in_memory().unwrap();
        let details = "a".repeat(100_000);
        store.clients().create_all((0..clients).map(|_| NewClient::named("x").details(&*details))).unwrap();
        let server = Running::of(Server::new(Api::new(store)));
        all_are_served(&server, &get(LONG_LIST), is_a_whole_list)
    });
    assert!(holds);
}

#[test]
fn bodies_that_stop_give_way_to_one_that_comes() {
    let server = Running::start();
    let whole = long_body(900_000);
    let mut stopped: Vec<Connection> = (0..MANY)
        .map(|_| {
            let mut connection = server.connect();
            // The rest stays in the sockets where nobody reads it.
            connection.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            connection.try_send(&whole[..800_000]);
            connection
        })
        .collect();
    let patience = Instant::now() + PATIENCE;
    loop {
        let mut connection = server.connect();
        connection.try_send(&whole);
        if connection.is_answered() {
            assert_eq!(connection.answer().status(), 201);
            break;
        }
        // On a busy machine it may be the one that is slow.
        assert!(Instant::now() < patience, "it is never taken");
    }
    let mut closed = |connection: &mut Connection| {
        connection.stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        !matches!(std::io::Read::read(&mut connection.stream, &mut [0]), Ok(1..) | Err(_))
    };
    while !stopped.iter_mut().any(&mut closed) {
        assert!(Instant::now() < patience, "none of them gave way");
    }
}

#[test]
fn short_bodies_need_no_room() {
    let server = Running::limited(unlimited);
    let whole = long_body(900_000);
    let mut stopped: Vec<Connection> = (0..PLACES)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(&whole[..800_000]);
            connection
        })
        .collect();
    assert_eq!(server.ask(&post("/clients", "<client><name>short</name></client>")).status(), 201);
    // Nobody had to give way.
    for connection in &mut stopped {
        connection.send(&whole[800_000..]);
        assert_eq!(connection.answer().status(), 201);
    }
}

#[test]
fn many_bodies_that_come_are_all_taken() {
    let server = Running::start();
    let holds = [900_000, 500_000, 500_000, 500_000]
        .into_iter()
        .any(|length| all_are_served(&server, &long_body(length), |answer| answer.starts_with(b"HTTP/1.1 201 ")));
    assert!(holds);
}
