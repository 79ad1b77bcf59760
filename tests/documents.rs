//! Whole documents, compared to the byte: the page's four, and those of every record in both
//! dialects.

mod common;

use clientstore::{
    BillBy, BudgetBy, Client, ClientStore, Dialect, Invoice, NewClient, NewInvoice, NewProject, Project, Stored, xml,
};
use common::{builder, day, memory, plain, text};

const PAGE: &str = include_str!("fixtures/clients-page.txt");
const GET: &str = include_str!("fixtures/client-get.xml");
const LIST: &str = include_str!("fixtures/clients-list.xml");
const POST: &str = include_str!("fixtures/client-post.xml");
const PUT: &str = include_str!("fixtures/client-put.xml");
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn all<R: Stored>(store: &ClientStore) -> Vec<R> {
    store.records::<R>().list(&R::Filter::default()).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_fixtures_stand_on_the_page_word_for_word() {
    let second = LIST.split("</client>\n").nth(1).unwrap();
    let second = second.strip_prefix("  <client>\n").unwrap().strip_suffix("  ").unwrap();
    let list = LIST.replace(second, "   ...\n");
    for (name, document) in [("GET", GET), ("list", list.as_str()), ("POST", POST), ("PUT", PUT)] {
        assert!(PAGE.contains(document.trim_end()), "{name}");
    }
    assert_eq!(PAGE.matches(POST.trim_end()).count(), 2, "the POST's body and the PUT's are the same");
}

#[test]
fn a_client_made_from_the_pages_post_body_reads_back_as_the_pages_get_document() {
    let (store, _) = memory();
    let id = store.clients().create(&xml::read_new(POST.as_bytes()).unwrap()).unwrap();
    let written = xml::write(&store.clients().get(id).unwrap(), Dialect::Documented).unwrap();
    // The page posts "Company LLC" and shows "SuprCorp".
    assert_eq!(text(&written), GET.replace("11072", "1").replace("SuprCorp", "Company LLC"));
}

#[test]
fn the_pages_client_comes_out_equal_to_the_byte() {
    let (store, _) = memory();
    let new: NewClient = xml::read_new(GET.as_bytes()).unwrap();
    let id = store.clients().create(&new).unwrap();
    let written = xml::write(&store.clients().get(id).unwrap(), Dialect::Documented).unwrap();
    assert_eq!(text(&written), GET.replace("11072", "1"));
}

#[test]
fn the_pages_list_comes_out_equal_to_the_byte() {
    let (store, _) = memory();
    for fields in xml::read_list::<Client>(LIST.as_bytes()).unwrap() {
        store.clients().create(&fields.into()).unwrap();
    }
    let written = xml::write_list(&all::<Client>(&store), Dialect::Documented).unwrap();
    assert_eq!(text(&written), LIST.replace("11072", "1").replace("11073", "2"));
}

#[test]
fn the_list_is_read_even_as_the_page_prints_it_with_its_dots() {
    let start = PAGE.find("<clients>").unwrap();
    let end = PAGE.find("</clients>").unwrap() + "</clients>".len();
    let clients = xml::read_list::<Client>(&PAGE.as_bytes()[start..end]).unwrap();
    assert_eq!(clients.len(), 2);
    assert_eq!(text(&xml::write_fields(&clients[0], Dialect::Documented).unwrap()), GET);
    assert_eq!(&clients[1], NewClient::new().fields());
}

#[test]
fn the_pages_put_body_updates_a_client() {
    let (store, _) = memory();
    let id = store.clients().create(&NewClient::named("SuprCorp").active(false).highrise_id(9)).unwrap();
    store.clients().update(id, &xml::read_changes(PUT.as_bytes()).unwrap()).unwrap();
    let client = store.clients().get(id).unwrap();
    assert_eq!((client.name.as_str(), client.details.lines().count()), ("Company LLC", 7));
    assert_eq!((client.active, client.highrise_id), (false, Some(9)), "what the body leaves out stays");
}

#[test]
fn the_pages_documents_come_back_out_as_they_were_read() {
    for document in [GET, POST, PUT] {
        let fields = xml::read::<Client>(document.as_bytes()).unwrap();
        assert_eq!(text(&xml::write_fields(&fields, Dialect::Documented).unwrap()), document);
    }
    let list = xml::read_list::<Client>(LIST.as_bytes()).unwrap();
    assert_eq!(text(&xml::write_list(list, Dialect::Documented).unwrap()), LIST);
}

/// Two clients: one with every nil, one with none.
fn clients() -> Vec<Client> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let clock = common::Clock::default();
    let store = builder(&clock).open(file.path()).unwrap();
    store.clients().create(&NewClient::named("Fish & Chips <\"Ltd\">").currency("Euro - EUR")).unwrap();
    clock.forward(1);
    store.clients().toggle(1).unwrap();
    clock.forward(1);
    let new = NewClient::named("SuprCorp").details("123 Main St.\n  Third Floor").highrise_id(-7);
    store.clients().create(&new).unwrap();
    plain(file.path())
        .execute_batch(
            "UPDATE clients SET default_invoice_timeframe = '20110301,20110331', last_invoice_kind = 'task' WHERE id = 2",
        )
        .unwrap();
    all(&store)
}

#[test]
fn clients_in_the_live_dialect_have_every_element() {
    let clients = clients();
    let list = include_str!("fixtures/clients-live.xml");
    assert_eq!(text(&xml::write_list(&clients, Dialect::Live).unwrap()), list);
    let single = include_str!("fixtures/client-live.xml");
    assert_eq!(text(&xml::write(&clients[0], Dialect::Live).unwrap()), single);
    let read: Vec<Client> =
        xml::read_list(list.as_bytes()).unwrap().iter().map(|fields| fields.complete().unwrap()).collect();
    assert_eq!(read, clients);
    assert_eq!(xml::read::<Client>(single.as_bytes()).unwrap().complete().unwrap(), clients[0]);
}

#[test]
fn clients_in_the_documented_dialect_have_the_pages_four_elements() {
    let written = xml::write_list(&clients(), Dialect::Documented).unwrap();
    assert_eq!(
        text(&written),
        "<clients>\n  <client>\n    <id type=\"integer\">1</id>\n    \
         <name>Fish &amp; Chips &lt;\"Ltd\"&gt;</name>\n    <active type=\"boolean\">false</active>\n    \
         <details></details>\n  </client>\n  <client>\n    <id type=\"integer\">2</id>\n    <name>SuprCorp</name>\n    \
         <active type=\"boolean\">true</active>\n    <details>123 Main St.\n  Third Floor</details>\n  \
         </client>\n</clients>\n"
    );
}

/// Two projects: one as the defaults make it, one with every field set.
fn projects() -> Vec<Project> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let clock = common::Clock::default();
    let store = builder(&clock).open(file.path()).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    clock.forward(1);
    store.projects().create(&NewProject::of(1, "Website")).unwrap();
    clock.forward(1);
    let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap();
    let full = NewProject::of(1, "Intranet")
        .code("IN-1")
        .active(false)
        .billable(false)
        .bill_by(BillBy::People)
        .hourly_rate(decimal("120.50"))
        .budget_by(BudgetBy::ProjectCost)
        .budget(decimal("2400"))
        .notify_when_over_budget(true)
        .over_budget_notification_percentage(None)
        .show_budget_to_all(true)
        .starts_on(day("2011-03-01"))
        .ends_on(day("2011-12-31"))
        .notes("first\nsecond")
        .cost_budget(decimal("253.440"))
        .cost_budget_include_expenses(true);
    store.projects().create(&full).unwrap();
    plain(file.path())
        .execute_batch(
            "UPDATE projects SET over_budget_notified_at = '2011-04-02T08:30:00Z',
             hint_earliest_record_at = '2011-03-02', hint_latest_record_at = '2011-03-30' WHERE id = 2",
        )
        .unwrap();
    all(&store)
}

#[test]
fn projects_come_out_and_go_in_in_both_dialects() {
    check(&projects(), include_str!("fixtures/projects-live.xml"), "projects", "<projects>");
}

/// Two invoices: one as the defaults make it, one with every field set.
fn invoices() -> Vec<Invoice> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let clock = common::Clock::default();
    let store = builder(&clock).open(file.path()).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    clock.forward(1);
    store.invoices().create(&NewInvoice::of(1)).unwrap();
    clock.forward(1);
    let percent = |number: i64| rust_decimal::Decimal::from(number);
    let full = NewInvoice::of(1)
        .due_at_human_format("NET 15")
        .period_end(day("2011-03-31"))
        .period_start(day("2011-03-01"))
        .subject("March & more")
        .currency("Euro - EUR")
        .notes("Thank you.")
        .number("2011-007")
        .purchase_order("PO 7")
        .tax(percent(5))
        .tax2(percent(2))
        .discount(percent(10));
    store.invoices().create(&full).unwrap();
    plain(file.path())
        .execute_batch(
            "UPDATE invoices SET amount = '288.9', due_amount = '-11.1', state = 'partial', tax_amount = '13.5',
             tax2_amount = '5.4', discount_amount = '30.0', recurring_invoice_id = 3, estimate_id = 4,
             retainer_id = 5 WHERE id = 2",
        )
        .unwrap();
    all(&store)
}

#[test]
fn invoices_come_out_and_go_in_in_both_dialects() {
    let documented = "<invoices type=\"array\">";
    check(&invoices(), include_str!("fixtures/invoices-live.xml"), "invoices", documented);
}

/// Holds records against their live list; the other documents follow from it.
fn check<R: Stored>(records: &[R], live: &str, root: &str, documented_root: &str) {
    let lists = [
        (Dialect::Live, live.to_owned()),
        (
            Dialect::Documented,
            live.strip_prefix(DECLARATION).unwrap().replacen(&format!("<{root} type=\"array\">"), documented_root, 1),
        ),
    ];
    for (dialect, list) in lists {
        let written = xml::write_list(records.iter().map(R::fields), dialect).unwrap();
        assert_eq!(text(&written), list, "{dialect:?}");
        let read = xml::read_list::<R>(list.as_bytes()).unwrap();
        assert!(read.iter().map(|fields| fields.complete().unwrap()).eq(records.iter().cloned()), "{dialect:?}");
        assert_eq!(text(&xml::write_list(read, dialect).unwrap()), list, "{dialect:?}");
    }
    let body = live.strip_prefix(DECLARATION).unwrap();
    let singles: Vec<String> = body
        .lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .filter(|line| !line.contains(root))
        .fold(vec![String::new()], |mut singles, line| {
            singles.last_mut().unwrap().push_str(&format!("{line}\n"));
            if line.starts_with("</") {
                singles.push(String::new());
            }
            singles
        });
    for (record, single) in records.iter().zip(&singles) {
        let live = format!("{DECLARATION}{single}");
        assert_eq!(text(&xml::write(record, Dialect::Documented).unwrap()), single);
        assert_eq!(text(&xml::write(record, Dialect::Live).unwrap()), live);
        assert_eq!(xml::read::<R>(single.as_bytes()).unwrap().complete().unwrap(), *record);
        assert_eq!(xml::read::<R>(live.as_bytes()).unwrap().complete().unwrap(), *record);
    }
    assert_eq!(singles.len(), records.len() + 1, "every record was compared");
}

#[test]
fn an_empty_list_is_the_empty_named_root() {
    fn empty<R: Stored>(dialect: Dialect) -> String {
        let document = xml::write_list(Vec::<R>::new().iter().map(R::fields), dialect).unwrap();
        assert!(xml::read_list::<R>(&document).unwrap().is_empty());
        String::from_utf8(document).unwrap()
    }
    assert_eq!(empty::<Client>(Dialect::Documented), "<clients></clients>\n");
    assert_eq!(empty::<Project>(Dialect::Documented), "<projects></projects>\n");
    assert_eq!(empty::<Invoice>(Dialect::Documented), "<invoices type=\"array\"></invoices>\n");
    assert_eq!(empty::<Client>(Dialect::Live), format!("{DECLARATION}<clients type=\"array\"></clients>\n"));
    assert_eq!(empty::<Project>(Dialect::Live), format!("{DECLARATION}<projects type=\"array\"></projects>\n"));
    assert_eq!(empty::<Invoice>(Dialect::Live), format!("{DECLARATION}<invoices type=\"array\"></invoices>\n"));
}

#[test]
fn an_error_document_comes_out_and_goes_in() {
    let document = "<hash>\n  <message>Client has active projects.</message>\n</hash>\n";
    let message = "Client has active projects.";
    assert_eq!(text(&xml::write_error(message, Dialect::Documented)), document);
    assert_eq!(text(&xml::write_error(message, Dialect::Live)), format!("{DECLARATION}{document}"));
    assert_eq!(xml::read_error(document.as_bytes()).unwrap(), message);
    let odd = "a < b && c > d\r\n\t\"quoted\" ]]> 🦀 ";
    for dialect in [Dialect::Documented, Dialect::Live] {
        assert_eq!(xml::read_error(&xml::write_error(odd, dialect)).unwrap(), odd);
    }
    let written = xml::write_error("a\u{0}b\u{FFFF}c", Dialect::Documented);
    assert_eq!(text(&written), "<hash>\n  <message>a\u{FFFD}b\u{FFFD}c</message>\n</hash>\n");
}

#[test]
fn an_error_document_that_is_none_is_refused() {
    for (document, line) in [
        ("<client></client>", 1),
        ("<hash>\n</hash>", 2),
        ("<hash>\n<message>x</hash>", 2),
        ("", 1),
        ("<hash><message>x</message></hash>\n<hash></hash>", 2),
    ] {
        assert_eq!(common::malformed(xml::read_error(document.as_bytes())).0, line, "{document}");
    }
}

#[test]
fn text_is_escaped_where_xml_needs_it_and_stands_verbatim_elsewhere() {
    let new = NewClient::named("<&>]]>\"'").details(" \r\n\ttail\r \u{2028}é🦀\n");
    let document = "<client>\n  <name>&lt;&amp;&gt;]]&gt;\"'</name>\n  \
                    <details> &#13;\n\ttail&#13; \u{2028}é🦀\n</details>\n</client>\n";
    assert_eq!(text(&xml::write_fields(&new, Dialect::Documented).unwrap()), document);
    assert_eq!(xml::read_new::<Client>(document.as_bytes()).unwrap(), new);
}
