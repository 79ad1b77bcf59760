//! The API in process, for its tests: every answer that passes through here is held against what
//! holds for all of them.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use clientstore::{Account, Api, Body, Dialect};
use http::{Method, Request, Response};
use http_body::Body as _;

use crate::common::{Clock, builder};

pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What came back, header names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    pub fn hint(&self) -> Option<&str> {
        self.header("hint")
    }

    /// Everything: the status, a header a line in the order of their names, an empty line, the body.
    pub fn whole(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{}\n{headers}\n{}", self.status, self.body)
    }

    /// The message of an error document, which is all that the body is.
    #[track_caller]
    pub fn message(&self) -> &str {
        if let Some(message) = self.body.strip_prefix("{\"message\":\"").and_then(|rest| rest.strip_suffix("\"}\n")) {
            return message;
        }
        let body = self.body.strip_prefix(DECLARATION).unwrap_or(&self.body);
        let message =
            body.strip_prefix("<hash>\n  <message>").and_then(|rest| rest.strip_suffix("</message>\n</hash>\n"));
        message.unwrap_or_else(|| panic!("no error document: {self:?}"))
    }

    /// The ids of the records in a list, in its order.
    #[track_caller]
    pub fn ids(&self) -> Vec<i64> {
        assert_eq!(self.status, 200, "{self:?}");
        let starts = self.body.split("    <id type=\"integer\">").skip(1);
        starts.map(|rest| rest.split_once('<').unwrap().0.parse().unwrap()).collect()
    }
}

/// An API over a store in memory, by a clock that the tests move.
pub struct Service {
    pub api: Api,
    pub clock: Clock,
}

impl Service {
    pub fn new() -> Self {
        Self::of(Account::default())
    }

    pub fn of(account: Account) -> Self {
        let clock = Clock::default();
        Service { api: Api::new(builder(&clock).account(account).open_in_memory().unwrap()), clock }
    }

    pub fn live() -> Self {
        Self::new().with(|api| api.dialect(Dialect::Live))
    }

    pub fn with(self, change: impl FnOnce(Api) -> Api) -> Self {
        Service { api: change(self.api), clock: self.clock }
    }

    #[track_caller]
    pub fn send(&self, request: Request<impl AsRef<[u8]>>) -> Answer {
        let (method, shown) = (request.method().clone(), format!("{} {}", request.method(), request.uri()));
        let answer = answer(self.api.handle(request));
        check(&method, &shown, &answer);
        answer
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(body).unwrap())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, body)
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &str) -> Answer {
        self.call("PUT", path, body)
    }

    /// Creates a record and gives its path.
    #[track_caller]
    pub fn create(&self, path: &str, body: &str) -> String {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.location().unwrap().to_owned()
    }

    /// Creates a client and gives its path.
    #[track_caller]
    pub fn client(&self, name: &str) -> String {
        self.create("/clients", &format!("<client><name>{name}</name></client>"))
    }

    /// Creates an active project and gives its path.
    #[track_caller]
    pub fn project(&self, client: i64, name: &str) -> String {
        self.create("/projects", &format!("<project><client-id>{client}</client-id><name>{name}</name></project>"))
    }

    /// Creates an invoice and gives its path.
    #[track_caller]
    pub fn invoice(&self, client: i64, fields: &str) -> String {
        self.create("/invoices", &format!("<invoice><client-id>{client}</client-id>{fields}</invoice>"))
    }
}

pub fn answer(response: Response<Body>) -> Answer {
    let (head, body) = response.into_parts();
    let headers: BTreeMap<String, String> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(headers.len(), head.headers.len(), "a header stands twice: {:?}", head.headers);
    let body = String::from_utf8(body.into_bytes().unwrap().to_vec()).unwrap();
    Answer { status: head.status.as_u16(), headers, body }
}

/// What the table of answers and the lines after it say of every answer.
#[track_caller]
fn check(method: &Method, request: &str, answer: &Answer) {
    let reason = match answer.status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        other => panic!("{request}: {other} is none of the statuses"),
    };
    assert_eq!(answer.header("status"), Some(&*format!("{} {reason}", answer.status)), "{request}");
    let is = |names: &[&str]| names.contains(&method.as_str());
    if is(&["HEAD"]) {
        assert_eq!(answer.body, "", "{request}");
    } else {
        assert_eq!(answer.body.is_empty(), answer.header("content-type").is_none(), "{request}\n{}", answer.whole());
        if let Some(length) = answer.header("content-length") {
            assert_eq!(length, answer.body.len().to_string(), "{request}");
        }
    }
    match answer.header("content-type") {
        Some("application/json; charset=utf-8") if !is(&["HEAD"]) => {
            let parsed = serde_json::from_str::<serde_json::Value>(&answer.body);
            assert!(parsed.is_ok() && answer.body.ends_with('\n'), "{request}\n{}", answer.whole());
        }
        None | Some("application/json; charset=utf-8" | "application/xml; charset=utf-8") => {}
        Some(_) if request.contains("/receipt") => {
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{request}");
        }
        Some(other) => panic!("{request}: the body is {other}"),
    }
    // Starting or stopping a timer is answered with the entry alone.
    let is_timer = request.contains("/daily/timer/");
    let located = answer.status == 201 || (answer.status == 200 && is(&["PUT", "POST"]) && !is_timer);
    assert_eq!(answer.location().is_some(), located, "{request}\n{}", answer.whole());
    if let Some(location) = answer.location() {
        // That of a receipt is its expense's and one part more.
        let (path, id) = location.trim_end_matches("/receipt").rsplit_once('/').unwrap();
        let of = |parent: &str| path.strip_prefix(parent).and_then(|rest| rest.split_once('/'));
        let known = match (of("/invoices/"), of("/projects/")) {
            (Some((invoice, part)), _) => invoice.parse::<i64>().is_ok() && ["messages", "payments"].contains(&part),
            (_, Some((project, part))) => {
                project.parse::<i64>().is_ok() && ["task_assignments", "user_assignments"].contains(&part)
            }
            _ => [
                "/clients",
                "/projects",
                "/invoices",
                "/invoice_item_categories",
                "/tasks",
                "/people",
                "/contacts",
                "/daily/show",
                "/expense_categories",
                "/expenses",
            ]
            .contains(&path),
        };
        assert!(known, "{request}: {location}");
        assert!(id.parse::<i64>().is_ok_and(|id| id > 0), "{request}: {location}");
    }
    // A delete that archives instead says so.
    let may_hint = answer.status == 200 && is(&["DELETE"]);
    assert_eq!(answer.hint().is_some() && !may_hint, answer.status == 400, "{request}\n{}", answer.whole());
    if let Some(hint) = answer.hint() {
        assert!(!hint.is_empty() && hint.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{request}: {hint}");
    }
    assert_eq!(answer.header("allow").is_some(), answer.status == 405, "{request}\n{}", answer.whole());
    assert_eq!(answer.header("retry-after").is_some(), answer.status == 503, "{request}\n{}", answer.whole());
    assert_eq!(answer.header("www-authenticate").is_some(), answer.status == 401, "{request}\n{}", answer.whole());
}

/// The data of a body's frames, one by one.
pub fn frames(body: Body) -> Vec<Vec<u8>> {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = Vec::new();
    while !body.is_end_stream() {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(Some(frame)) => frames.push(frame.unwrap().into_data().unwrap().to_vec()),
            Poll::Ready(None) => break,
            Poll::Pending => panic!("a body never waits"),
        }
    }
    assert!(matches!(body.as_mut().poll_frame(&mut context), Poll::Ready(None)));
    frames
}

/// An error document with the message, in the `documented` dialect.
pub fn error(message: &str) -> String {
    format!("<hash>\n  <message>{message}</message>\n</hash>\n")
}

/// Runs `clientstore request` with the body at its standard input.
#[cfg(feature = "cli")]
pub fn request(file: &std::path::Path, method: &str, path: &str, body: &str) -> std::process::Output {
    let file = file.to_str().unwrap();
    run(&["request", file, method, path, "--body", "-"], body.as_bytes())
}

/// Runs `clientstore` with the standard input.
#[cfg(feature = "cli")]
pub fn run(arguments: &[&str], input: &[u8]) -> std::process::Output {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_clientstore"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early need not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The answer that `clientstore request` has printed.
#[cfg(feature = "cli")]
#[track_caller]
pub fn printed(output: &std::process::Output) -> Answer {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let out = std::str::from_utf8(&output.stdout).unwrap();
    let (head, body) = out.split_once("\n\n").unwrap();
    let (line, headers) = head.split_once('\n').unwrap();
    let status: u16 = line.strip_prefix("HTTP/1.1 ").unwrap().split_once(' ').unwrap().0.parse().unwrap();
    assert_eq!(output.status.code(), Some(if (200..300).contains(&status) { 0 } else { 1 }), "{line}");
    let headers = headers.lines().map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}
