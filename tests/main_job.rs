//! The main job: the page's own requests in order, with the page's bodies, by every way in.
//!
//! One more way in is one more [`Way`] and a test that runs [`TABLE`](table) through it.

mod api;
mod common;
#[cfg(feature = "cli")]
mod served;

use api::Answer;

const GET: &str = include_str!("fixtures/client-get.xml");
const LIST: &str = include_str!("fixtures/clients-list.xml");
const POST: &str = include_str!("fixtures/client-post.xml");
const PUT: &str = include_str!("fixtures/client-put.xml");
const SECOND: &str = "<client>\n  <name>Fish &amp; Chips</name>\n  <active>false</active>\n</client>\n";
const PROJECT: &str = "<project>\n  <client-id>1</client-id>\n  <name>Website</name>\n</project>\n";

/// A way into the API over a fresh store.
trait Way {
    fn send(&mut self, method: &str, path: &str, body: &str) -> Answer;
}

struct Step {
    request: &'static str,
    body: &'static str,
    status: u16,
    location: Option<&'static str>,
    hint: bool,
    document: String,
}

fn step(request: &'static str, body: &'static str, status: u16) -> Step {
    Step { request, body, status, location: None, hint: false, document: String::new() }
}

impl Step {
    fn at(self, location: &'static str) -> Self {
        Step { location: Some(location), ..self }
    }

    fn gives(self, document: impl Into<String>) -> Self {
        Step { document: document.into(), ..self }
    }

    fn refused(self, message: &str) -> Self {
        Step { hint: true, document: api::error(message), ..self }
    }
}

/// The page's requests. Its example ids are 11072 and what follows; a fresh store begins with 1.
fn table() -> Vec<Step> {
    let shown = |document: &str| document.replace("11072", "1").replace("11073", "2");
    let renamed = shown(GET).replace("SuprCorp", "Company LLC");
    let inactive = renamed.replace(">true<", ">false<");
    let (start, second) = LIST.split_once("  </client>\n").unwrap();
    let left = format!("{}{}", start.split_once("  <client>").unwrap().0, shown(second));
    vec![
        step("GET /clients", "", 200).gives("<clients></clients>\n"),
        step("POST /clients", POST, 201).at("/clients/1"),
        step("GET /clients/1", "", 200).gives(&renamed),
        step("PUT /clients/1", "<client><name>SuprCorp</name></client>", 200).at("/clients/1"),
        step("GET /clients/1", "", 200).gives(shown(GET)),
        step("POST /clients", SECOND, 201).at("/clients/2"),
        step("GET /clients", "", 200).gives(shown(LIST)),
        step("PUT /clients/1", PUT, 200).at("/clients/1"),
        step("GET /clients/1", "", 200).gives(&renamed),
        step("POST /clients/1/toggle", "", 200).at("/clients/1"),
        step("GET /clients/1", "", 200).gives(inactive),
        step("POST /clients/1/toggle", "", 200).at("/clients/1"),
        step("GET /clients/1", "", 200).gives(&renamed),
        step("POST /projects", PROJECT, 201).at("/projects/1"),
        step("POST /clients/1/toggle", "", 400).refused("Client has active projects."),
        step("DELETE /clients/1", "", 400).refused("Client has projects or invoices."),
        step("GET /clients/1", "", 200).gives(renamed),
        step("DELETE /projects/1", "", 200),
        step("DELETE /clients/1", "", 200),
        step("GET /clients/1", "", 404).gives(api::error("There is no client 1.")),
        step("GET /clients", "", 200).gives(left),
    ]
}

fn run(way: &mut dyn Way) {
    for (at, step) in table().into_iter().enumerate() {
        let (method, path) = step.request.split_once(' ').unwrap();
        let answer = way.send(method, path, step.body);
        let shown = format!("step {at}, {}: {}", step.request, answer.whole());
        assert_eq!(answer.status, step.status, "{shown}");
        assert_eq!(answer.body, step.document, "{shown}");
        assert_eq!(answer.location(), step.location, "{shown}");
        assert_eq!(answer.hint().is_some(), step.hint, "{shown}");
    }
}

#[test]
fn the_pages_requests_in_process() {
    struct InProcess(api::Service);
    impl Way for InProcess {
        fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
            self.0.call(method, path, body)
        }
    }
    run(&mut InProcess(api::Service::new()));
}

#[test]
fn the_pages_requests_in_process_on_a_file() {
    struct OnFile(clientstore::Api);
    impl Way for OnFile {
        fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
            api::answer(self.0.handle(http::Request::builder().method(method).uri(path).body(body).unwrap()))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    run(&mut OnFile(clientstore::Api::new(clientstore::ClientStore::open(folder.path().join("store.db")).unwrap())));
}

#[cfg(feature = "cli")]
#[test]
fn the_pages_requests_at_the_command_line() {
    struct CommandLine(std::path::PathBuf);
    impl Way for CommandLine {
        fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
            api::printed(&api::request(&self.0, method, path, body))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    drop(clientstore::ClientStore::open(&file).unwrap());
    run(&mut CommandLine(file));
}

#[cfg(feature = "cli")]
#[test]
fn the_pages_requests_over_a_socket() {
    struct Socket(served::Served);
    impl Way for Socket {
        fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
            let whole = self.0.exchange(method, path, "", body).unwrap();
            let (head, body) = whole.split_once("\r\n\r\n").unwrap();
            let (line, headers) = head.split_once("\r\n").unwrap();
            let headers = headers.split("\r\n").map(|line| line.split_once(": ").unwrap());
            Answer {
                status: line.split(' ').nth(1).unwrap().parse().unwrap(),
                headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
                body: body.to_owned(),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    run(&mut Socket(served::Served::start(&[file.to_str().unwrap()])));
}
