//! Messages, payments and item categories over the API, and what becomes of them with their invoice
//! (`invoices.md`).

mod api;
mod billing;
mod common;

use api::{DECLARATION, Service};
use billing::{elements, pay, payment, refused, sent, service};
use clientstore::{ClientStore, Dialect, InvoiceState, NewClient, NewInvoice, NewLineItem, NewMessage, NewPayment};
use common::{builder, moment, plain};

/// The same service in each dialect, and what its documents begin with.
fn dialects() -> [(Service, &'static str); 2] {
    [(service(), ""), (service().with(|api| api.dialect(Dialect::Live)), DECLARATION)]
}

const COPY: &str = "<message><thank-you>true</thank-you></message>";

#[test]
fn messages_come_out_to_the_byte_on_every_path() {
    for (service, declaration) in dialects() {
        let base = format!("{}/messages", service.invoice(1, ""));
        service.invoice(1, "");
        let empty = "<invoice-message type=\"array\"></invoice-message>\n";
        assert_eq!(service.get(&base).body, format!("{declaration}{empty}"));
        assert_eq!(service.create(&base, COPY), "/invoices/1/messages/1");
        service.clock.forward(60);
        let post = include_str!("fixtures/message-post.xml");
        assert_eq!(service.create("/invoice/1/message/", post), "/invoices/1/messages/2");
        let (one, list) = (include_str!("fixtures/message.xml"), include_str!("fixtures/messages.xml"));
        for path in
            ["/invoices/1/messages/2", "/invoices/1/message/2", "/invoices/1/message/2.xml", "/invoices/1/messages/2/"]
        {
            assert_eq!(service.get(path).body, format!("{declaration}{one}"), "{path}");
        }
        for path in ["/invoices/1/messages", "/invoices/1/messages.xml", "/invoices/1/messages/?x=1"] {
            assert_eq!(service.get(path).body, format!("{declaration}{list}"), "{path}");
        }
        assert_eq!(service.get("/invoices/2/messages").body, format!("{declaration}{empty}"));
    }
}

#[test]
fn payments_come_out_to_the_byte_on_every_path() {
    for (service, declaration) in dialects() {
        let base = format!("{}/payments", service.invoice(1, ""));
        assert_eq!(service.get(&base).body, format!("{declaration}<payments type=\"array\"></payments>\n"));
        let body = "<payment>\n  <paid-at type=\"datetime\">2008-02-14 00:00:00 UTC</paid-at>\n  \
                    <amount type=\"decimal\">1400.00</amount>\n  <notes>By cheque &amp; in cash</notes>\n  \
                    <recorded_by>Nobody</recorded_by><id>9</id><invoice-id>2</invoice-id></payment>";
        assert_eq!(service.create(&base, body), "/invoices/1/payments/1");
        service.clock.forward(60);
        assert_eq!(service.create("/invoice/1/payments.xml", &payment("0")), "/invoices/1/payments/2");
        let (one, list) = (include_str!("fixtures/payment.xml"), include_str!("fixtures/payments.xml"));
        for path in ["/invoices/1/payments/1", "/invoice/1/payments/1", "/invoice/1/payments/1.xml"] {
            assert_eq!(service.get(path).body, format!("{declaration}{one}"), "{path}");
        }
        for path in ["/invoices/1/payments", "/invoice/1/payments", "/invoice/1/payments.xml", "/invoices/1/payments/"]
        {
            assert_eq!(service.get(path).body, format!("{declaration}{list}"), "{path}");
        }
        assert_eq!(service.call("DELETE", "/invoice/1/payments/1", "null").status, 200);
        assert_eq!(service.get(&base).ids(), [2]);
        assert_eq!(pay(&service, "/invoices/1", "1"), "/invoices/1/payments/3", "an id is not used again");
    }
}

#[test]
fn the_path_says_whose_part_it_is_whatever_the_body_says() {
    let service = service();
    let (first, second) = (service.invoice(1, ""), service.invoice(1, ""));
    for invoice_id in ["<invoice-id>2</invoice-id>", "<invoice_id>none</invoice_id>", "<invoice-id nil=\"true\"/>"] {
        let payment = format!("<payment>{invoice_id}<amount>1</amount><paid-at>2011-03-31</paid-at></payment>");
        assert_eq!(service.post(&format!("{first}/payments"), &payment).status, 201, "{invoice_id}");
        let message = format!("<message>{invoice_id}<body>Hello</body></message>");
        assert_eq!(service.post(&format!("{first}/messages"), &message).status, 201, "{invoice_id}");
    }
    let message = "<message><invoice-id></invoice-id></message>";
    assert_eq!(service.put(&format!("{first}/messages/mark_as_closed"), message).status, 400, "it is paid");
    assert_eq!(service.put(&format!("{second}/messages/mark_as_sent"), message).status, 200);
    assert_eq!(service.get(&format!("{first}/payments")).ids(), [1, 2, 3]);
    assert_eq!(service.get(&format!("{first}/messages")).ids(), [1, 2, 3]);
    assert_eq!(service.get(&format!("{second}/messages")).ids(), [4]);
}

#[test]
fn parts_belong_to_one_invoice_and_are_never_updated() {
    let service = service();
    service.invoice(1, "");
    service.invoice(1, "");
    for (part, body) in [("messages", COPY), ("payments", &*payment("5"))] {
        service.create(&format!("/invoices/1/{part}"), body);
        let path = format!("/invoices/1/{part}/1");
        let before = service.get(&path).body;
        for parent in [2, 9] {
            for method in ["GET", "DELETE"] {
                assert_eq!(service.call(method, &format!("/invoices/{parent}/{part}/1"), "").status, 404, "{method}");
            }
        }
        assert_eq!(service.get(&format!("/invoices/9/{part}")).status, 404);
        assert_eq!(service.post(&format!("/invoices/9/{part}"), body).status, 404);
        for method in ["PUT", "POST"] {
            let answer = service.call(method, &path, body);
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, DELETE")), "{method} {path}");
        }
        for path in
            [format!("/{part}"), format!("/{part}/1"), format!("/clients/1/{part}"), format!("/invoices/x/{part}")]
        {
            assert_eq!(service.get(&path).status, 404, "{path}");
        }
        refused(&service.post(&format!("/invoices/1/{part}"), "<invoice/>"), &["root element"]);
        assert_eq!(service.get(&path).body, before);
        assert_eq!(service.get(&format!("/invoices/1/{part}")).ids(), [1]);
    }
}

#[test]
fn a_part_is_deleted_by_its_id_and_its_invoice_alone_even_where_it_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let clock = common::Clock::default();
    let service = Service { api: clientstore::Api::new(builder(&clock).open(&path).unwrap()), clock };
    service.client("one");
    let [first, second] = [service.invoice(1, ""), service.invoice(1, "")];
    let message = service.create(&format!("{first}/messages"), COPY);
    let sql = "PRAGMA ignore_check_constraints = ON; UPDATE invoice_messages SET body = CAST(x'FF' AS TEXT)";
    plain(&path).execute_batch(sql).unwrap();
    assert_eq!(service.get(&message).status, 500);
    assert_eq!(service.call("DELETE", &message.replace(&first, &second), "").status, 404);
    assert_eq!(service.call("DELETE", &message, "").status, 200);
    assert_eq!(service.call("DELETE", &message, "").status, 404);
}

#[test]
fn item_categories_come_out_to_the_byte_and_the_defaults_stay() {
    let list = include_str!("fixtures/item-categories.xml");
    let path = "/invoice_item_categories";
    for (service, declaration) in dialects() {
        for path in [path.to_owned(), format!("{path}.xml"), format!("{path}/")] {
            assert_eq!(service.get(&path).body, format!("{declaration}{list}"));
        }
        for id in [1, 2] {
            refused(&service.call("DELETE", &format!("{path}/{id}"), ""), &["rename it"]);
        }
        for bad in ["", "<name> </name>", "<name>x</name><use-as-service>maybe</use-as-service>"] {
            let body = format!("<invoice-item-category>{bad}</invoice-item-category>");
            refused(&service.post(path, &body), &[if bad.contains("maybe") { "use-as-service" } else { "name" }]);
        }
        assert_eq!(service.get(path).body, format!("{declaration}{list}"), "nothing changed");
        let body = "<invoice-item-category><name>Rent</name></invoice-item-category>";
        assert_eq!(service.create(path, body), format!("{path}/4"));
        service.clock.forward(60);
        let four = format!("{path}/4");
        let body = "<invoice_item_category><name>Rent &amp; more</name><use_as_service>true</use_as_service>\
                    </invoice_item_category>";
        let answer = service.put(&four, body);
        assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some(&*four), ""));
        let one = include_str!("fixtures/item-category.xml");
        assert_eq!(service.get(&format!("{four}.xml")).body, format!("{declaration}{one}"));
        for path in [four, format!("{path}/3")] {
            assert_eq!(service.call("DELETE", &path, "").status, 200);
            assert_eq!(service.get(&path).status, 404);
        }
        assert_eq!(service.get(path).ids(), [1, 2]);
        assert_eq!(
            service.create(path, "<invoice-item-category><name>x</name></invoice-item-category>"),
            format!("{path}/5")
        );
    }
}

/// A file with two invoices, each with two lines, a message and a payment.
struct File {
    _directory: tempfile::TempDir,
    store: ClientStore,
    sql: rusqlite::Connection,
}

const PARTS: [&str; 3] = ["invoice_line_items", "invoice_messages", "invoice_payments"];

fn file() -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    store.clients().create(&NewClient::named("one")).unwrap();
    for id in 1..=2 {
        let lines = [NewLineItem::of("a, \"b\"\nc", 3, 5).taxed(true), NewLineItem::of("  d", 1, 2)];
        store.invoices().create(&NewInvoice::of(1).lines(lines)).unwrap();
        store.messages().create(&NewMessage::of(id, "hello")).unwrap();
        store.invoices().record_payment(&NewPayment::of(id, 4, moment("2011-03-31T09:00:00Z"))).unwrap();
    }
    let sql = plain(&path);
    File { _directory: directory, store, sql }
}

/// How many parts of each table an invoice has.
fn parts(sql: &rusqlite::Connection, invoice: i64) -> [i64; 3] {
    PARTS.map(|table| {
        let count = format!("SELECT count(*) FROM {table} WHERE invoice_id = ?1");
        sql.query_row(&count, [invoice], |row| row.get(0)).unwrap()
    })
}

#[test]
fn an_invoices_parts_go_with_it_whoever_deletes_it() {
    let ways: [fn(&File); 3] = [
        |file| {
            let service = Service { api: clientstore::Api::new(file.store.clone()), clock: Default::default() };
            assert_eq!(service.call("DELETE", "/invoices/1", "").status, 200);
            for path in ["/invoices/1/messages/1", "/invoices/1/payments/1", "/invoices/1/payments"] {
                assert_eq!(service.get(path).status, 404, "{path}");
            }
        },
        |file| file.store.invoices().delete(1).unwrap(),
        |file| assert_eq!(file.sql.execute("DELETE FROM invoices WHERE id = 1", []).unwrap(), 1),
    ];
    for delete in ways {
        let file = file();
        assert_eq!((parts(&file.sql, 1), parts(&file.sql, 2)), ([2, 1, 1], [2, 1, 1]));
        delete(&file);
        assert_eq!((parts(&file.sql, 1), parts(&file.sql, 2)), ([0, 0, 0], [2, 1, 1]));
    }
}

#[test]
fn an_invoice_is_deleted_in_any_state() {
    let service = service();
    let states = ["draft", "open", "partial", "paid", "closed"];
    for wanted in states {
        let path = if wanted == "draft" { service.invoice(1, "") } else { sent(&service, "100") };
        match wanted {
            "partial" => drop(pay(&service, &path, "1")),
            "paid" => drop(pay(&service, &path, "100")),
            "closed" => assert_eq!(service.put(&format!("{path}/messages/mark_as_closed"), "").status, 200),
            _ => {}
        }
        assert_eq!(elements(&service, &path, ["state"]), [wanted]);
        assert_eq!(service.call("DELETE", &path, "").status, 200, "{wanted}");
        assert_eq!(service.get(&path).status, 404);
    }
}

#[test]
fn messages_and_payments_are_not_updated() {
    let store = clientstore::ClientStore::open_in_memory().unwrap();
    let client = store.clients().create(&clientstore::NewClient::named("SuprCorp")).unwrap();
    let invoice = store.invoices().create(&clientstore::NewInvoice::of(client)).unwrap();
    let payment = clientstore::NewPayment::of(invoice, 5, store.clients().get(client).unwrap().created_at);
    let id = store.invoices().record_payment(&payment).unwrap();
    let before = store.payments().get(id).unwrap();
    let refused =
        store.payments().update(id, &clientstore::NewPayment::of(invoice, 7, before.paid_at).fields().clone().into());
    assert_eq!(refused.unwrap_err().to_string(), "payment cannot be updated; delete it and create another");
    assert_eq!(store.payments().get(id).unwrap(), before);
}

#[test]
fn no_other_program_makes_orphans_or_moves_ids() {
    let file = file();
    let File { sql, .. } = &file;
    let columns = |table: &str| {
        let names = sql.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names = (0..names.column_count()).map(|at| names.column_name(at).unwrap());
        names.filter(|name| *name != "id").collect::<Vec<_>>().join(", ")
    };
    for table in PARTS {
        let columns = columns(table);
        let orphan = columns.replace("invoice_id", "99");
        let mut statements = vec![
            format!("DELETE FROM invoices WHERE id = 1; UPDATE {table} SET invoice_id = 1"),
            format!("UPDATE OR REPLACE {table} SET invoice_id = 99"),
            format!("UPDATE {table} SET invoice_id = NULL"),
        ];
        for insert in ["INSERT", "INSERT OR IGNORE", "REPLACE"] {
            statements.push(format!("{insert} INTO {table} ({columns}) SELECT {orphan} FROM {table} LIMIT 1"));
            // A taken id is a reason to ignore the row.
            let id = if insert.ends_with("IGNORE") { 50 } else { 1 };
            statements
                .push(format!("{insert} INTO {table} (id, {columns}) SELECT {id}, {orphan} FROM {table} LIMIT 1"));
        }
        for id in ["id", "rowid", "_rowid_"] {
            statements.push(format!("UPDATE {table} SET {id} = {id} + 100"));
            statements.push(format!("UPDATE OR REPLACE {table} SET {id} = 2 WHERE id = 1"));
        }
        for statement in statements {
            sql.execute_batch("SAVEPOINT attack").unwrap();
            assert!(sql.execute_batch(&statement).is_err(), "the file took: {statement}");
            sql.execute_batch("ROLLBACK TO attack; RELEASE attack").unwrap();
        }
        let good = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1");
        assert_eq!(sql.execute(&good, []).unwrap(), 1, "the templates are good rows");
    }
    for statement in [
        "UPDATE invoice_item_categories SET id = id + 10",
        "DELETE FROM invoice_item_categories WHERE id = 1",
        "DELETE FROM invoice_item_categories",
    ] {
        assert!(sql.execute_batch(statement).is_err(), "the file took: {statement}");
    }
}

/// Every row of every table, the used ids included.
fn everything(sql: &rusqlite::Connection) -> Vec<String> {
    let mut names = sql.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() >= 8, "{tables:?}");
    let mut all = Vec::new();
    for table in tables {
        let mut rows = sql.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let width = rows.column_count();
        let shown = rows.query_map([], |row| {
            let values: rusqlite::Result<Vec<rusqlite::types::Value>> = (0..width).map(|at| row.get(at)).collect();
            Ok(format!("{table}: {:?}", values?))
        });
        all.extend(shown.unwrap().map(Result::unwrap));
    }
    // A counter that stands at nothing is one that is not there.
    all.retain(|row| !row.ends_with("Integer(0)]") || !row.starts_with("sqlite_sequence"));
    all.sort();
    all
}

fn dump(store: &ClientStore) -> Vec<u8> {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    document
}

#[test]
fn a_dump_that_is_loaded_and_dumped_again_is_the_same() {
    let changes: [fn(&File); 4] = [
        |_| {},
        |file| {
            // Product is gone, Service has another name, an invoice and a payment were deleted.
            file.store.item_categories().delete(3).unwrap();
            let renamed = clientstore::ItemCategoryChanges::new().name("Work");
            file.store.item_categories().update(1, &renamed).unwrap();
            file.store.invoices().delete(2).unwrap();
            file.store.invoices().remove_payment(1).unwrap();
        },
        |file| {
            file.store.invoices().close(1).unwrap();
            file.store.invoices().record_payment(&NewPayment::of(2, 13, moment("2011-03-31T09:00:00Z"))).unwrap();
            assert_eq!(file.store.invoices().get(2).unwrap().state, InvoiceState::Paid);
            file.store.item_categories().create(&clientstore::NewItemCategory::named("Rent")).unwrap();
        },
        |file| {
            let changes = clientstore::InvoiceChanges::new().tax(rust_decimal::Decimal::TEN);
            file.store.invoices().update(1, &changes).unwrap();
            file.store
                .item_categories()
                .update(3, &clientstore::ItemCategoryChanges::new().use_as_service(true))
                .unwrap();
        },
    ];
    for change in changes {
        let (first, second) = (file(), tempfile::tempdir().unwrap());
        change(&first);
        let document = dump(&first.store);
        let path = second.path().join("copy.db");
        let copy = builder(&Default::default()).open(&path).unwrap();
        copy.load([("the dump", document.as_slice())], |_| {}).unwrap();
        assert_eq!(common::text(&dump(&copy)), common::text(&document));
        assert_eq!(everything(&plain(&path)), everything(&first.sql));
        // The copy lives on as the first does.
        for store in [&first.store, &copy] {
            store.invoices().update(1, &clientstore::InvoiceChanges::new().notes("n")).unwrap();
        }
        assert_eq!(copy.invoices().get(1).unwrap(), first.store.invoices().get(1).unwrap());
        assert_eq!(copy.invoices().lines(1).unwrap(), first.store.invoices().lines(1).unwrap());
        let again = copy.load([("again", document.as_slice())], |_| {}).unwrap_err().to_string();
        assert!(again.contains("The id is taken"), "{again}");
    }
}
