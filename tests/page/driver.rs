//! Chromium by WebDriver: JSON over one HTTP request a call.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What an element is called in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const ESCAPE: char = '\u{e00c}';
const DELETE: char = '\u{e017}';

/// A browser with a profile of its own; closed when dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// None where there is no browser to drive, and then it is said; with `CLIENTSTORE_SKIPS_NOTHING` that is a failure.
    pub fn start() -> Option<Self> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                assert!(
                    std::env::var_os("CLIENTSTORE_SKIPS_NOTHING").is_none(),
                    "chromedriver does not start: {error}"
                );
                eprintln!("\n*** NOT TESTED: the page, for want of chromedriver ({error}).");
                eprintln!("*** Install Debian's chromium and chromium-driver, or what your system has for them.\n");
                return None;
            }
        };
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Browser { driver, port: 0, session: String::new(), _profile: profile };
        let mut said = BufReader::new(browser.driver.stdout.take().unwrap()).lines();
        browser.port = said
            .find_map(|line| line.unwrap().split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .expect("chromedriver says its port");
        // It goes on talking, and is to be heard.
        std::thread::spawn(move || said.for_each(drop));
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        browser.session = browser.ask("POST", "/session", &wanted)["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.answer(method, path, body);
        assert!(value["error"].is_null(), "{method} {path} {body}: {value:#}");
        value
    }

    fn answer(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.port
        )
        .unwrap();
        let mut answer = Vec::new();
        let mut reader = BufReader::new(stream);
        let mut length = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
        }
        reader.take(length.expect("chromedriver says a length")).read_to_end(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["value"].take()
    }

    fn call(&self, method: &str, name: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}/{name}", self.session), body)
    }

    pub fn open(&self, address: &str) {
        self.call("POST", "url", &json!({"url": address}));
    }

    /// What a script gives; the page's own policy does not hold for it.
    pub fn script(&self, script: &str) -> Value {
        self.call("POST", "execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression of JavaScript is true.
    pub fn wait(&self, expression: &str) {
        let begun = Instant::now();
        while self.script(&format!("return Boolean({expression})")) != Value::Bool(true) {
            let late = begun.elapsed() > Duration::from_secs(120);
            assert!(!late, "not true: {expression}\n{}", self.text("body"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The text that is seen of an element.
    pub fn text(&self, selector: &str) -> String {
        let text = self.script(&format!("return document.querySelector({selector:?}).innerText"));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows a text.
    pub fn wait_for(&self, selector: &str, text: &str) {
        let element = format!("document.querySelector({selector:?})");
        self.wait(&format!("{element}?.checkVisibility() && {element}.innerText.includes({text:?})"));
    }

    fn element(&self, selector: &str) -> String {
        let found = self.call("POST", "element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks an element; the page may show a new one in its place while that happens.
    pub fn click(&self, selector: &str) {
        loop {
            let path = format!("/session/{}/element/{}/click", self.session, self.element(selector));
            let answer = self.answer("POST", &path, &json!({}));
            if answer["error"] != "stale element reference" {
                assert!(answer["error"].is_null(), "click {selector}: {answer:#}");
                return;
            }
        }
    }

    /// Replaces what a field holds, as a person does: the focus is in it all the time, so that the page leaves it alone.
    pub fn fill(&self, selector: &str, text: &str) {
        self.script(&format!("let field = document.querySelector({selector:?}); field.focus(); field.select()"));
        let element = self.element(selector);
        let text = if text.is_empty() { DELETE.to_string() } else { text.to_owned() };
        self.call("POST", &format!("element/{element}/value"), &json!({"text": text}));
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let key = |kind: &str, key: char| json!({"type": kind, "value": key.to_string()});
        let keys: Vec<Value> = keys.chars().flat_map(|name| [key("keyDown", name), key("keyUp", name)]).collect();
        self.call("POST", "actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]}));
    }

    /// Goes on with Tab until the focus is on what is sought.
    pub fn tab_to(&self, selector: &str) {
        for _ in 0..80 {
            self.press(&TAB.to_string());
            if self.script(&format!("return document.activeElement.matches({selector:?})")) == Value::Bool(true) {
                let outline = self.script("return getComputedStyle(document.activeElement).outlineStyle");
                assert_eq!(outline, "solid", "where the focus is must be seen: {selector}");
                return;
            }
        }
        panic!("Tab does not reach {selector}");
    }

    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.call("POST", "goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// The messages of one of the browser's logs since the last time.
    pub fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.call("POST", "se/log", &json!({"type": kind}));
        let message = |entry: &Value| entry["message"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(message).collect()
    }

    /// The addresses of all that the page asked for, and of the page.
    pub fn requested(&self) -> Vec<String> {
        let events = self.log("performance").into_iter();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).unwrap()["message"].take());
        // The empty tab of the start loads pages of the browser's own.
        let is_its_own = |event: &Value| event["params"]["documentURL"].as_str().unwrap().starts_with("chrome://");
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent" && !is_its_own(event));
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// Keeps a picture, where `PAGE_PICTURES` names a folder for them.
    pub fn picture(&self, name: &str) {
        use base64::Engine;
        if let Ok(folder) = std::env::var("PAGE_PICTURES") {
            let picture = self.devtools("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
            let picture = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            std::fs::write(format!("{folder}/{name}.png"), picture).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask("DELETE", &format!("/session/{}", self.session), &Value::Null);
        } else if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            // The browser ends with its driver when that is told, not when it is killed.
            let _ = write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
