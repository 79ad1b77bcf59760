//! A server on a free port, and a client that sees every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clientstore::server::{Limits, Server};
use clientstore::{Api, ClientStore, NewClient};
use tokio::sync::oneshot;

/// Long enough for anything that is to come, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Tries a test with longer and longer times until it passes with one of them. A right server passes once the times
/// are long for the machine as it is; a wrong one passes with none.
pub fn at_some_pace(holds: impl Fn(Duration) -> bool) {
    let paces = [300, 1_200, 5_000, 20_000].map(Duration::from_millis);
    assert!(paces.into_iter().any(holds), "it holds at no pace");
}

pub const CLIENT: &str = "<client>\n  <id type=\"integer\">1</id>\n  <name>SuprCorp</name>\n  \
                          <active type=\"boolean\">true</active>\n  <details></details>\n</client>\n";
pub const NEW: &str = "<client><name>Company LLC</name></client>";

/// A server that runs until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    pub stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn of(server: Server) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2).enable_all().build().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stopped = async { drop(stopped.await) };
                server.run(listener, stopped).await.unwrap();
            });
        });
        Running { address: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    /// With one client in memory.
    pub fn start() -> Self {
        Self::of(Server::new(api()))
    }

    pub fn limited(set: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        set(&mut limits);
        Self::of(Server::new(api()).limits(limits))
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Connection { stream, read: Vec::new() }
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: &str) -> Answer {
        let mut connection = self.connect();
        connection.send(request);
        connection.answer()
    }

    /// Stops it, and tells how long that took.
    pub fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking());
        }
        begun.elapsed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn api() -> Api {
    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    Api::new(store)
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

pub fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub struct Connection {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends what the server may have closed itself against.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.write_all(bytes.as_ref()));
    }

    /// Waits for the first byte of an answer; false where the end comes instead.
    pub fn is_answered(&mut self) -> bool {
        !self.read.is_empty() || self.more()
    }

    /// Reads on; false at the end, also where that comes by a reset.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 8192];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        while self.read.len() < length {
            assert!(self.more(), "the end after {:?}", String::from_utf8_lossy(&self.read));
        }
        self.read.drain(..length).collect()
    }

    fn take_to(&mut self, end: &[u8]) -> String {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                let taken = self.take(at + end.len());
                return String::from_utf8(taken[..at].to_vec()).unwrap();
            }
            assert!(self.more(), "the end after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// The head of the next answer.
    pub fn head(&mut self) -> Answer {
        let head = self.take_to(b"\r\n\r\n");
        let mut lines = head.split("\r\n").map(str::to_owned);
        Answer { line: lines.next().unwrap(), headers: lines.collect(), body: Vec::new() }
    }

    /// The next answer, however its end is told.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if let Some(length) = answer.header("Content-Length") {
            answer.body = self.take(length.parse().unwrap());
        } else if answer.header("Transfer-Encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&self.take_to(b"\r\n"), 16).unwrap();
                answer.body.extend(self.take(size));
                assert_eq!(self.take(2), b"\r\n");
                if size == 0 {
                    break;
                }
            }
        } else {
            answer.body = self.rest();
        }
        answer
    }

    /// Everything until the connection is closed.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.read)
    }

    /// That it is closed, without another byte.
    pub fn assert_closed(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.rest()), "");
    }
}

#[derive(Debug)]
pub struct Answer {
    pub line: String,
    /// As they came.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A header by its exact name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
