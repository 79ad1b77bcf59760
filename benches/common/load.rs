//! A client that costs little beside the servers: one thread, an event loop, the connections kept.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    /// What is read, and read over: an answer's body goes nowhere.
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    answer: Answer,
    asked: Instant,
    /// Whether the answer's first byte is still to come.
    waits: bool,
}

/// How long a run took, and when each of its answers began.
pub struct Run {
    pub elapsed: Duration,
    pub first_bytes: Vec<Duration>,
}

impl Load {
    pub fn new(server: SocketAddr, connections: usize) -> Self {
        let poll = Poll::new().unwrap();
        let connect = |at| {
            // Connected by the time it is used, which mio's own way does not promise.
            let stream = std::net::TcpStream::connect(server).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE).unwrap();
            Connection { stream, answer: Answer::default(), asked: Instant::now(), waits: false }
        };
        let connections = (0..connections).map(connect).collect();
        Load { poll, connections, buffer: vec![0; 256 * 1024] }
    }

    /// Sends the requests, over and over, until `count` are answered; each connection asks again once
    /// it has its whole answer.
    pub fn run(&mut self, requests: &[Vec<u8>], count: usize) -> Run {
        let Load { poll, connections, buffer } = self;
        let mut events = Events::with_capacity(connections.len());
        let mut first_bytes = Vec::with_capacity(count);
        let mut next = requests.iter().cycle().take(count);
        let start = Instant::now();
        for connection in &mut *connections {
            if let Some(request) = next.next() {
                connection.ask(request);
            }
        }
        let mut answered = 0;
        while answered < count {
            poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
            assert!(!events.is_empty(), "the server answers no more");
            for event in &events {
                let connection = &mut connections[event.token().0];
                if connection.read(buffer, &mut first_bytes) {
                    answered += 1;
                    if let Some(request) = next.next() {
                        connection.ask(request);
                    }
                }
            }
        }
        Run { elapsed: start.elapsed(), first_bytes }
    }
}

impl Connection {
    fn ask(&mut self, request: &[u8]) {
        self.asked = Instant::now();
        self.waits = true;
        // So few bytes always find room in an idle socket.
        assert_eq!(self.stream.write(request).unwrap(), request.len());
    }

    /// Reads what is there; true when the answer is whole. It does not read once more to find nothing,
    /// as what comes next comes with an event.
    fn read(&mut self, buffer: &mut [u8], first_bytes: &mut Vec<Duration>) -> bool {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => panic!("the server closed the connection"),
                Ok(length) => {
                    if std::mem::take(&mut self.waits) {
                        first_bytes.push(self.asked.elapsed());
                    }
                    if self.answer.pass(&buffer[..length]) {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("reading an answer: {error}"),
            }
        }
    }
}

/// How far an answer was read.
#[derive(Default)]
struct Answer {
    state: State,
    /// A head or a chunk's first line that is not whole yet.
    partial: Vec<u8>,
}

#[derive(Default)]
enum State {
    #[default]
    Head,
    /// This many bytes of the body are still to come.
    Body(usize),
    ChunkSize,
    /// This many bytes of a chunk are still to come, including its line end.
    Chunk(usize),
    /// The line end after the last chunk.
    LastLine(usize),
}

impl Answer {
    /// Takes what came; true when the answer is whole.
    fn pass(&mut self, mut came: &[u8]) -> bool {
        loop {
            match &mut self.state {
                State::Head => match self.up_to(b"\r\n\r\n", &mut came) {
                    Some(head) => self.state = body_of(&head),
                    None => return false,
                },
                State::ChunkSize => match self.up_to(b"\r\n", &mut came) {
                    Some(line) => {
                        let digits = std::str::from_utf8(&line[..line.len() - 2]).unwrap();
                        self.state = match usize::from_str_radix(digits, 16).unwrap() {
                            0 => State::LastLine(2),
                            size => State::Chunk(size + 2),
                        };
                    }
                    None => return false,
                },
                State::Body(left) | State::Chunk(left) | State::LastLine(left) => {
                    let taken = came.len().min(*left);
                    *left -= taken;
                    came = &came[taken..];
                    if *left > 0 {
                        return false;
                    }
                    if let State::Chunk(_) = self.state {
                        self.state = State::ChunkSize;
                    } else {
                        assert!(came.is_empty(), "more came than was asked for");
                        self.state = State::Head;
                        return true;
                    }
                }
            }
        }
    }

    /// What comes up to the end mark and with it, once it is whole.
    fn up_to(&mut self, end: &[u8], came: &mut &[u8]) -> Option<Vec<u8>> {
        let before = self.partial.len();
        self.partial.extend_from_slice(&came[..came.len().min(4096)]);
        let found = memmem::find(&self.partial, end)? + end.len();
        *came = &came[found - before..];
        self.partial.truncate(found);
        Some(std::mem::take(&mut self.partial))
    }
}

fn body_of(head: &[u8]) -> State {
    assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(head));
    match memmem::find(head, b"Content-Length: ") {
        None => State::ChunkSize,
        Some(at) => {
            let digits = head[at + 16..].iter().take_while(|byte| byte.is_ascii_digit());
            State::Body(digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
        }
    }
}
