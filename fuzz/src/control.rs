//! The control paths of a running server: patterns of paths against a model of them, and bodies that are never more than
//! refused.
//!
//! Either a line `pattern PATTERN` and paths a line each, or calls that stand apart by a line `---`: a line of method and
//! path, and the body, which may hold any bytes.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use clientstore::testing::Server;

pub fn run(data: &[u8]) {
    thread_local! {
        static FAKE: RefCell<Option<Fake>> = const { RefCell::new(None) };
    }
    FAKE.with_borrow_mut(|slot| {
        let mut fake = slot.take().unwrap_or_else(Fake::start);
        match std::str::from_utf8(data).ok().and_then(|text| text.strip_prefix("pattern ")) {
            Some(text) => patterns(&mut fake, text),
            None => calls(&mut fake, data),
        }
        *slot = Some(fake);
    });
}

/// Asks for the paths, and has the journal tell which of them fit.
fn patterns(fake: &mut Fake, text: &str) {
    let mut lines = text.lines();
    let pattern = lines.next().unwrap_or_default();
    let is_sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,;=:@%".contains(&byte);
    let is_path = |path: &&str| path.starts_with('/') && path.bytes().all(is_sendable);
    let paths: Vec<&str> = lines.filter(is_path).filter(|path| !path.starts_with("/_clientstore")).take(6).collect();
    assert_eq!(fake.call("DELETE", "/_clientstore/journal", b"").0, 200);
    for path in &paths {
        fake.call("GET", path, b"");
    }
    // Nothing is expected of how many there are.
    let body = format!("{{\"path\": {}, \"count\": {{\"at_least\": 0}}}}", quoted(pattern));
    let (status, answer) = fake.call("POST", "/_clientstore/journal/verify", body.as_bytes());
    let stars = pattern.split(|letter| letter != '*').filter(|stars| !stars.is_empty()).count();
    if pattern.len() > 200 || !pattern.starts_with(['/', '*']) || stars > 10 {
        assert_eq!(status, 400, "{pattern}: {answer}");
        return;
    }
    assert_eq!(status, 200, "{pattern}: {answer}");
    let fitting = paths.iter().filter(|path| fits(pattern, path)).count();
    assert!(answer.contains(&format!("\"count\": {fitting},")), "{pattern} {paths:?}: {answer}");
}

/// Whether a path fits as it is, or without its ending `.xml` or `/`.
fn fits(pattern: &str, path: &str) -> bool {
    let path = &path[..path.len().min(1024)];
    let plain = path.strip_suffix('/').unwrap_or(path);
    let plain = plain.strip_suffix(".xml").unwrap_or(plain);
    matches(pattern.as_bytes(), path.as_bytes()) || matches(pattern.as_bytes(), plain.as_bytes())
}

/// The ends of the text that each part of the pattern can reach, one part after the other.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut at = 0;
    while at < pattern.len() {
        let stars = pattern[at..].iter().take_while(|byte| **byte == b'*').count();
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match stars {
                0 => end > 0 && reached[end - 1] && text[end - 1] == pattern[at],
                1 => reached[end] || end > 0 && next[end - 1] && text[end - 1] != b'/',
                _ => reached[end] || end > 0 && next[end - 1],
            };
        }
        reached = next;
        at += stars.max(1);
    }
    reached[text.len()]
}

/// Any calls: each is answered, and what is refused says why.
fn calls(fake: &mut Fake, data: &[u8]) {
    let mut rest = data;
    for _ in 0..4 {
        let end = rest.windows(5).position(|window| window == b"\n---\n");
        let call = &rest[..end.unwrap_or(rest.len())];
        let line = call.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let body = call.get(line.len() + 1..).unwrap_or_default();
        let words = std::str::from_utf8(line).ok().and_then(|line| line.split_once(" /"));
        // The journal may be asked to wait for a request.
        if let Some((method @ ("GET" | "POST" | "PUT" | "DELETE"), path)) = words
            && !path.contains("wait")
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.?=&%".contains(&byte))
        {
            let (status, answer) = fake.call(method, &format!("/_clientstore/{path}"), body);
            assert!((200..500).contains(&status), "{status}: {answer}");
            assert!(status < 400 || answer.contains("\"message\": \""), "{status}: {answer}");
        }
        let Some(end) = end else { break };
        rest = &rest[end + 5..];
    }
    // Faults and the clock would be in the way of what comes next.
    assert_eq!(fake.call("POST", "/_clientstore/reset", b"").0, 200);
}

fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            letter if letter < ' ' => json.push_str(&format!("\\u{:04x}", letter as u32)),
            letter => json.push(letter),
        }
    }
    json + "\""
}

/// A server and a connection to it.
struct Fake {
    server: Server,
    stream: BufReader<TcpStream>,
}

impl Fake {
    fn start() -> Self {
        let server = Server::start();
        let stream = BufReader::new(connect(&server));
        Fake { server, stream }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{method} {path}: {line:?}"));
        let (mut length, mut closes, mut chunked) = (0, false, false);
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            closes |= line == "Connection: close\r\n";
            chunked |= line == "Transfer-Encoding: chunked\r\n";
            if let Some(given) = line.strip_prefix("Content-Length: ") {
                length = given.trim_end().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        if closes || chunked {
            self.stream = BufReader::new(connect(&self.server));
        }
        (status, String::from_utf8_lossy(&answer).into_owned())
    }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}
