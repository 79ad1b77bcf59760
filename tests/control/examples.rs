//! The examples of `docs/control.md` are one session, and true to the byte.

use crate::fake::{Fake, request};

/// From here on an example's body leaves out the rest.
const ELLIPSIS: &str = "…";

#[test]
fn every_example_is_what_the_server_answers() {
    let text = include_str!("../../docs/control.md");
    let blocks: Vec<&str> =
        text.split("\n```http\n").skip(1).map(|block| block.split_once("\n```").unwrap().0).collect();
    assert!(blocks.len() > 40 && blocks.len().is_multiple_of(2), "{}", blocks.len());
    let fake = Fake::deterministic();
    for pair in blocks.chunks(2) {
        let (line, body) = pair[0].split_once("\n\n").unwrap_or((pair[0], ""));
        let (method, path) = line.split_once(' ').unwrap();
        let answer = fake.running.ask(&request(method, path, body));
        let (head, body) = pair[1].split_once("\n\n").unwrap_or((pair[1], ""));
        let mut head = head.lines();
        assert_eq!(answer.line, format!("HTTP/1.1 {}", head.next().unwrap()), "{line}");
        for header in head {
            assert!(answer.headers.iter().any(|sent| sent == header), "{line}: {:?} lack {header}", answer.headers);
        }
        match body.split_once(ELLIPSIS) {
            Some((begin, "")) => assert!(answer.text().starts_with(begin.trim_end()), "{line}: {}", answer.text()),
            Some(_) => panic!("the ellipsis of {line} does not end it"),
            None if body.is_empty() => {}
            None => assert_eq!(answer.text(), format!("{body}\n"), "{line}"),
        }
    }
}

#[test]
fn every_path_of_the_table_is_there_and_no_other_method() {
    let text = include_str!("../../docs/control.md");
    let fake = Fake::start();
    let mut paths = 0;
    for row in text.lines().filter(|line| line.contains("[`/_clientstore/")) {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let methods: Vec<&str> = cells.next().unwrap().split(", ").collect();
        let path = cells.next().unwrap().trim_start_matches("[`").split('`').next().unwrap();
        let path = path.replace("{name}", "one").replace("{path}", "clients");
        paths += 1;
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let answer = fake.ask(method, &path, "");
            if methods.contains(&method) {
                assert_ne!(answer.status(), 404, "{method} {path}");
                assert_ne!(answer.status(), 405, "{method} {path}");
            } else {
                assert_eq!(answer.status(), 405, "{method} {path}");
                let allowed: Vec<&str> =
                    answer.header("Allow").unwrap().split(", ").filter(|name| *name != "HEAD").collect();
                assert_eq!(allowed, methods, "{path}");
            }
        }
    }
    assert_eq!(paths, 14);
}
