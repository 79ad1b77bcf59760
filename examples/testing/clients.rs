//! Tests of a program that speaks the classic Harvest API, against a fake of it.

use std::thread::sleep;
use std::time::Duration;

use clientstore::NewClient;
use clientstore::testing::{AsyncServer, Server};

/// The program under test; yours stands elsewhere, and has the address of the API in its settings.
/// It adds a client and returns where that is, and waits where the service is busy.
fn add_client(base: &str, document: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().new_agent();
    loop {
        let answer = agent.post(format!("{base}/clients")).content_type("application/xml").send(document)?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match answer.status().as_u16() {
            201 => return Ok(header("location").to_owned()),
            503 => sleep(Duration::from_secs(header("retry-after").parse()?)),
            status => return Err(format!("adding a client: status {status}").into()),
        }
    }
}

#[test]
fn a_client_is_added_beside_those_there_are() {
    let server = Server::start();
    server.store().clients().create(&NewClient::named("SuprCorp")).unwrap();

    assert_eq!(add_client(server.url(), "<client><name>Company LLC</name></client>").unwrap(), "/clients/2");

    assert_eq!(server.store().clients().get(2).unwrap().name, "Company LLC");
    server.control("POST", "journal/verify", r#"{"method": "POST", "path": "/clients", "count": 1}"#);
}

#[test]
fn a_busy_service_is_asked_again() {
    let server = Server::start();
    let busy =
        r#"{"rules": [{"method": "POST", "times": 2, "answer": {"status": 503, "headers": {"Retry-After": "0"}}}]}"#;
    server.control("PUT", "faults", busy);

    assert_eq!(add_client(server.url(), "<client><name>SuprCorp</name></client>").unwrap(), "/clients/1");

    server.control("POST", "journal/verify", r#"{"method": "POST", "body": {"name": "SuprCorp"}, "count": 3}"#);
}

#[test]
fn a_client_without_a_name_is_an_error() {
    // One server for several cases, each of which begins with the same records.
    let server = Server::start();
    server.store().clients().create(&NewClient::named("SuprCorp")).unwrap();
    server.control("POST", "snapshots/one-client", "");
    for document in ["<client></client>", "<client><name> </name></client>"] {
        server.control("POST", "reset", r#"{"snapshot": "one-client"}"#);
        let added = add_client(server.url(), document);
        assert_eq!(added.unwrap_err().to_string(), "adding a client: status 400");
        server.control("POST", "journal/verify", r#"{"count": 1}"#);
    }
}

#[tokio::test]
async fn a_client_is_created_now() {
    // In a tokio test: neither its start nor its end blocks the runtime.
    let server = AsyncServer::start().await;
    server.control("PUT", "clock", r#"{"now": "2012-03-01T00:00:00Z", "frozen": true}"#);
    let url = server.url().to_owned();
    let adding = tokio::task::spawn_blocking(move || add_client(&url, "<client><name>SuprCorp</name></client>"));
    assert_eq!(adding.await.unwrap().unwrap(), "/clients/1");

    let added = server.store().clients().get(1).unwrap();
    assert_eq!(added.created_at.to_string(), "2012-03-01 00:00:00 UTC");
}
