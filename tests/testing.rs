//! `testing::Server` and `testing::AsyncServer`: ready at once, apart from each other, gone when dropped.

#![cfg(feature = "server")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use clientstore::testing::{AsyncServer, Server};
use clientstore::{Account, Dialect, NewClient};

/// Long enough for anything that is to come, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The status and the body of an answer.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    ask_with(address, method, path, "", body)
}

fn ask_with(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let text = raw(address, method, path, headers, body);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The whole answer as it came.
fn raw(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n\
         {body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
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

/// Whether an address can be listened on; the system may lend it to a neighbour's test for a moment.
fn is_free(address: SocketAddr) -> bool {
    (0..1_000).any(|_| {
        TcpListener::bind(address).is_ok() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    })
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
    let account = Account::default().company("Example & Sons");
    let server = Server::builder().account(account).dialect(Dialect::Live).auth("me@example.com", "secret").start();
    assert_eq!(ask(server.address(), "GET", "/clients", "").0, 401);
    let authorization = "Authorization: Basic bWVAZXhhbXBsZS5jb206c2VjcmV0\r\n";
    let (status, body) = ask_with(server.address(), "GET", "/account/who_am_i", authorization, "");
    assert_eq!(status, 200);
    assert!(body.starts_with("<?xml") && body.contains("<name>Example &amp; Sons</name>"), "{body}");
}

#[test]
fn a_control_call_needs_no_socket_and_is_not_journaled() {
    let server = Server::start();
    let rule = r#"{"rules": [{"method": "POST", "times": 1, "answer": {"status": 503}}]}"#;
    assert!(server.control("PUT", "faults", rule).contains("\"fired\": 0"));
    let document = "<client><name>SuprCorp</name></client>";
    assert_eq!(ask(server.address(), "POST", "/clients", document).0, 503);
    assert_eq!(ask(server.address(), "POST", "/clients", document).0, 201);
    server.control("POST", "journal/verify", r#"{"path": "/clients", "body": {"name": "SuprCorp"}, "count": 2}"#);
    server.control("POST", "journal/verify", r#"{"count": 2}"#);
    assert_eq!(ask(server.address(), "GET", "/_clientstore/health", "").0, 200, "over a socket it is there as well");
}

#[test]
#[should_panic(expected = "POST journal/verify: Expected exactly 1 request POST /clients, but 0 of 1 fit.\n\
                           The nearest is number 1, GET /clients:\n  method: expected \"POST\", found \"GET\"")]
fn an_expectation_that_is_not_met_panics_with_the_difference() {
    let server = Server::start();
    ask(server.address(), "GET", "/clients", "");
    server.control("POST", "journal/verify", r#"{"method": "POST", "path": "/clients", "count": 1}"#);
}

#[test]
#[should_panic(expected = "POST reset: at snapshot: There is no snapshot \"full\"\nTake it first with")]
fn a_refused_control_call_panics_with_where_and_what_to_do() {
    Server::start().control("POST", "reset", r#"{"snapshot": "full"}"#);
}

#[test]
fn a_reset_shows_in_the_store_that_was_handed_out() {
    let server = Server::start();
    let clients = server.store().clients();
    clients.create(&NewClient::named("SuprCorp")).unwrap();
    server.control("POST", "snapshots/one", "");
    clients.create(&NewClient::named("Company LLC")).unwrap();
    server.control("POST", "reset", r#"{"snapshot": "one"}"#);
    assert!(clients.get(1).is_ok() && clients.get(2).is_err());
    server.control("POST", "reset", "");
    assert_eq!(clients.create(&NewClient::named("First again")).unwrap(), 1);
}

#[test]
fn two_deterministic_servers_answer_the_same_bytes() {
    let bytes = |seed| {
        let server = Server::builder().deterministic(seed).start();
        let client = "<client><name>SuprCorp</name></client>";
        let invoice = "<invoice><client-id>1</client-id></invoice>";
        let requests = [("POST", "/clients", client), ("POST", "/invoices", invoice), ("GET", "/invoices/1", "")];
        requests.map(|(method, path, body)| raw(server.address(), method, path, "", body))
    };
    assert_eq!(bytes(7), bytes(7));
    let [_, _, invoice] = bytes(7);
    assert!(invoice.contains("\r\nDate: Fri, 01 Jan 2010 00:00:00 GMT"), "{invoice}");
    assert_ne!(bytes(7)[2], bytes(8)[2], "the client key follows from the seed");
}

#[test]
fn dropped_it_leaves_no_port_and_no_connection_but_a_store_that_is_still_held() {
    let server = Server::start();
    let address = server.address();
    let mut kept = TcpStream::connect(address).unwrap();
    write!(kept, "GET /clients HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(kept.read(&mut [0; 8]).unwrap(), 8);
    let store = server.store().clone();
    store.clients().create(&NewClient::named("A")).unwrap();

    drop(server);
    assert!(is_free(address));
    assert!(kept.read_to_end(&mut Vec::new()).is_ok(), "the connection is closed");
    assert_eq!(store.clients().get(1).unwrap().name, "A");
}

/// In a process of its own, since others start threads and open files as they please.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_fifty_servers() {
    if std::env::var_os("ALONE").is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "nothing_is_left_of_fifty_servers", "--nocapture"]).env("ALONE", "");
        let output = alone.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let count = |of: &str| std::fs::read_dir(of).unwrap().count();
    let held = || (count("/proc/self/task"), count("/proc/self/fd"));
    let start = || {
        let server = Server::start();
        let address = server.address();
        assert_eq!(ask(address, "POST", "/clients", "<client><name>A</name></client>").0, 201);
        assert_eq!(ask(address, "GET", "/clients", "").0, 200);
        server.control("GET", "state", "");
        server
    };
    drop(start()); // what is made once, stays
    let before = held();
    let servers = [(); 50].map(|()| start());
    let (threads, files) = held();
    assert!(threads >= before.0 + 50 && files >= before.1 + 50, "this counts: {threads} threads, {files} files");
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address()).collect();
    drop(servers);
    // The system forgets a thread a little after it was joined.
    let waited = (0..10_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        held().0 <= before.0 && held().1 <= before.1
    });
    assert!(waited, "threads and files: {:?} are {before:?} and what is left", held());
    assert!(addresses.into_iter().all(is_free));
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_the_drop() {
    let server = Server::start();
    let address = server.address();
    let mut held = TcpStream::connect(address).unwrap();
    write!(held, "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        // It goes on and on, so that no limit ends it.
        scope.spawn(|| {
            while held.write_all(b"a").is_ok() && begun.elapsed() < PATIENCE * 2 {
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        drop(server);
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    });
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
    assert!(is_free(told.recv().unwrap()));
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
}

/// The child that [`a_hundred_servers_take_at_most_250_megabytes`] starts: it starts the servers and prints what they take.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "another test runs it in a process of its own"]
fn print_what_a_hundred_servers_take() {
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let before = resident();
    let servers: Vec<Server> = (0..100).map(|_| Server::start()).collect();
    for server in &servers {
        assert_eq!(ask(server.address(), "POST", "/clients", "<client><name>SuprCorp</name></client>").0, 201);
        assert_eq!(ask(server.address(), "GET", "/clients", "").0, 200);
    }
    println!("taken: {} kB", resident().saturating_sub(before));
}

/// In a process of its own, because the memory of the tests beside it would count as well.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_servers_take_at_most_250_megabytes() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "print_what_a_hundred_servers_take", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let taken = printed.lines().find_map(|line| line.split_once("taken: ")).expect("what is taken").1;
    let kilobytes: u64 = taken.split(' ').next().unwrap().parse().unwrap();
    assert!((1..250_000).contains(&kilobytes), "100 servers take {kilobytes} kB");
}

#[test]
#[ignore = "what it measures is the machine's as well: cargo test --release --test testing -- --ignored"]
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
    server.control("POST", "journal/verify", r#"{"path": "/clients/*", "count": 1}"#);
    let address = server.address();
    server.stop().await;
    assert!(is_free(address));
}

#[tokio::test]
async fn dropped_in_a_runtime_the_async_twin_blocks_nothing() {
    // It lets a request finish for as long, and a drop that waited for its end would take as long each time.
    const GRACE: Duration = Duration::from_millis(100);
    let mut waited_for_none = false;
    for _ in 0..100 {
        let server = Server::builder().dialect(Dialect::Live).start_async().await;
        let mut held = in_flight(&server);
        let begun = Instant::now();
        drop(server);
        waited_for_none = begun.elapsed() < GRACE;
        let closed = tokio::task::spawn_blocking(move || held.read_to_end(&mut Vec::new()).is_ok());
        assert!(closed.await.unwrap());
        if waited_for_none {
            break;
        }
    }
    assert!(waited_for_none);
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
        assert!(is_free(address));
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
    assert!(is_free(address));
}
