//! How much memory a receipt takes on its way in and out, of a server in a process of its own.
#![cfg(target_os = "linux")]

mod common;
mod served;

use std::fs;
use std::io::{Read, Write};

use common::tell;
use served::Served;

/// What a receipt may take at most, in kB, however long it is.
const MOST: u64 = 4 * 1024;
const LONGEST: usize = 10 * 1024 * 1024;

/// How much more is resident at most while something runs than before, in kB.
fn taken(server: &Served, run: impl FnOnce()) -> u64 {
    // The kernel then begins to look for the peak anew.
    fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    let before = server.status("VmRSS:");
    run();
    server.status("VmHWM:").saturating_sub(before)
}

fn bytes(length: usize) -> impl Iterator<Item = u8> {
    (0..length as u32).map(|at| (at ^ (at >> 8)) as u8)
}

fn upload(server: &Served, length: usize) {
    let head = "--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.png\"\r\n\r\n";
    let end = "\r\n--B--\r\n";
    let mut stream = server.connect().unwrap();
    write!(
        stream,
        "POST /expenses/1/receipt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{head}",
        head.len() + length + end.len()
    )
    .unwrap();
    stream.write_all(&bytes(length).collect::<Vec<_>>()).unwrap();
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn download(server: &Served, length: usize) {
    let mut stream = server.connect().unwrap();
    write!(stream, "GET /expenses/1/receipt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let start = answer.len() - length;
    assert!(answer[..start].ends_with(b"\r\n\r\n") && answer[start..].iter().copied().eq(bytes(length)));
}

#[test]
fn the_longest_receipt_takes_less_than_four_mebibytes_on_its_way_in_and_on_its_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&[folder.path().join("store.db").to_str().unwrap(), "--quiet"]);
    for (path, body) in [
        ("/clients", "<client><name>A</name></client>"),
        ("/projects", "<project><client-id>1</client-id><name>A</name></project>"),
        (
            "/expenses",
            "<expense><project-id>1</project-id><expense-category-id>1</expense-category-id>\
             <spent-at>2011-03-31</spent-at></expense>",
        ),
    ] {
        assert_eq!(server.send("POST", path, body).unwrap().0, 201, "{path}");
    }
    // What any receipt takes once: the program's code, and SQLite's cache.
    for _ in 0..3 {
        upload(&server, 500_000);
        download(&server, 500_000);
    }
    let short = (taken(&server, || upload(&server, 500_000)), taken(&server, || download(&server, 500_000)));
    let long = (taken(&server, || upload(&server, LONGEST)), taken(&server, || download(&server, LONGEST)));
    tell(format_args!("a receipt of 500 kB takes {short:?} kB in and out, one of 10 MiB {long:?}"));
    assert!(long.0 < MOST && long.1 < MOST, "{long:?} kB, where a short one takes {short:?}");
}
