//! `testing::Server` and `testing::AsyncServer`: ready at once, apart from each other, gone when dropped.

#![cfg(feature = "server")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use clientstore::testing::{AsyncServer, Server};
use clientstore::{Account, Dialect, NewClient};

/// The status and the body of an answer.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    ask_with(address, method, path, "", body)
}

fn ask_with(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n\
         {body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A connection with a request in flight, whose body never comes.
fn in_flight(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "POST /clients HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the server waits for the body");
    stream
}

/// How many threads this process has for the server of a port.
#[cfg(target_os = "linux")]
fn threads_of(port: u16) -> usize {
    let name = format!("serve {port}\n");
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while it is looked at.
    tasks.flatten().filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|it| it == name)).count()
}

#[test]
fn it_answers_as_soon_as_it_is_started_and_shares_its_store() {
    let server = Server::start();
    assert_eq!(server.url(), format!("http://{}", server.address()));
    assert!(server.address().ip().is_loopback());
    server.store().clients().create(&NewClient::named("SuprCorp")).unwrap();
    let (status, body) = ask(server.address(), "GET", "/clients/1", "");
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            "<client>\n  <id type=\"integer\">1</id>\n  <name>SuprCorp</name>\n  \
             <active type=\"boolean\">true</active>\n  <details></details>\n</client>\n"
        )
    );
    let (status, _) = ask(server.address(), "POST", "/clients", "<client><name>Company LLC</name></client>");
    assert_eq!(status, 201);
    assert_eq!(server.store().clients().get(2).unwrap().name, "Company LLC");
}

#[test]
fn the_account_the_dialect_and_the_credentials_are_the_builders() {
    let account = Account { company: "Example & Sons".to_owned(), ..Account::default() };
    let server = Server::builder().account(account).dialect(Dialect::Live).auth("me@example.com", "secret").start();
    assert_eq!(ask(server.address(), "GET", "/clients", "").0, 401);
    let authorization = "Authorization: Basic bWVAZXhhbXBsZS5jb206c2VjcmV0\r\n";
    let (status, body) = ask_with(server.address(), "GET", "/account/who_am_i", authorization, "");
    assert_eq!(status, 200);
    assert!(body.starts_with("<?xml") && body.contains("<name>Example &amp; Sons</name>"), "{body}");
}

#[test]
fn dropped_it_leaves_no_port_no_thread_and_no_connection() {
    let server = Server::start();
    let address = server.address();
    assert_eq!(ask(address, "POST", "/clients", "<client><name>A</name></client>").0, 201, "a write borrows a thread");
    let mut kept = TcpStream::connect(address).unwrap();
    write!(kept, "GET /clients HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(kept.read(&mut [0; 8]).unwrap(), 8);
    #[cfg(target_os = "linux")]
    assert!(threads_of(address.port()) > 0);

    let store = server.store().clone();
    drop(server);
    drop(TcpListener::bind(address).expect("the port is free"));
    assert!(kept.read_to_end(&mut Vec::new()).is_ok(), "the connection is closed");
    // The system forgets a thread a little after it was joined.
    #[cfg(target_os = "linux")]
    assert!((0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        threads_of(address.port()) == 0
    }));
    assert_eq!(store.clients().get(1).unwrap().name, "A", "a clone of the store lives on");
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_the_drop() {
    let server = Server::start();
    let _held = in_flight(&server);
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_panic_in_a_test_stops_its_server() {
    let (tell, told) = std::sync::mpsc::channel();
    let failed = std::thread::spawn(move || {
        let server = Server::start();
        tell.send(server.address()).unwrap();
        std::panic::resume_unwind(Box::new("a failed assertion"));
    })
    .join();
    assert!(failed.is_err());
    drop(TcpListener::bind(told.recv().unwrap()).expect("the port is free"));
}

#[test]
fn a_hundred_side_by_side_do_not_disturb_each_other() {
    let servers: Vec<Server> = (0..100).map(|_| Server::start()).collect();
    std::thread::scope(|scope| {
        for part in servers.chunks(10) {
            scope.spawn(move || {
                for (number, server) in part.iter().enumerate() {
                    let name = format!("{} {number}", server.url());
                    let body = format!("<client><name>{name}</name></client>");
                    assert_eq!(ask(server.address(), "POST", "/clients", &body).0, 201);
                    assert!(ask(server.address(), "GET", "/clients/1", "").1.contains(&name));
                }
            });
        }
    });
    for server in &servers {
        let clients = server.store().clients();
        let names: Vec<String> =
            clients.list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect();
        assert!(names.len() == 1 && names[0].starts_with(server.url()), "{names:?}");
    }
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
        let kilobytes: u64 = resident.trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 200_000, "100 servers take {kilobytes} kB");
    }
}

#[test]
fn the_first_answer_comes_within_50_milliseconds_of_the_start() {
    // The best of a few, as the machine may be busy.
    let fastest = (0..10).map(|_| {
        let begun = Instant::now();
        let server = Server::start();
        assert_eq!(ask(server.address(), "GET", "/clients", "").0, 200);
        begun.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
}

#[tokio::test]
async fn the_async_twin_answers_also_while_the_test_blocks_its_runtime() {
    let server = AsyncServer::start().await;
    server.store().clients().create(&NewClient::named("SuprCorp")).unwrap();
    assert_eq!(ask(server.address(), "GET", "/clients/1", "").0, 200);
    let address = server.address();
    server.stop().await;
    drop(TcpListener::bind(address).expect("the port is free"));
}

#[tokio::test]
async fn dropped_in_a_runtime_the_async_twin_blocks_nothing() {
    let server = Server::builder().dialect(Dialect::Live).start_async().await;
    let mut held = in_flight(&server);
    let begun = Instant::now();
    drop(server);
    // It lets the request finish for as long.
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    let closed = tokio::task::spawn_blocking(move || held.read_to_end(&mut Vec::new()).is_ok());
    assert!(closed.await.unwrap());
}

#[test]
fn a_runtime_that_ends_takes_its_async_servers_along() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let addresses = runtime.block_on(async {
        let dropped = AsyncServer::start().await;
        let addresses = [dropped.address(), AsyncServer::start().await.address()];
        drop(dropped);
        addresses
    });
    drop(runtime);
    for address in addresses {
        drop(TcpListener::bind(address).expect("the port is free"));
    }
}

#[test]
fn the_async_twin_may_be_dropped_outside_of_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let server = runtime.block_on(AsyncServer::start());
    drop(runtime);
    let address = server.address();
    assert_eq!(ask(address, "GET", "/clients", "").0, 200);
    drop(server);
    drop(TcpListener::bind(address).expect("the port is free"));
}
