//! A server with control paths, and calls of them.

use clientstore::control::Control;
use clientstore::server::Server;
use clientstore::{Api, ClientStore};
use serde_json::Value;

use crate::support::{Answer, Connection, Running};

pub struct Fake {
    pub running: Running,
    pub store: ClientStore,
}

impl Fake {
    /// A new store in memory.
    pub fn start() -> Self {
        Self::over(ClientStore::open_in_memory().unwrap())
    }

    pub fn deterministic() -> Self {
        Self::over(ClientStore::builder().deterministic(7).open_in_memory().unwrap())
    }

    pub fn over(store: ClientStore) -> Self {
        Self::with(store, Control::new())
    }

    pub fn with(store: ClientStore, control: Control) -> Self {
        let running = Running::of(Server::new(Api::new(store.clone())).control(control));
        Fake { running, store }
    }

    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.running.ask(&request(method, path, body))
    }

    pub fn connect(&self) -> Connection {
        self.running.connect()
    }

    /// A control call, and its status and JSON.
    pub fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.ask(method, &format!("/_clientstore/{path}"), body);
        assert_eq!(answer.header("Content-Type"), Some("application/json"), "{answer:?}");
        (answer.status(), serde_json::from_slice(&answer.body).unwrap())
    }

    /// A control call that succeeds.
    pub fn done(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, value) = self.control(method, path, body);
        assert!(matches!(status, 200 | 201), "{method} {path}: {status} {value}");
        value
    }

    /// A control call that is refused as malformed: the message, and where the fault is.
    pub fn refused(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let (status, value) = self.control(method, path, body);
        assert_eq!(status, 400, "{method} {path} {body}: {value}");
        assert!(!value["hint"].as_str().unwrap().is_empty());
        (value["message"].as_str().unwrap().to_owned(), value["at"].as_str().unwrap_or_default().to_owned())
    }

    /// Creates a client by the API, and gives the answer's status.
    pub fn create(&self, name: &str) -> u16 {
        self.ask("POST", "/clients", &format!("<client><name>{name}</name></client>")).status()
    }

    pub fn dump(&self) -> String {
        let mut document = Vec::new();
        self.store.dump(&mut document, |_| {}).unwrap();
        String::from_utf8(document).unwrap()
    }
}

pub fn request(method: &str, path: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:7557\r\n{length}\r\n{body}")
}
