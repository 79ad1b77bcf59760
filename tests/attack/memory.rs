//! Programs that have the server keep much for them: they begin long bodies and do not go on, leave much in the
//! journal, or send much to compare. Others are served beside them, and memory comes back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::alone;
use crate::common::tell;
use crate::served::Served;

/// How long a condition may take to come, however busy the machine is.
const GENEROUS: Duration = Duration::from_secs(120);
/// What is resident at most, in kB: the budget of 40 MiB and one guest's excess, what a thousand connections keep both
/// ways, and the program itself; a debug build's code is larger.
const MEMORY: u64 = 160 * 1024;
/// What may be resident afterwards more than before, in kB.
const LEFT: u64 = 64 * 1024;

/// A whole request, after which the connection stays open.
fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// Connections that send the same and read nothing; each that the server closes comes again, until all is done.
struct Crowd<'a> {
    address: &'a str,
    sends: String,
    count: usize,
}

impl Crowd<'_> {
    fn join(&self) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_write_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(self.sends.as_bytes()).ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(stream)
    }

    /// Tells once all have asked.
    fn press(&self, ready: &AtomicBool, done: &AtomicBool) {
        let mut streams = Vec::new();
        while !done.load(Ordering::Relaxed) {
            while streams.len() < self.count
                && let Some(stream) = self.join()
            {
                streams.push(stream);
            }
            ready.store(true, Ordering::Relaxed);
            // One byte now and then, so that those are seen that were closed.
            streams.retain_mut(|stream| !matches!(stream.read(&mut [0]), Ok(0)) && stream.take_error().is_ok());
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// What is asked by programs that behave, each on its own connection.
fn behave(server: &Served, long: &str) {
    let large = format!("<client><name>Honest</name><details>{}</details></client>", "x".repeat(6_000));
    for (method, path, body, status) in [
        ("GET", "/clients/2", "", 200),
        ("GET", "/account/who_am_i", "", 200),
        ("POST", "/projects", "<project><client-id>2</client-id><name>Honest</name></project>", 201),
        ("POST", "/clients", &*large, 201),
        ("GET", "/projects?updated_since=2001-01-01", "", 200),
        ("GET", "/_clientstore/health", "", 200),
        ("GET", "/_clientstore/state", "", 200),
        ("GET", long, "", 200),
    ] {
        assert_eq!(asked(server, method, path, body), status, "{method} {path}");
    }
}

/// The status of an answer that is read to its end; asked again where the connection gave way.
fn asked(server: &Served, method: &str, path: &str, body: &str) -> u16 {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < GENEROUS, "{method} {path} is not answered");
        let ask = || -> Option<u16> {
            let mut stream = TcpStream::connect(server.address()).ok()?;
            stream.set_read_timeout(Some(GENEROUS)).ok()?;
            stream.write_all(request(method, path, "Connection: close\r\n", body).as_bytes()).ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).ok()?;
            let head = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
            head.strip_prefix("HTTP/1.1 ")?.parse().ok()
        };
        if let Some(status) = ask() {
            return status;
        }
    }
}

/// A server whose first client is long, and whose second is short.
fn server() -> Served {
    let server = Served::start(&["--memory", "--control", "--quiet"]);
    let long = format!("<client><name>Long</name><details>{}</details></client>", "x".repeat(1_000_000));
    assert_eq!(asked(&server, "POST", "/clients", &long), 201);
    assert_eq!(asked(&server, "POST", "/clients", "<client><name>Short</name></client>"), 201);
    server
}

/// Others are served while the crowd is there, memory stays under its bound and comes back, and the server stops.
fn withstands(server: Served, name: &str, (count, sends): (usize, String), long: &str, most: u64) {
    let _alone = alone();
    let before = server.status("VmRSS:");
    let (ready, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let begun = Instant::now();
    thread::scope(|scope| {
        let crowd = Crowd { address: server.address(), sends, count };
        let (ready, done) = (&ready, &done);
        let pressing = scope.spawn(move || crowd.press(ready, done));
        let served = std::panic::catch_unwind(|| {
            while !ready.load(Ordering::Relaxed) {
                assert!(begun.elapsed() < GENEROUS, "{name}: they cannot even connect");
                thread::sleep(Duration::from_millis(10));
            }
            behave(&server, long);
        });
        done.store(true, Ordering::Relaxed);
        pressing.join().unwrap();
        served.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let (took, peak) = (begun.elapsed(), server.status("VmHWM:"));
    assert!(peak < most, "{name}: {peak} kB were resident, {before} kB before");
    let ended = Instant::now();
    let after = loop {
        let after = server.status("VmRSS:");
        if after < before + LEFT {
            break after;
        }
        assert!(ended.elapsed() < GENEROUS, "{name}: {after} kB stay resident, {before} kB before");
        thread::sleep(Duration::from_millis(100));
    };
    tell(format_args!("{name}: served in {took:?}; {before} kB resident, {peak} kB at most, {after} kB after"));
    assert_eq!(asked(&server, "GET", "/clients/2", ""), 200);
    // It ends within the limits of the test, or is killed and the test fails.
    assert!(server.signal("TERM").success(), "{name}");
}

/// A name that no other client has.
fn next_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("Long {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn get(path: &str) -> String {
    request("GET", path, "", "")
}

#[test]
fn who_does_not_read_a_long_record_leaves_room_for_others() {
    withstands(server(), "a long record", (100, get("/clients/1")), "/clients/1", MEMORY);
}

#[test]
fn who_does_not_read_a_list_with_a_long_record_leaves_room_for_others() {
    withstands(server(), "a list with a long record", (300, get("/clients")), "/clients", MEMORY);
}

#[test]
fn who_does_not_read_the_records_of_a_control_path_leaves_room_for_others() {
    let server = server();
    let long = format!("<client><name>Longer</name><details>{}</details></client>", "y".repeat(1_000_000));
    for _ in 0..3 {
        assert_eq!(asked(&server, "POST", "/clients", &long.replace("Longer", &next_name())), 201);
    }
    let records = "/_clientstore/records/clients?limit=1000";
    withstands(server, "records of a control path", (20, get(records)), records, MEMORY);
}

#[test]
fn short_requests_need_not_wait_for_the_room_that_long_ones_wait_for() {
    let _alone = alone();
    let server = server();
    // `>` is escaped, so that its document has 4 MB: one of 1 MB would lie in the sockets' buffers.
    let long = format!("<client><name>Longest</name><details>{}</details></client>", ">".repeat(1_000_000));
    assert_eq!(asked(&server, "POST", "/clients", &long), 201);
    let crowd = Crowd { address: server.address(), sends: get("/clients/3"), count: 300 };
    let _pressing: Vec<_> = (0..crowd.count).filter_map(|_| crowd.join()).collect();
    thread::scope(|scope| {
        let mut last = TcpStream::connect(server.address()).unwrap();
        last.set_read_timeout(Some(GENEROUS)).unwrap();
        last.write_all(get("/clients/3").as_bytes()).unwrap();
        let mut reads = last.try_clone().unwrap();
        // It comes after all of the crowd, of whom a few at a time have room for a quarter of a second.
        let waits = scope.spawn(move || drop(reads.read(&mut [0])));
        for _ in 0..20 {
            assert_eq!(asked(&server, "GET", "/clients/2", ""), 200);
            assert_eq!(asked(&server, "POST", "/clients", "<client><name>Short</name></client>"), 201);
        }
        assert!(!waits.is_finished(), "a long request was served before 40 short ones that came with it");
        last.shutdown(std::net::Shutdown::Both).unwrap();
    });
}

#[test]
fn who_does_not_go_on_with_a_body_leaves_room_for_others() {
    let head = "Host: localhost\r\nContent-Length: 1048576\r\n\r\n<";
    for path in ["/clients", "/_clientstore/seed"] {
        let stalled = format!("POST {path} HTTP/1.1\r\n{head}");
        withstands(server(), path, (300, stalled), "/clients/1", MEMORY);
    }
}

/// A project that time and expenses are recorded for.
fn with_a_project(server: Served) -> Served {
    for (path, body) in [
        ("/projects", "<project><client-id>2</client-id><name>Long</name></project>"),
        ("/projects/1/task_assignments", "<task><id>1</id></task>"),
        (
            "/expenses",
            "<expense><project-id>1</project-id><expense-category-id>1</expense-category-id>\
             <spent-at>2011-03-31</spent-at></expense>",
        ),
    ] {
        assert_eq!(asked(&server, "POST", path, body), 201, "{path}");
    }
    server
}

#[test]
fn who_does_not_read_a_long_day_leaves_room_for_others() {
    let server = with_a_project(server());
    // `>` is escaped, so that the day has 3 MB.
    let notes = ">".repeat(400_000);
    for _ in 0..2 {
        let entry = format!(
            "<request><notes>{notes}</notes><hours>1</hours><project_id>1</project_id><task_id>1</task_id>\
             <spent_at>2011-03-31</spent_at></request>"
        );
        assert_eq!(asked(&server, "POST", "/daily/add", &entry), 201);
    }
    withstands(server, "a long day", (100, get("/daily/90/2011")), "/daily/90/2011", MEMORY);
}

#[test]
fn who_does_not_go_on_with_a_receipt_leaves_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&[folder.path().join("store.db").to_str().unwrap(), "--control", "--quiet"]);
    let long = format!("<client><name>Long</name><details>{}</details></client>", "x".repeat(1_000_000));
    assert_eq!(asked(&server, "POST", "/clients", &long), 201);
    assert_eq!(asked(&server, "POST", "/clients", "<client><name>Short</name></client>"), 201);
    let server = with_a_project(server);
    let part = "--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.png\"\r\n\r\n";
    let stalled = format!(
        "POST /expenses/1/receipt HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n\
         Content-Length: 10000000\r\n\r\n{part}{}",
        "x".repeat(200_000)
    );
    withstands(server, "receipts", (300, stalled), "/clients/1", MEMORY);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| name.starts_with("store.db")));
}

#[test]
fn who_has_no_credentials_and_does_not_go_on_with_a_body_is_answered_and_leaves_room_for_others() {
    let options = ["--memory", "--control", "--quiet", "--auth", "user:password", "--control-token", "secret"];
    let _alone = alone();
    let server = Served::start(&options);
    for path in ["/clients", "/_clientstore/seed"] {
        let stalled = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n<");
        let crowd = Crowd { address: server.address(), sends: stalled.clone(), count: 300 };
        let stalled: Vec<_> = (0..crowd.count).filter_map(|_| crowd.join()).collect();
        assert_eq!(asked(&server, "GET", "/clients", ""), 401);
        // Each is told so before its body has come.
        for mut stream in stalled {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(GENEROUS)).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 401", "{path}");
        }
    }
    assert!(server.signal("TERM").success());
}

#[test]
fn long_methods_fill_the_journal_no_further_than_its_bound() {
    let server = server();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(GENEROUS)).unwrap();
    let long = request(&"M".repeat(30_000), "/clients", "", "");
    for _ in 0..2_000 {
        stream.write_all(long.as_bytes()).unwrap();
        let mut answer = [0; 4_096];
        assert!(stream.read(&mut answer).unwrap() > 0);
    }
    drop(stream);
    withstands(server, "long methods", (50, get("/_clientstore/journal")), "/_clientstore/journal", MEMORY);
}

#[test]
fn a_pattern_is_compared_with_long_paths_in_no_time() {
    let server = server();
    for _ in 0..100 {
        assert!(matches!(asked(&server, "GET", &format!("/{}", "a".repeat(32_000)), ""), 404 | 414));
    }
    let path = format!("/_clientstore/journal?path=/*{}b", "a".repeat(150));
    withstands(server, "a pattern", (50, get(&path)), &path, MEMORY);
}

#[test]
fn inputs_with_very_many_names_are_refused_while_others_are_served() {
    let names: Vec<String> = (0..70_000).map(|number| format!("\"h{number}\":\"\"")).collect();
    let names = names.join(",");
    let faults = format!("{{\"rules\":[{{\"answer\":{{\"status\":503,\"headers\":{{{names}}}}}}}]}}");
    let verify = format!("{{\"method\":\"POST\",\"headers\":{{{names}}}}}");
    for (method, path, body) in
        [("PUT", "/_clientstore/faults", faults), ("POST", "/_clientstore/journal/verify", verify)]
    {
        let server = server();
        assert_eq!(asked(&server, method, path, &body), 400, "{path}");
        withstands(server, path, (30, request(method, path, "", &body)), "/clients/1", MEMORY);
    }
}
