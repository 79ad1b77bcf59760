//! The page at `/_clientstore/`, in headless Chromium.
//!
//! Where `PAGE_PICTURES` names a folder, pictures of it are put there, to be looked at.

#![cfg(feature = "cli")]

mod driver;
#[path = "../served/mod.rs"]
mod served;

use std::sync::{Mutex, MutexGuard, PoisonError};

use driver::{Browser, ENTER, ESCAPE};
use serde_json::{Value, json};
use served::Served;

/// A browser is heavy: one at a time.
static TURN: Mutex<()> = Mutex::new(());

struct Page {
    browser: Browser,
    served: Served,
    _turn: MutexGuard<'static, ()>,
}

impl Page {
    /// A server in memory with the page open; none where there is no browser.
    fn open() -> Option<Self> {
        Self::of(&["--memory", "--control", "--deterministic", "7"], "")
    }

    fn of(arguments: &[&str], user: &str) -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (browser, served) = (Browser::start()?, Served::start(arguments));
        let page = Page { browser, served, _turn: turn };
        page.browser.open(&page.address().replace("http://", &format!("http://{user}")));
        page.browser.wait_for("#connection", "live");
        Some(page)
    }

    fn address(&self) -> String {
        format!("http://{}/_clientstore/", self.served.address())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> u16 {
        self.served.send(method, path, body).unwrap().0
    }

    fn control(&self, path: &str) -> Value {
        let (status, _, body) = self.served.send("GET", &format!("/_clientstore/{path}"), "").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// That nothing went wrong unseen, and nobody else was asked.
    fn ends_well(self) {
        self.ends_with_refusals(0);
    }

    /// As [`ends_well`](Self::ends_well), after `refused` calls that the server refused, which Chromium
    /// logs.
    fn ends_with_refusals(self, refused: usize) {
        let log = self.browser.log("browser");
        assert!(log.iter().all(|line| line.contains("Failed to load resource")), "{log:#?}");
        assert_eq!(log.len(), refused, "{log:#?}");
        let requested = self.browser.requested();
        assert!(requested.len() > 10);
        for address in requested {
            assert!(address.starts_with(&self.address()), "{address}");
        }
    }
}

fn client(name: &str) -> String {
    format!("<client><name>{name}</name><details>123 Main St.\nAnytown</details></client>")
}

#[test]
fn what_is_written_appears_as_record_and_in_the_journal_without_a_reload() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    browser.script("window.isTheSame = true");
    browser.wait_for("#records-empty", "No clients yet");
    browser.wait_for("#journal-empty", "No requests yet");
    assert_eq!(page.send("POST", "/clients", &client("SuprCorp")), 201);
    browser.wait_for("#records-body", "SuprCorp");
    browser.wait_for("#journal-list", "/clients");
    assert_eq!(page.send("POST", "/projects", "<project><client-id>1</client-id><name>Shop</name></project>"), 201);
    assert_eq!(page.send("GET", "/nothing?x=1", ""), 404);
    browser.wait_for("#journal-list", "/nothing?x=1");
    assert_eq!(browser.script("return document.querySelectorAll('#journal-list > li').length"), 3);
    browser.wait_for("#journal-count", "3 requests");
    browser.click("#records-kinds button:nth-child(2)");
    browser.wait_for("#records-body", "Shop");
    // The page leaves no trace: what it reads is neither in the journal nor counted.
    let state = page.control("state");
    assert_eq!((&state["journal"]["last"], &state["throttle"]["calls"]), (&json!(3), &json!(3)));
    assert_eq!(browser.script("return window.isTheSame"), true);
    page.ends_well();
}

#[test]
fn a_request_is_shown_whole_on_demand_and_the_journal_is_narrowed_and_cleared() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    page.send("POST", "/clients", &client("SuprCorp"));
    page.send("GET", "/invoices", "");
    browser.wait_for("#journal-count", "2 requests");
    browser.click("#journal-list li:nth-child(2) summary");
    browser.wait_for("#journal-list .opened", "<name>SuprCorp</name>");
    assert!(browser.text("#journal-list .opened").contains("content-length"));
    // An entry that is open stays so when others come.
    page.send("GET", "/projects", "");
    browser.wait_for("#journal-count", "3 requests");
    assert_eq!(browser.script("return document.querySelectorAll('#journal-list details[open]').length"), 1);
    browser.fill("#journal-path", "invoi");
    browser.wait_for("#journal-count", "1 of 3 requests");
    browser.fill("#journal-path", "nowhere");
    browser.wait_for("#journal-empty", "No request fits");
    browser.fill("#journal-path", "");
    browser.click("#journal-clear");
    browser.click("#confirm button[value=cancel]");
    assert_eq!(page.control("state")["journal"]["entries"], 3);
    browser.click("#journal-clear");
    browser.click("#confirm-yes");
    browser.wait_for("#journal-empty", "No requests yet");
    page.send("GET", "/clients", "");
    browser.wait_for("#journal-count", "1 request");
    page.ends_well();
}

#[test]
fn what_records_and_requests_hold_is_text_and_never_part_of_the_page() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    let name = "<img src=x onerror=alert(1)>";
    page.send("POST", "/clients", &client("&lt;img src=x onerror=alert(1)&gt;"));
    page.send("POST", "/%3Cimg%20src=x%3E?&lt;b&gt;", "<b>bold</b>");
    browser.wait_for("#records-body", name);
    browser.wait_for("#journal-count", "2 requests");
    browser.click("#records-body button");
    browser.wait_for("#detail-body", name);
    browser.press(&ESCAPE.to_string());
    browser.click("#journal-list li:nth-child(1) summary");
    browser.wait_for("#journal-list .opened", "<b>bold</b>");
    assert_eq!(browser.script("return document.querySelectorAll('main img, dialog img, main b').length"), 0);
    page.ends_well();
}

#[test]
fn a_snapshot_is_taken_and_restored_and_the_start_too_by_keyboard_alone() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    page.send("POST", "/clients", &client("Kept"));
    browser.wait_for("#records-body", "Kept");
    browser.tab_to("#journal-list summary");
    browser.press(&ENTER.to_string());
    browser.wait_for("#journal-list .opened", "Kept");
    browser.tab_to("#records-body button");
    browser.press(&ENTER.to_string());
    browser.wait_for("#detail-title", "/clients/1");
    browser.press(&ESCAPE.to_string());
    browser.wait("!document.getElementById('detail').open");
    browser.tab_to("#snapshot-name");
    browser.press(&format!("one{ENTER}"));
    browser.wait_for("#snapshots-list", "one");
    page.send("POST", "/clients", &client("Later"));
    browser.wait_for("#records-body", "Later");
    browser.tab_to("#snapshots-list button");
    browser.press(&ENTER.to_string());
    browser.wait("document.activeElement.value === 'cancel'");
    browser.tab_to("#confirm-yes");
    browser.press(&ENTER.to_string());
    browser.wait("!document.getElementById('records-body').innerText.includes('Later')");
    assert!(browser.text("#records-body").contains("Kept"));
    browser.wait_for("#journal-empty", "No requests yet");
    browser.tab_to("#reset");
    browser.press(&ENTER.to_string());
    browser.tab_to("#confirm-yes");
    browser.press(&ENTER.to_string());
    browser.wait_for("#records-empty", "No clients yet");
    assert_eq!(page.control("state")["next_ids"]["clients"], 1);
    page.ends_well();
}

#[test]
fn clock_throttle_and_faults_are_shown_and_set() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    browser.wait_for("#clock-now", "2010-01-01 00:00:00 UTC");
    browser.click("[data-advance='86400']");
    browser.wait_for("#clock-now", "2010-01-02 00:00:00 UTC");
    browser.click("#clock-freeze");
    browser.wait_for("#clock-frozen", "runs");
    assert_eq!(page.control("clock")["frozen"], false);
    browser.fill("#clock-input", "2012-02-30T00:00:00Z");
    browser.click("#clock-form button");
    browser.wait_for("#alert", "is no time");
    assert!(browser.text("#alert").contains("2010-01-31T12:00:00Z"), "the hint is there: {}", browser.text("#alert"));
    browser.click("#throttle-switch");
    browser.wait_for("#throttle-state", "on");
    assert_eq!(page.control("throttle")["on"], true);
    assert_eq!(browser.script("return document.getElementById('alert').hidden"), true, "what was told is over");
    browser.click("#faults-form [data-example]");
    browser.click("#faults-form [data-example]:nth-child(2)");
    browser.click("#faults-form button[type=submit]");
    browser.wait_for("#faults-list", "503");
    assert_eq!(page.control("faults")["rules"].as_array().unwrap().len(), 2);
    assert_eq!(page.send("GET", "/clients", ""), 503);
    browser.wait_for("#faults-list", "1 request matched, 1 fired");
    browser.wait_for("#journal-list", "fault: answer");
    browser.fill("#faults-rules", r#"[{"path": "/clients", "answer": {"status": 99}}]"#);
    browser.click("#faults-form button[type=submit]");
    browser.wait_for("#alert", "rules[0].answer.status");
    browser.click("#faults-clear");
    browser.wait_for("#faults-empty", "No faults");
    page.ends_with_refusals(2);
}

#[test]
fn an_invoice_is_shown_with_its_messages_and_payments() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    page.send("POST", "/clients", &client("SuprCorp"));
    let lines = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,Design,2,100.00,200,false,false,\n";
    let invoice = format!("<invoice><client-id>1</client-id><csv-line-items>{lines}</csv-line-items></invoice>");
    assert_eq!(page.send("POST", "/invoices", &invoice), 201);
    assert_eq!(
        page.send(
            "POST",
            "/invoices/1/payments",
            "<payment><amount>50.5</amount><paid-at>2010-01-01</paid-at></payment>"
        ),
        201
    );
    browser.click("#records-kinds button:nth-child(3)");
    browser.wait_for("#records-body", "149.5");
    browser.click("#records-body button");
    browser.wait_for("#detail-body", "1 payment");
    browser.wait_for("#detail-body", "50.5");
    browser.wait_for("#detail-body", "Service,Design,2");
    browser.wait_for("#detail-body", "0 messages");
    browser.picture("invoice");
    page.ends_well();
}

#[test]
fn long_lists_are_paged() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    let clients: String = (1..=120).map(|number| client(&format!("Client {number:03}"))).collect();
    let (status, ..) = page
        .served
        .send("POST", "/_clientstore/seed", &format!("<clients type=\"array\">{clients}</clients>"))
        .unwrap();
    assert_eq!(status, 200);
    browser.wait_for("#records-range", "1–50 of 120");
    browser.click("#records-next");
    browser.wait_for("#records-range", "51–100 of 120");
    browser.click("#records-next");
    browser.wait_for("#records-range", "101–120 of 120");
    browser.wait_for("#records-body", "Client 120");
    assert_eq!(browser.script("return document.getElementById('records-next').disabled"), true);
    // Where the page that is shown is gone, the last one that there is comes.
    page.served.send("POST", "/_clientstore/reset", "").unwrap();
    browser.wait_for("#records-empty", "No clients yet");
    page.ends_well();
}

#[test]
fn with_a_token_and_with_credentials_of_the_api_the_page_is_whole() {
    let arguments = ["--memory", "--control", "--control-token", "sesame", "--auth", "me:secret"];
    let Some(page) = Page::of(&arguments, "anybody:sesame@") else { return };
    let browser = &page.browser;
    let headers = "Authorization: Basic bWU6c2VjcmV0\r\n";
    assert_eq!(page.served.send_with("POST", "/clients", headers, &client("SuprCorp")).unwrap().0, 201);
    browser.wait_for("#records-body", "SuprCorp");
    browser.click("#records-body button");
    browser.wait_for("#detail-body", "Anytown");
    browser.press(&ESCAPE.to_string());
    browser.click("#throttle-switch");
    browser.wait_for("#throttle-state", "on");
    let log = browser.log("browser");
    assert!(log.iter().all(|line| line.contains("401")), "{log:#?}");
}

#[test]
fn a_server_that_is_gone_is_told_and_one_that_cannot_be_reset_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let Some(page) = Page::of(&[file.to_str().unwrap(), "--control"], "") else { return };
    let browser = &page.browser;
    browser.wait_for("#snapshots-file", "This store is a file");
    assert_eq!(browser.script("return document.getElementById('reset').checkVisibility()"), false);
    page.served.kill();
    browser.wait_for("#connection", "lost");
    browser.wait_for("#alert", "The server does not answer");
}

#[test]
fn the_page_fits_a_phone_and_is_readable_in_light_and_dark() {
    let Some(page) = Page::open() else { return };
    let browser = &page.browser;
    let long = "A-name-that-is-very-long-without-a-place-to-break-it-and-goes-on-and-on-and-on";
    for name in ["SuprCorp", "Company, Inc.", long] {
        page.send("POST", "/clients", &client(name));
    }
    page.send("GET", &format!("/clients?{long}={long}"), "");
    page.send("DELETE", "/clients/99", "");
    page.served.send("POST", "/_clientstore/snapshots/three-clients", "").unwrap();
    let rules = r#"{"rules": [{"path": "/invoices**", "answer": {"status": 503, "headers": {"Retry-After": "5"}}}]}"#;
    page.served.send("PUT", "/_clientstore/faults", rules).unwrap();
    page.send("GET", "/invoices", "");
    browser.wait_for("#journal-count", "6 requests");
    browser.wait_for("#faults-list", "1 fired");
    browser.wait_for("#records-body", long);
    let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    for (scheme, width, height) in [("light", 1280, 900), ("dark", 1280, 900), ("light", 360, 740), ("dark", 360, 740)]
    {
        let phone = width < 500;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.devtools("Emulation.setEmulatedMedia", &media);
        browser.wait(&format!("innerWidth === {width}"));
        assert_eq!(browser.script(&format!("return {fits}")), true, "{scheme} {width}");
        let contrasts = browser.script(include_str!("contrast.js"));
        assert_eq!(contrasts, json!([]), "{scheme} {width}: text of too little contrast");
        browser.picture(&format!("{scheme}-{width}"));
        browser.click("#journal-list li:nth-child(4) summary");
        browser.wait("document.querySelector('#journal-list .opened')");
        assert_eq!(browser.script(&format!("return {fits}")), true, "{scheme} {width}, a request open");
        browser.picture(&format!("{scheme}-{width}-open"));
        browser.click("#journal-list li:nth-child(4) summary");
        browser.click("#records-body button");
        browser.wait("document.getElementById('detail').open");
        browser.wait_for("#detail-body", "highrise");
        assert_eq!(browser.script(&format!("return {fits}")), true, "{scheme} {width}, a record open");
        browser.picture(&format!("{scheme}-{width}-record"));
        browser.click("#detail-close");
    }
    page.ends_well();
}
