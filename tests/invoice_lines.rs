//! `csv-line-items` in both directions (`invoices.md`).

mod api;
mod billing;
mod common;

use api::Service;
use billing::{HEAD, body, element, elements, escaped, lines, refused, service};
use clientstore::{ClientStore, Dialect, Error, InvoiceChanges, LineItem, NewClient, NewInvoice, NewLineItem};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// The lines of an invoice, without their header and as they were before XML escaped them.
#[track_caller]
fn rows(service: &Service, path: &str) -> String {
    let [csv] = elements(service, path, ["csv-line-items"]);
    let csv = csv.replace("&#13;", "\r").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    csv.strip_prefix(HEAD).unwrap_or_else(|| panic!("another header: {csv}")).to_owned()
}

/// What comes out of a new invoice for the rows that go in.
#[track_caller]
fn through(given: &str) -> String {
    let service = service();
    let path = service.invoice(1, &lines(given));
    rows(&service, &path)
}

#[test]
fn an_invoice_comes_out_to_the_byte_in_both_dialects() {
    for (dialect, fixture) in [
        (Dialect::Documented, include_str!("fixtures/invoice.xml").to_owned()),
        (Dialect::Live, format!("{}{}", api::DECLARATION, include_str!("fixtures/invoice.xml"))),
    ] {
        let service = service().with(|api| api.dialect(dialect));
        let path = service.create("/invoices", include_str!("fixtures/invoice-post.xml"));
        assert_eq!(service.get(&path).body, fixture);
        assert_eq!(service.get("/invoices/1.xml").body, fixture);
    }
}

#[test]
fn a_document_that_is_read_and_written_back_stays_the_same() {
    let service = service();
    let path = service.create("/invoices", include_str!("fixtures/invoice-post.xml"));
    let before = service.get(&path).body;
    assert_eq!(before, include_str!("fixtures/invoice.xml"));
    for _ in 0..2 {
        assert_eq!(service.put(&path, &before).status, 200);
        assert_eq!(service.get(&path).body, before);
    }
}

#[test]
fn only_the_single_document_has_the_lines() {
    for service in [service(), service().with(|api| api.dialect(Dialect::Live))] {
        let path = service.invoice(1, &lines("Service,A,1,2,,,\n"));
        assert!(service.get(&path).body.contains("  <csv-line-items>kind,"));
        for list in ["/invoices", "/invoices?page=1", "/invoices?client=1"] {
            let answer = service.get(list);
            assert_eq!(answer.ids(), [1]);
            assert!(!answer.body.contains("csv"), "{}", answer.body);
        }
    }
    let without = service();
    let path = without.invoice(1, "");
    assert_eq!(element(&without.get(&path).body, "csv-line-items").as_deref(), Some(HEAD));
}

#[test]
fn cells_come_out_in_their_one_form() {
    for (given, kept) in [
        ("Service,A,1,2,,,\n", "Service,A,1.00,2.00,2.0,false,false,\n"),
        ("Service,A,1,2,,,,\n", "Service,A,1.00,2.00,2.0,false,false,\n"),
        ("Service,A,1,2,,,,", "Service,A,1.00,2.00,2.0,false,false,\n"),
        ("Service,A,0.123456,10.5,,1,0,7\n", "Service,A,0.123456,10.50,1.3,true,false,7\n"),
        ("Service,A,-1.5,2.25,,false,true,\n", "Service,A,-1.50,2.25,-3.38,false,true,\n"),
        ("Service,A, 1 , 2.500 ,, true , ,\n", "Service,A,1.00,2.50,2.5,true,false,\n"),
        (",,1,2,,,,\n", ",,1.00,2.00,2.0,false,false,\n"),
        ("\"Service\",\"A\",\"1\",\"2\",\"\",\"true\",\"\",\"\"\n", "Service,A,1.00,2.00,2.0,true,false,\n"),
        (
            "A,a,1,1,,,\nB,b,2,2,,,\nA,c,3,3,,,\n",
            "A,a,1.00,1.00,1.0,false,false,\nB,b,2.00,2.00,4.0,false,false,\nA,c,3.00,3.00,9.0,false,false,\n",
        ),
        ("", ""),
    ] {
        assert_eq!(through(given), kept, "{given:?}");
    }
}

#[test]
fn senders_indent_and_leave_lines_blank() {
    let kept = "Service,A,1.00,2.00,2.0,false,false,\nProduct,B,3.00,4.00,12.0,false,false,\n";
    for given in [
        "    Service,A,1,2,,,\n\t Product,B,3,4,,,\n    ",
        "\n\n  \nService,A,1,2,,,\n \t \nProduct,B,3,4,,,,\n\n",
        "Service,A,1,2,,,\r\nProduct,B,3,4,,,\r\n",
        "  \"Service\",A,1,2,,,\n  \"Product\",B,3,4,,,",
    ] {
        assert_eq!(through(given), kept, "{given:?}");
    }
    let service = service();
    let indented = format!("\n      {HEAD}      Service,A,1,2,,,\n      Product,B,3,4,,,\n    ");
    let path = service.invoice(1, &format!("\n    <csv-line-items>{indented}</csv-line-items>\n  "));
    assert_eq!(rows(&service, &path), kept);
}

#[test]
fn quoted_cells_keep_their_commas_quotes_and_line_feeds() {
    for (given, description) in [
        ("\"a, b\"", "\"a, b\""),
        ("\"a \"\"b\"\" c\"", "\"a \"\"b\"\" c\""),
        ("\"a\n    b\n\"", "\"a\n    b\n\""),
        ("\"\"\"\"", "\"\"\"\""),
        ("5\" pipe", "\"5\"\" pipe\""),
        ("  a  ", "  a  "),
        ("\"  a\"", "  a"),
        ("<b> & more", "<b> & more"),
        ("Größe 日本 🎉", "Größe 日本 🎉"),
    ] {
        let kept = format!("Service,{description},1.00,2.00,2.0,false,false,\n");
        assert_eq!(through(&format!("  Service,{given},1,2,,,\n")), kept);
        assert_eq!(through(&kept), kept, "what came out goes in again");
    }
}

#[test]
fn white_space_at_a_records_start_stays_inside_quotes() {
    for kind in [" Service", "\tService", "\n Service", "  ", "\u{a0}Service"] {
        let kept = through(&format!("  \"{kind}\",A,1,2,,,\n"));
        assert_eq!(through(&kept), kept);
        let service = service();
        let path = service.invoice(1, &lines(&kept));
        let line = &service.api.store().invoices().lines(id(&path)).unwrap()[0];
        assert_eq!((line.kind.as_str(), line.description.as_str()), (kind, "A"), "{kept}");
    }
}

fn id(path: &str) -> i64 {
    path.rsplit_once('/').unwrap().1.parse().unwrap()
}

#[test]
fn a_header_may_be_quoted() {
    let service = service();
    let header: Vec<String> = HEAD.trim().split(',').map(|cell| format!("\"{cell}\"")).collect();
    let csv = format!("  {}\nService,A,1,2,,,\n", header.join(","));
    let path = service.invoice(1, &format!("<csv-line-items>{csv}</csv-line-items>"));
    assert_eq!(rows(&service, &path), "Service,A,1.00,2.00,2.0,false,false,\n");
}

#[test]
fn another_header_discards_the_lines_and_the_rest_applies() {
    let kept = "Service,Old,1.00,2.00,2.0,false,false,\n";
    let headers = [
        "",
        "   ",
        "Service,A,1,2,,,",
        "kind,description,quantity,unit_price,amount,taxed,taxed2",
        "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id,more",
        "Kind,description,quantity,unit_price,amount,taxed,taxed2,project_id",
        "kind,description,quantity,unit-price,amount,taxed,taxed2,project-id",
        "kind, description,quantity,unit_price,amount,taxed,taxed2,project_id",
        "description,kind,quantity,unit_price,amount,taxed,taxed2,project_id",
        "kind;description;quantity;unit_price;amount;taxed;taxed2;project_id",
    ];
    for header in headers {
        // Not even a malformed line counts under it.
        let other = format!("<csv-line-items>{header}\nService,New,x\n</csv-line-items>");
        let service = service();
        let path = service.invoice(1, &lines("Service,Old,1,2,,,\n"));
        let answer = service.put(&path, &body(&format!("{other}<subject>new</subject><tax>10</tax>")));
        assert_eq!(answer.status, 200, "{header}: {answer:?}");
        assert_eq!(rows(&service, &path), kept, "{header}");
        assert_eq!(elements(&service, &path, ["subject", "tax", "amount"]), ["new", "10.0", "2.0"]);
        let path = service.invoice(1, &format!("{other}<subject>new</subject>"));
        assert_eq!(rows(&service, &path), "", "{header}");
        assert_eq!(elements(&service, &path, ["subject", "amount"]), ["new", "0.0"]);
    }
}

#[test]
fn an_update_with_lines_replaces_all_and_one_without_keeps_them() {
    let service = service();
    let path = service.invoice(1, &lines("Service,A,1,2,,,\nService,B,1,3,,,\n"));
    assert_eq!(service.put(&path, "<invoice><notes>n</notes></invoice>").status, 200);
    assert_eq!(elements(&service, &path, ["amount", "notes"]), ["5.0", "n"]);
    assert!(rows(&service, &path).contains("Service,B"));
    assert_eq!(service.put(&path, &format!("<invoice>{}</invoice>", lines("Product,C,2,4,,,\n"))).status, 200);
    assert_eq!(rows(&service, &path), "Product,C,2.00,4.00,8.0,false,false,\n");
    assert_eq!(elements(&service, &path, ["amount", "due-amount", "notes"]), ["8.0", "8.0", "n"]);
    let underscored = lines("").replace("csv-line-items", "csv_line_items");
    assert_eq!(service.put(&path, &format!("<invoice>{underscored}</invoice>")).status, 200);
    assert_eq!(rows(&service, &path), "", "the header alone removes every line");
    assert_eq!(elements(&service, &path, ["amount", "due-amount"]), ["0.0", "0.0"]);
}

#[test]
fn a_contradicting_amount_is_recomputed_and_an_unknown_project_kept() {
    let service = service();
    let path = service.invoice(1, &lines("Service,A,2,3,999.99,,,4711\nService,B,1,1,nonsense,,,none at all\n"));
    assert_eq!(
        rows(&service, &path),
        "Service,A,2.00,3.00,6.0,false,false,4711\nService,B,1.00,1.00,1.0,false,false,none at all\n"
    );
    assert_eq!(elements(&service, &path, ["amount"]), ["7.0"]);
}

#[test]
fn only_a_free_form_invoice_is_made_with_lines() {
    let service = service();
    for (kind, makes) in [
        ("free_form", true),
        ("free-form", true),
        ("project", false),
        ("task", false),
        ("people", false),
        ("detailed", false),
    ] {
        let more = "<projects-to-invoice></projects-to-invoice><import-hours>all</import-hours>\
                    <import-expenses>yes</import-expenses><expense-period-start>2011-01-01</expense-period-start>\
                    <expense-period-end>2011-02-01</expense-period-end>";
        let path = service.invoice(1, &format!("<kind>{kind}</kind>{more}{}", lines("Service,A,1,2,,,\n")));
        assert_eq!(!rows(&service, &path).is_empty(), makes, "{kind}");
        assert_eq!(elements(&service, &path, ["amount"]), [if makes { "2.0" } else { "0.0" }], "{kind}");
    }
    refused(&service.post("/invoices", &body("<kind>hourly</kind>")), &["kind"]);
}

#[test]
fn malformed_lines_are_refused_by_line_and_nothing_changes() {
    let service = service();
    let path = service.invoice(1, &lines("Service,Old,1,2,,,\n"));
    service.clock.forward(60);
    let (before, list) = (service.get(&path).body, service.get("/invoices").body);
    let good = "Service,A,1,2,,,\n";
    for (row, said) in [
        ("Service,A,1,2,,\n", "has 6 cells"),
        ("Service,A,1,2,,,,,\n", "has 9 cells"),
        ("Service\n", "has 1 cells"),
        ("Service,A,,2,,,\n", "quantity"),
        ("Service,A,  ,2,,,\n", "quantity"),
        ("Service,A,1,,,,\n", "unit_price"),
        ("Service,A,one,2,,,\n", "quantity"),
        ("Service,A,1,\"1,5\",,,\n", "unit_price"),
        ("Service,A,1e3,2,,,\n", "quantity"),
        ("Service,A,1,1234567890123,,,\n", "unit_price"),
        ("Service,A,1,0.1234567,,,\n", "unit_price"),
        ("Service,A,1,2,,maybe,\n", "taxed"),
        ("Service,A,1,2,,,2\n", "taxed2"),
    ] {
        for (rows, at) in [(row.to_owned(), "line 1"), (format!("{good}{good}  {row}{good}"), "line 3")] {
            let fields = format!("<subject>new</subject>{}", lines(&rows));
            refused(&service.put(&path, &body(&fields)), &["csv-line-items", at, said]);
            refused(&service.post("/invoices", &body(&fields)), &["csv-line-items", at, said]);
        }
    }
    for row in ["Service,\"A,1,2,,,\n", "Service,\"A\" b,1,2,,,\n", "Service,A,1,2,,,\"\n"] {
        refused(&service.put(&path, &body(&lines(row))), &["csv-line-items"]);
        refused(&service.post("/invoices", &body(&lines(row))), &["csv-line-items"]);
    }
    assert_eq!((service.get(&path).body, service.get("/invoices").body), (before, list));
    assert_eq!(service.invoice(1, ""), "/invoices/2", "a refused create uses no id");
}

#[test]
fn typed_lines_go_in_and_come_out() {
    let (store, _) = common::memory();
    store.clients().create(&NewClient::named("one")).unwrap();
    let given = [
        NewLineItem::of("Design", 3, Decimal::new(805, 1)).taxed(true),
        NewLineItem::of("Web \"hosting\", a year", 1, 20).kind("Product").taxed2(true).project_id("12".to_owned()),
    ];
    let id = store.invoices().create(&NewInvoice::of(1).lines(given)).unwrap();
    let lines = store.invoices().lines(id).unwrap();
    let line = |line: &LineItem| {
        let LineItem { invoice_id, kind, description, quantity, unit_price, amount, taxed, taxed2, project_id, .. } =
            line.clone();
        assert_eq!(invoice_id, id);
        (kind, description, [quantity, unit_price, amount].map(|n| n.to_string()), taxed, taxed2, project_id)
    };
    let number = |numbers: [&str; 3]| numbers.map(str::to_owned);
    assert_eq!(
        lines.iter().map(line).collect::<Vec<_>>(),
        [
            ("Service".into(), "Design".into(), number(["3.0", "80.5", "241.5"]), true, false, None),
            (
                "Product".into(),
                "Web \"hosting\", a year".into(),
                number(["1.0", "20.0", "20.0"]),
                false,
                true,
                Some("12".into())
            ),
        ]
    );
    assert!(lines[0].id < lines[1].id);
    store.invoices().update(id, &InvoiceChanges::new().subject("x")).unwrap();
    assert_eq!(store.invoices().lines(id).unwrap(), lines);
    store.invoices().update(id, &InvoiceChanges::new().lines([])).unwrap();
    assert_eq!(store.invoices().lines(id).unwrap(), []);
    assert!(matches!(store.invoices().lines(9), Err(Error::NotFound { record: "invoice", id: 9 })));
    let without = NewInvoice::of(1).lines([NewLineItem::new().description("no quantity")]);
    assert_eq!(common::invalid(store.invoices().create(&without)).0, "csv-line-items");
    assert_eq!(store.invoices().list(&Default::default()).unwrap().count(), 1);
}

/// Text that a document can carry.
fn any_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::sample::select(vec!['"', ',', '\n', '\r', ' ', '\t', ';', '\'', '\\', '#', '<', '&', 'a', '1']),
        1 => any::<char>().prop_filter("XML carries it", |c| {
            matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
        }),
    ];
    proptest::collection::vec(character, 0..12).prop_map(String::from_iter)
}

fn store() -> ClientStore {
    let (store, _) = common::memory();
    store.clients().create(&NewClient::named("one")).unwrap();
    store
}

/// What this thread has written to files, in bytes.
#[cfg(target_os = "linux")]
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// With temporary files, what undoes one statement would be written anew for each line.
#[cfg(target_os = "linux")]
#[test]
fn an_invoice_of_many_lines_writes_little_more_than_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let store = ClientStore::open(folder.path().join("store.db")).unwrap();
    store.clients().create(&NewClient::named("one")).unwrap();
    let before = written();
    let many = (0..5_000).map(|number| NewLineItem::of(format!("line {number}"), 1, 2));
    store.invoices().create(&NewInvoice::of(1).lines(many)).unwrap();
    let bytes = written() - before;
    assert!((5_000 * 30..5_000 * 400).contains(&bytes), "{bytes} bytes for 5,000 lines");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_in_kind_and_description(texts in proptest::collection::vec((any_text(), any_text()), 1..4)) {
        let store = store();
        let given = texts.iter().map(|(kind, description)| NewLineItem::of(description.clone(), 1, 2).kind(kind.clone()));
        let id = store.invoices().create(&NewInvoice::of(1).lines(given)).unwrap();
        let kept = |store: &ClientStore| -> Vec<(String, String)> {
            store.invoices().lines(id).unwrap().into_iter().map(|line| (line.kind, line.description)).collect()
        };
        prop_assert_eq!(&kept(&store), &texts);
        let service = Service { api: clientstore::Api::new(store), clock: Default::default() };
        let document = service.get("/invoices/1").body;
        prop_assert_eq!(service.put("/invoices/1", &document).status, 200);
        prop_assert_eq!(&service.get("/invoices/1").body, &document);
        prop_assert_eq!(&kept(service.api.store()), &texts);
    }

    #[test]
    fn no_text_of_lines_does_harm(text in any_text()) {
        let service = service();
        let before = service.invoice(1, &lines("Service,A,1,2,,,\n"));
        let document = service.get(&before).body;
        for head in ["", HEAD] {
            let csv = format!("<csv-line-items>{head}{}</csv-line-items>", escaped(&text));
            let answer = service.put(&before, &format!("<invoice>{csv}</invoice>"));
            prop_assert!([200, 400].contains(&answer.status), "{:?}", answer);
            if answer.status == 400 || head.is_empty() {
                prop_assert_eq!(&service.get(&before).body, &document);
            }
        }
    }
}
