//! The cases over loopback: `clientstore serve` beside bare hyper that answers from memory.
//!
//! Each server is a process of its own, so that none shares an allocator, a runtime or SQLite with the
//! client or with the other.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::api::{answered, api, request};
use super::data::{Data, Side, ids};
use super::harness::{Outcome, is_short, pairs, sorted};
use super::load::{Load, Run};

const CLIENTS: usize = 100_000;
/// Where the bare server finds what it answers; the bench starts itself with it.
const BARE: &str = "CLIENTSTORE_BENCH_BARE";

/// A server in a process, killed with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse().expect("the server tells its address");
        Server { process, address }
    }

    /// What users start.
    fn ours(file: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
        Server::start(command.arg("serve").arg(file).args(["--listen", "127.0.0.1:0", "--quiet"]).args(options))
    }

    fn bare(answers: &Path) -> Self {
        Server::start(Command::new(std::env::current_exe().unwrap()).env(BARE, answers))
    }

    /// How long a load takes; in the short form, how much processor time the server spends meanwhile.
    fn time(&self, load: impl FnOnce() -> Run) -> Duration {
        if !is_short() {
            return load().elapsed;
        }
        let start = self.processor_time();
        load();
        self.processor_time().saturating_sub(start)
    }

    /// What all of its threads have spent, as Linux tells it.
    fn processor_time(&self) -> Duration {
        let threads =
            std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("the short form needs Linux");
        let nanoseconds = threads.filter_map(|thread| {
            // A thread may end meanwhile.
            let said = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            said.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Serves the documents of a folder, where this process was started for that.
pub fn serve_if_asked() {
    let Some(folder) = std::env::var_os(BARE).map(PathBuf::from) else { return };
    let read = |name| Bytes::from(std::fs::read(folder.join(name)).unwrap());
    let (list, one) = (read("list.xml"), read("one.xml"));
    // As `serve` has it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on http://{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (list, one) = (list.clone(), one.clone());
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let body = if request.uri().path() == "/clients" { list.clone() } else { one.clone() };
                async { Ok::<_, std::convert::Infallible>(same_headers(body)) }
            });
            let connection =
                http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
}

fn same_headers(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert("status", HeaderValue::from_static("200 OK"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}

/// A bare server of the same documents.
fn bare(data: &Data) -> Server {
    let api = api(data, CLIENTS);
    let folder = data.folder();
    std::fs::write(folder.join("list.xml"), answered(&api, request("/clients"))).unwrap();
    std::fs::write(folder.join("one.xml"), answered(&api, request("/clients/1"))).unwrap();
    Server::bare(folder)
}

/// A request as a lean program writes it.
fn get(server: &Server, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).into_bytes()
}

/// How long it takes a server to answer gets of the paths, over and over, until `count` of them are answered.
fn timed<'a>(
    server: &'a Server,
    paths: &[String],
    connections: usize,
    count: usize,
) -> impl FnMut() -> Duration + use<'a> {
    let requests: Vec<_> = paths.iter().map(|path| get(server, path)).collect();
    let mut load = Load::new(server.address, connections);
    move || server.time(|| load.run(&requests, count))
}

/// The server is started with the options.
pub fn get_one(data: &Data, options: &[&str]) -> Outcome {
    const CONNECTIONS: usize = 16;
    const REQUESTS: usize = 4_000;
    let bare = bare(data);
    let ours = Server::ours(&data.clients(CLIENTS, Side::Case), options);
    must_answer_alike(&ours, &bare, "/clients/1");
    let paths: Vec<_> = ids(CLIENTS).iter().map(|id| format!("/clients/{id}")).collect();
    let load = |server| timed(server, &paths, CONNECTIONS, REQUESTS);
    pairs(load(&ours), load(&bare)).rates(REQUESTS)
}

const LISTING: usize = 4;

pub fn get_list(data: &Data) -> Outcome {
    const LISTS: usize = 8;
    let bare = bare(data);
    let ours = Server::ours(&data.clients(CLIENTS, Side::Case), &[]);
    must_answer_alike(&ours, &bare, "/clients");
    let load = |server| timed(server, &["/clients".to_owned()], LISTING, LISTS);
    pairs(load(&ours), load(&bare)).rates(LISTS)
}

pub fn first_byte_of_list(data: &Data) -> Outcome {
    first_byte(data, 1)
}

pub fn first_byte_of_lists(data: &Data) -> Outcome {
    first_byte(data, LISTING)
}

/// Milliseconds, the worst but a few.
fn first_byte(data: &Data, connections: usize) -> Outcome {
    let ours = Server::ours(&data.clients(CLIENTS, Side::Case), &[]);
    let mut load = Load::new(ours.address, connections);
    let run = load.run(&[get(&ours, "/clients")], 40);
    let milliseconds = sorted(run.first_bytes.iter().map(|time| time.as_secs_f64() * 1e3));
    let (middle, late, last) = (milliseconds[20], milliseconds[35], milliseconds[39]);
    let note = format!("of 40, {connections} at a time: the median {middle:.2} ms, the last {last:.2} ms");
    Outcome { value: late, note, counts: None }
}

/// The floor answers with the same bytes, but for the date and for how the body's length is told.
fn must_answer_alike(ours: &Server, bare: &Server, path: &str) {
    let [ours, bare] = [ours, bare].map(|server| {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(server.address).unwrap();
        let close = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(close.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = memchr::memmem::find(&answer, b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        let head = String::from_utf8(answer).unwrap();
        let mut lines: Vec<_> = head.lines().skip(1).map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("Date: ") && !line.starts_with("Content-Length: "));
        lines.sort();
        (lines, body)
    });
    assert_eq!(ours.0, bare.0, "both answer with the same headers");
    assert!(ours.1 == bare.1, "both answer with the same body");
}
