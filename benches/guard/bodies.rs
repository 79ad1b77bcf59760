//! What a request with a body allocates, in bytes for each byte of the body: one copy more is 1 more.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use clientstore::server::Server;
use clientstore::{Api, ClientStore};
use http::Request;
use http_body_util::Full;
use tokio::runtime::Runtime;
use tower_service::Service;

use super::common::counts::counted;
use super::common::data::Data;
use super::recorded::{Measured, Quantity};

type Case = (&'static str, fn(&Data) -> Measured);

pub static CASES: &[Case] = &[
    ("create a client of 6 KB through Api::handle", |_| {
        let api = api();
        each(|| assert!(api.handle(request(body("client"))).status() == 201))
    }),
    ("create a client of 6 KB through Api::handle, JSON", |_| {
        let api = api();
        each(|| {
            let mut request = request(json());
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            assert!(api.handle(request).status() == 201);
        })
    }),
    ("create a client of 6 KB through Api as a Service", |_| {
        let (mut api, runtime) = (api(), runtime());
        each(|| {
            let request = request(body("client")).map(Full::new);
            let Ok::<_, Infallible>(response) = runtime.block_on(api.call(request));
            assert!(response.status() == 201);
        })
    }),
    ("create a client of 6 KB over loopback", |_| {
        let mut connection = Connection::new();
        each(|| connection.post("/clients", &body("client")))
    }),
    ("create an invoice of 6 KB through Api::handle", |_| {
        let api = api();
        assert!(api.handle(request(body("client"))).status() == 201);
        let invoice = || {
            let notes = "n".repeat(LENGTH);
            format!("<invoice><client-id>1</client-id><notes>{notes}</notes></invoice>").into()
        };
        each(|| assert!(api.handle(post("/invoices", invoice())).status() == 201))
    }),
];

/// How long the long field of a body is. Head and body arrive at once, as one piece of hyper's buffer.
const LENGTH: usize = 6_000;
/// How many requests are counted, and before that, how many are not.
const REQUESTS: usize = 100;

fn body(record: &str) -> Bytes {
    let details = "d".repeat(LENGTH);
    format!("<{record}><name>SuprCorp</name><details>{details}</details></{record}>").into()
}

fn json() -> Bytes {
    let details = "d".repeat(LENGTH);
    format!("{{\"client\":{{\"name\":\"SuprCorp\",\"details\":\"{details}\"}}}}").into()
}

fn post(path: &str, body: Bytes) -> Request<Bytes> {
    Request::post(path).header("content-type", "application/xml").body(body).unwrap()
}

fn request(body: Bytes) -> Request<Bytes> {
    post("/clients", body)
}

/// In memory, where nothing is allocated but for the requests.
fn api() -> Api {
    Api::new(ClientStore::open_in_memory().unwrap())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What one request allocates, for each byte of its long field. The request itself is one of them.
fn each(mut run: impl FnMut()) -> Measured {
    (0..REQUESTS).for_each(|_| run());
    let ((), counts) = counted(|| (0..REQUESTS).for_each(|_| run()));
    Measured::from([(Quantity::Allocated, counts.allocated as f64 / (REQUESTS * LENGTH) as f64)])
}

/// A connection to a server of this process, which ends with the process.
struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
}

impl Connection {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                Server::new(api()).run(listener, std::future::pending()).await.unwrap();
            });
        });
        Connection { stream: TcpStream::connect(address).unwrap(), address, buffer: vec![0; 4096] }
    }

    fn post(&mut self, path: &str, body: &[u8]) {
        let Connection { stream, address, buffer } = self;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut length = 0;
        while !buffer[..length].ends_with(b"\r\n\r\n") {
            length += match stream.read(&mut buffer[length..]).unwrap() {
                0 => panic!("the server closed the connection"),
                read => read,
            };
        }
        assert!(buffer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&buffer[..length]));
    }
}
