//! Invoices over the API, for the tests of their lines, money, states and parts.
#![allow(dead_code, reason = "each test binary uses its own part")]

use crate::api::{Answer, Service};

/// The header of the lines, with its line feed.
pub const HEAD: &str = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n";

/// A service with client 1.
pub fn service() -> Service {
    let service = Service::new();
    service.client("one");
    service
}

/// Text as it stands in a document.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

/// The element of the lines under the good header.
pub fn lines(rows: &str) -> String {
    format!("<csv-line-items>{HEAD}{}</csv-line-items>", escaped(rows))
}

/// The body of a new invoice of client 1, or of an update.
pub fn body(fields: &str) -> String {
    format!("<invoice><client-id>1</client-id>{fields}</invoice>")
}

/// The body of an invoice of a kind that is made from projects.
pub fn asked(kind: &str, projects: &str, more: &str) -> String {
    body(&format!("<kind>{kind}</kind><projects-to-invoice>{projects}</projects-to-invoice>{more}"))
}

/// An invoice of one line of so much, sent; gives its path.
pub fn sent(service: &Service, amount: &str) -> String {
    let path = service.invoice(1, &lines(&format!("Service,Work,1,{amount},,,\n")));
    assert_eq!(service.post(&format!("{path}/messages/mark_as_sent"), "").status, 200);
    path
}

/// Pays an invoice; gives the payment's path.
pub fn pay(service: &Service, invoice: &str, amount: &str) -> String {
    service.create(&format!("{invoice}/payments"), &payment(amount))
}

pub fn payment(amount: &str) -> String {
    format!("<payment><amount>{amount}</amount><paid-at>2011-03-31T09:00:00Z</paid-at></payment>")
}

/// The text of the first element of the name, entities and all; none where there is no such element.
pub fn element(document: &str, name: &str) -> Option<String> {
    let start = document.find(&format!("<{name}>")).or_else(|| document.find(&format!("<{name} ")))?;
    let rest = &document[start..];
    let text = &rest[rest.find('>')? + 1..];
    Some(text[..text.find(&format!("</{name}>"))?].to_owned())
}

/// The elements of a record at a path, an empty text for one that is not there.
#[track_caller]
pub fn elements<const N: usize>(service: &Service, path: &str, names: [&str; N]) -> [String; N] {
    let answer = service.get(path);
    assert_eq!(answer.status, 200, "{answer:?}");
    names.map(|name| element(&answer.body, name).unwrap_or_default())
}

/// The state of an invoice and what is due.
#[track_caller]
pub fn state(service: &Service, path: &str) -> (String, String) {
    let [state, due] = elements(service, path, ["state", "due-amount"]);
    (state, due)
}

/// A refusal with 400 whose Hint says each of the words.
#[track_caller]
pub fn refused(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.status, 400, "{answer:?}");
    let hint = answer.hint().unwrap();
    assert!(words.iter().all(|word| hint.contains(word)), "{hint} does not say {words:?}");
}
