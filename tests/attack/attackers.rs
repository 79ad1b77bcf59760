//! Programs that mean no good. Each goes on until it is told to end, and gives how often it attacked.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// No attacker waits for longer, whatever the server does.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
pub struct Attack<'a> {
    pub address: &'a str,
    pub done: &'a AtomicBool,
}

type Attacker = fn(&Attack) -> usize;

pub const ATTACKERS: &[(&str, Attacker)] = &[
    ("slow heads", |attack| attack.drip(b"GET /clients HTTP/1.1\r\nHost: localhost\r\nA: ")),
    ("slow bodies", |attack| {
        attack.drip(b"POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n<client><name>")
    }),
    ("bodies that stop before their end", |attack| {
        let length = 900_000;
        let head = format!("POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        attack.drip((head + &"a".repeat(length - 100_000)).as_bytes())
    }),
    ("slow readers", |attack| attack.read_slowly("/clients")),
    ("slow readers of a part", |attack| attack.read_slowly("/clients?updated_since=2001-01-01")),
    ("endless chunks", |attack| {
        let head = "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        attack.pour(head, &format!("ffff\r\n{}\r\n", "a".repeat(0xffff)), &[413])
    }),
    ("endless chunk extensions", |attack| {
        let head = "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1";
        attack.pour(head, &";a=b".repeat(1_000), &[400, 413])
    }),
    ("huge bodies", |attack| {
        let head = "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n";
        attack.pour(head, &"a".repeat(0xffff), &[413])
    }),
    ("header floods", |attack| {
        attack.pour("GET /clients HTTP/1.1\r\nHost: localhost\r\n", &"A: b\r\n".repeat(1_000), &[431])
    }),
    ("one endless header", |attack| {
        attack.pour("GET /clients HTTP/1.1\r\nHost: localhost\r\nA: ", &"a".repeat(10_000), &[431])
    }),
    ("endless targets", |attack| attack.pour("GET /", &"a".repeat(10_000), &[414, 431])),
    ("requests within requests", |attack| attack.ask_each(&hidden(), |status| status == 400)),
    ("paths out of here", |attack| attack.ask_each(&traversals(), |status| (400..500).contains(&status))),
    ("JSON that is hard to read", |attack| attack.ask_each(&hard_json(), |status| status == 400)),
    ("pages of other origins", |attack| attack.ask_each(&foreign(), |status| status == 403)),
];

const NEW: &str = "<client><name>Smuggled</name></client>";

fn post(headers: &str, body: &str) -> String {
    format!("POST /clients HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}")
}

/// Each ends in a request that only a server sees which takes the lengths as another program does. What comes before
/// would be answered with 200, were it not refused.
fn hidden() -> Vec<String> {
    let inner = post(&format!("Content-Length: {}\r\n", NEW.len()), NEW);
    let length = inner.len();
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        ("Content-Length: 0\r\nContent-Length: 5\r\n", ""),
        (&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), ""),
        ("Content-Length: 0,0\r\n", ""),
        ("Content-Length: 0x0\r\n", ""),
        ("Content-Length: +0\r\n", ""),
        ("Content-Length: -0\r\n", ""),
        ("Content-Length: 0 0\r\n", ""),
        ("Content-Length: 18446744073709551616\r\n", ""),
        ("Content-Length: 0\r\n folded\r\n", ""),
        ("A: b\r\n\tContent-Length: 5\r\n", ""),
        ("Content-Length : 0\r\n", ""),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: identity\r\n", ""),
        ("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "10000000000000000\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "0x5\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"),
        ("A: b\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ]
    .iter()
    .map(|(headers, body)| format!("GET /clients/1 HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}{inner}"))
    .collect()
}

fn traversals() -> Vec<String> {
    [
        "/../../../../etc/passwd",
        "/clients/../../../etc/passwd",
        "/clients/..%2f..%2f..%2fetc%2fpasswd",
        "/clients/%2e%2e/%2e%2e/etc/passwd",
        "/clients/..%5c..%5cetc%5cpasswd",
        "/clients/%00",
        "/clients/1%00.xml",
        "//etc/passwd",
        "/_clientstore/../store.db",
        "/store.db",
    ]
    .iter()
    .map(|path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    .collect()
}

fn hard_json() -> Vec<String> {
    let long = |part: &str| part.repeat(20_000 / part.len());
    [
        long("["),
        long("{\"client\":"),
        format!("{{\"client\":{{\"name\":\"Smuggled\",\"highrise_id\":{}}}}}", long("7")),
        format!("{{{}\"client\":{{\"name\":\"{}\\uD800\"}}}}", long("\"a\":{},"), "\\uD83D\\uDE00".repeat(1_000)),
        format!("{{{}\"client\":{{\"name\":\"\"}}}}", long("\"name\":\"Smuggled\",")),
        format!("{{\"client\":{{\"name\":\"Smuggled\"}}{}", long(",\n\"a\":1")),
    ]
    .iter()
    .map(|body| {
        let length = body.len();
        post(&format!("Accept: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n"), body)
    })
    .collect()
}

fn foreign() -> Vec<String> {
    let length = NEW.len();
    let sent = |host: &str, headers: &str| {
        format!(
            "POST /clients HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{NEW}"
        )
    };
    vec![
        sent("localhost", "Origin: https://attacker.example\r\n"),
        sent("localhost", "Origin: null\r\nContent-Type: text/plain\r\n"),
        sent("attacker.example", ""),
        sent("localhost.attacker.example", "Origin: http://localhost.attacker.example\r\n"),
    ]
}

impl Attack<'_> {
    fn is_on(&self) -> bool {
        !self.done.load(Ordering::Relaxed)
    }

    fn connect(&self) -> Option<TcpStream> {
        let stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Some(stream)
    }

    /// A hundred connections that send a byte each, now and then.
    fn drip(&self, begin: &[u8]) -> usize {
        let mut connections: Vec<_> = (0..100).filter_map(|_| self.connect()).collect();
        for connection in &mut connections {
            drop(connection.write_all(begin));
        }
        let mut rounds = 0;
        while self.is_on() || rounds == 0 {
            for connection in &mut connections {
                if connection.write_all(b"a").is_err()
                    && let Some(mut new) = self.connect()
                {
                    drop(new.write_all(begin));
                    *connection = new;
                }
            }
            rounds += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
        rounds
    }

    /// Connections that ask for a long list and read a byte of it now and then.
    fn read_slowly(&self, path: &str) -> usize {
        let mut connections: Vec<Option<TcpStream>> = (0..200).map(|_| None).collect();
        let mut rounds = 0;
        while self.is_on() || rounds == 0 {
            for place in &mut connections {
                let Some(connection) = place else {
                    *place = self.connect();
                    if let Some(connection) = place {
                        drop(write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
                        drop(connection.set_nonblocking(true));
                    }
                    continue;
                };
                // One that gave way to others comes back.
                match connection.read(&mut [0]) {
                    Ok(1..) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => *place = None,
                }
            }
            rounds += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
        rounds
    }

    /// Sends without an end, until it is refused with one of the statuses.
    fn pour(&self, head: &str, more: &str, statuses: &[u16]) -> usize {
        let mut rounds = 0;
        while self.is_on() || rounds == 0 {
            let Some(mut connection) = self.connect() else { continue };
            let begun = Instant::now();
            let mut sent = connection.write_all(head.as_bytes());
            while sent.is_ok() {
                assert!(begun.elapsed() < PATIENCE, "{head} is taken without an end");
                sent = connection.write_all(more.as_bytes());
            }
            if let Some(status) = status(&mut connection) {
                assert!(statuses.contains(&status), "{status} for {head}");
            }
            rounds += 1;
        }
        rounds
    }

    /// Each is answered once, as it should be, and the connection closes.
    fn ask_each(&self, requests: &[String], is_right: fn(u16) -> bool) -> usize {
        let mut rounds = 0;
        while self.is_on() || rounds == 0 {
            for request in requests {
                let answer = self.connect().map(|mut connection| {
                    drop(connection.write_all(request.as_bytes()));
                    everything(&mut connection)
                });
                // One that gave way to another connection has none.
                if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
                    let status = status_of(&answer).unwrap_or_else(|| panic!("{answer} for {request}"));
                    assert!(is_right(status), "{answer} for {request}");
                    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer} for {request}");
                    assert!(!answer.contains("root:"), "{answer} for {request}");
                }
            }
            rounds += 1;
        }
        rounds
    }
}

/// `count` connections that have each sent part of a head.
pub fn stalled(address: &str, count: usize) -> Vec<TcpStream> {
    let mut connections: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    connections.iter_mut().for_each(|connection| drop(connection.write_all(b"GET /clients HTTP/1.1\r\n")));
    connections
}

/// `count` connections at once that each begin a request, until this process is killed or ten minutes are over.
pub fn flood(address: &str, count: usize) {
    let begun = Instant::now();
    let mut connections = Vec::new();
    while begun.elapsed() < Duration::from_secs(600) {
        while connections.len() < count {
            let Ok(mut connection) = TcpStream::connect(address) else { break };
            drop(connection.write_all(b"GET /clients HTTP/1.1\r\n"));
            connections.push(connection);
        }
        // Those that the server gave up are opened again.
        std::thread::sleep(Duration::from_millis(200));
        connections.retain_mut(|connection| connection.write_all(b"A: b\r\n").is_ok());
    }
}

/// All that comes before the end, also where that comes by a reset.
fn everything(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match connection.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
        Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&answer)),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(connection: &mut TcpStream) -> Option<u16> {
    status_of(&everything(connection))
}

fn status_of(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}
