//! Every rule of the schema is checked before the file has to refuse: the error says what is wrong and where.
//!
//! The rules come from a new file's own schema. A CHECK whose form is not known here, or a trigger without a case,
//! fails the test.

mod api;
mod common;
mod transfers;

use std::collections::BTreeSet;

use api::Service;
use clientstore::{
    Api, ClientStore, DayEntryChanges, Error, NewClient, NewInvoice, NewItemCategory, NewMessage, NewPayment,
    NewProject, Receipt,
};
use common::{builder, plain};
use rusqlite::Connection;
use transfers::load;

/// A table, its record's element, the elements that a loaded record cannot do without, and where one is created.
const TABLES: [(&str, &str, &str, &str); 15] = [
    ("clients", "client", "<name>x</name>", "/clients"),
    ("projects", "project", "<client-id>1</client-id><name>x</name>", "/projects"),
    ("invoices", "invoice", "<client-id>1</client-id>", "/invoices"),
    (
        "invoice_line_items",
        "invoice-line-item",
        "<invoice-id>1</invoice-id><quantity>1</quantity><unit-price>1</unit-price>",
        "",
    ),
    ("invoice_messages", "invoice-message", "<invoice-id>1</invoice-id>", "/invoices/1/messages"),
    (
        "invoice_payments",
        "payment",
        "<invoice-id>1</invoice-id><amount>1</amount><paid-at>2011-03-31</paid-at>",
        "/invoices/1/payments",
    ),
    ("invoice_item_categories", "invoice-item-category", "<name>x</name>", "/invoice_item_categories"),
    ("tasks", "task", "<name>x</name>", "/tasks"),
    ("people", "user", "<email>#@x</email><first-name>x</first-name><last-name>x</last-name>", "/people"),
    ("contacts", "contact", "<client-id>1</client-id><first-name>x</first-name><last-name>x</last-name>", "/contacts"),
    // A call that assigns ignores all but what is assigned.
    ("task_assignments", "task-assignment", "<project-id>1</project-id><task-id>3</task-id>", ""),
    ("user_assignments", "user-assignment", "<project-id>1</project-id><user-id>2</user-id>", ""),
    (
        "day_entries",
        "day-entry",
        "<spent-at>2011-03-31</spent-at><user-id>1</user-id><project-id>1</project-id><task-id>1</task-id>",
        "",
    ),
    ("expense_categories", "expense-category", "<name>x</name>", "/expense_categories"),
    (
        "expenses",
        "expense",
        "<project-id>1</project-id><expense-category-id>1</expense-category-id><spent-at>2011-03-31</spent-at>",
        "/expenses",
    ),
];

/// The columns that no request sets.
const READ_ONLY: [&str; 27] = [
    "id",
    "created_at",
    "updated_at",
    "default_invoice_timeframe",
    "last_invoice_kind",
    "statement_key",
    "over_budget_notified_at",
    "hint_earliest_record_at",
    "hint_latest_record_at",
    "due_amount",
    "client_key",
    "state",
    "tax_amount",
    "tax2_amount",
    "discount_amount",
    "sent",
    "closed",
    "sent_by",
    "sent_by_email",
    "sent_from",
    "sent_from_email",
    "send_reminder_on",
    "recorded_by",
    "password_hash",
    "recorded_by_email",
    "is_closed",
    "is_billed",
];

fn is_read_only(table: &str, column: &str) -> bool {
    READ_ONLY.contains(&column) || (table, column) == ("invoices", "amount")
}

/// Values that break a CHECK of the form, each as SQL and as it stands in a document.
fn breaking(check: &str) -> Option<Vec<(String, &'static str)>> {
    let text = |texts: &[&'static str]| texts.iter().map(|text| (format!("'{text}'"), *text)).collect();
    let plain = |numbers: &[&'static str]| numbers.iter().map(|number| ((*number).to_owned(), *number)).collect();
    Some(match check {
        "id > 0" => plain(&["0", "-1"]),
        check if check.starts_with("trim(") => text(&["", " \t\n"]),
        check if check.ends_with(" <> ''") => text(&[""]),
        check if check.ends_with(" IN (0, 1)") => plain(&["2", "-1"]),
        check if check.contains(" IN ('") => text(&["nonsense", ""]),
        check if check.contains("T[0-2][0-9]:") => text(&["2011-03-31", "soon", "2011-03-31T1:00:00Z"]),
        check if check.contains("[0-9]-[01][0-9]-[0-3][0-9]'") => text(&["2011-03", "31.03.2011", "2011-99-31"]),
        check if check.contains("[0-9].[0-9]*'") => text(&["1e3", "ten", "1,5"]),
        check if check.starts_with("length(client_key)") => text(&["", "a b", LONG_KEY]),
        check if check.contains("x'00'") => vec![("'x' || char(0)".to_owned(), "x\0")],
        check if check.contains("char(65534)") => vec![("'x' || char(65534)".to_owned(), "x\u{FFFE}")],
        check if check.contains("char(65535)") => vec![("'x' || char(65535)".to_owned(), "x\u{FFFF}")],
        check if check.contains("char(31)") => {
            vec![("'x' || char(1)".to_owned(), "x\u{1}"), ("'x' || char(31)".to_owned(), "x\u{1F}")]
        }
        _ => return None,
    })
}

const LONG_KEY: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CLOSED: &str = "(state = 'closed') = closed";
const BILLED: &str = "invoice_id IS NULL OR is_billed = 1";

/// What some values of [`breaking`] are in a document: another way to write a value that fits.
fn fits_a_document(check: &str, text: &str) -> bool {
    check.contains("T[0-2]") && text != "soon"
}

/// Every CHECK of a statement, without its parentheses, white space in one form.
fn checks(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in sql.match_indices("CHECK (") {
        let (mut depth, mut quoted) = (0, false);
        let rest = &sql[at + "CHECK ".len()..];
        let end = rest.char_indices().find(|(_, character)| {
            match character {
                '\'' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let inside = &rest[1..end.unwrap().0];
        found.push(inside.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    found
}

fn texts(sql: &Connection, query: &str) -> Vec<String> {
    let mut statement = sql.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// The columns that an expression names.
fn named(sql: &Connection, table: &str, check: &str) -> Vec<String> {
    // What stands between quotes is no name.
    let bare: String = check.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
    let words: BTreeSet<&str> = bare.split(|one: char| !one.is_ascii_alphanumeric() && one != '_').collect();
    let columns = texts(sql, &format!("SELECT name FROM pragma_table_info('{table}')"));
    columns.into_iter().filter(|column| words.contains(&**column)).collect()
}

/// Client 1 is active, with project 1 and invoice 1 with a line, a message and a payment; client 2 is inactive, with
/// invoice 2 and inactive project 2. Category 1 was written to.
struct Filled {
    _directory: tempfile::TempDir,
    service: Service,
    sql: Connection,
}

impl Filled {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let clock = common::Clock::default();
        let store = builder(&clock).open(&path).unwrap();
        for client in ["one", "two"] {
            let id = store.clients().create(&NewClient::named(client)).unwrap();
            store.projects().create(&NewProject::of(id, "p").active(id == 1)).unwrap();
            store.invoices().create(&NewInvoice::of(id)).unwrap();
        }
        store.clients().toggle(2).unwrap();
        let service = Service { api: Api::new(store), clock };
        let head = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id";
        let lines = format!("<invoice><csv-line-items>{head}\nService,A,1,9,,,,\n</csv-line-items></invoice>");
        assert_eq!(service.put("/invoices/1", &lines).status, 200);
        service.create("/invoices/1/messages", "<message><body>x</body></message>");
        let payment = "<payment><amount>1</amount><paid-at>2011-03-31</paid-at></payment>";
        service.create("/invoices/1/payments", payment);
        let category = "<invoice-item-category><name>Work</name></invoice-item-category>";
        assert_eq!(service.put("/invoice_item_categories/1", category).status, 200);
        assert_eq!(service.put("/tasks/1", "<task><name>Work</name></task>").status, 200);
        assert_eq!(service.put("/people/1", "<user><department>Work</department></user>").status, 200);
        service
            .create("/people", "<user><email>two@x</email><first-name>x</first-name><last-name>x</last-name></user>");
        service.create(
            "/contacts",
            "<contact><client-id>1</client-id><first-name>x</first-name><last-name>x</last-name></contact>",
        );
        service.create("/projects/1/task_assignments", "<task><id>1</id></task>");
        // One whose timer runs, one that is locked, and one of another person.
        for id in [1, 2] {
            let body = "<request><hours>1</hours><project_id>1</project_id><task_id>1</task_id></request>";
            assert_eq!(service.create("/daily/add", body), format!("/daily/show/{id}"));
        }
        service.get("/daily/timer/1");
        let store = service.api.store();
        store.day_entries().update(2, &DayEntryChanges::new().is_closed(true)).unwrap();
        let of_another = "<id>3</id><spent-at>2011-03-31</spent-at><user-id>2</user-id><project-id>1</project-id><task-id>1</task-id>";
        load(store, format!("<day-entry>{of_another}</day-entry>")).unwrap();
        assert_eq!(
            service.put("/expense_categories/1", "<expense-category><name>Room</name></expense-category>").status,
            200
        );
        service.create("/expenses?of_user=2", &format!("<expense>{EXPENSE}</expense>"));
        let closed = format!("<expense>{EXPENSE}<is-closed>true</is-closed></expense>");
        load(service.api.store(), closed).unwrap();
        service.api.store().expenses().keep_receipt(1, &Receipt::new("a.png", "x")).unwrap();
        let sql = plain(&path);
        Filled { _directory: directory, service, sql }
    }

    fn store(&self) -> &ClientStore {
        self.service.api.store()
    }

    /// A document of one record is refused with a typed error that names the line and the reason.
    #[track_caller]
    fn load_refused(&self, document: &str, line: &str) {
        let error = load(self.store(), document).expect_err(document);
        let Error::Load { source, .. } = &error else { panic!("{document:?} gives {error:?}") };
        assert!(!matches!(**source, Error::Storage { .. }), "{document:?} gives {error:?}");
        assert!(error.to_string().contains(line), "{document:?} gives {error}");
    }
}

#[test]
fn every_check_of_the_schema_has_a_typed_error_before_it() {
    let filled = Filled::new();
    let (mut met, mut posts) = (0, 0);
    for (table, element, others, path) in TABLES {
        let statement = texts(&filled.sql, &format!("SELECT sql FROM sqlite_schema WHERE name = '{table}'")).remove(0);
        for check in checks(&statement) {
            met += 1;
            if check == CLOSED {
                let fields = "<state>closed</state>\n<closed>false</closed>";
                filled.load_refused(&format!("<{element}>{others}\n{fields}</{element}>"), "closed");
                filled.load_refused(&format!("<{element}>{others}\n<closed>true</closed></{element}>"), "closed");
                continue;
            }
            if check == BILLED {
                let fields = "<invoice-id>1</invoice-id><is-billed>false</is-billed>";
                filled.load_refused(&format!("<{element}>{others}\n{fields}</{element}>"), "is-billed is false");
                continue;
            }
            let columns = named(&filled.sql, table, &check);
            assert!(!columns.is_empty(), "{table}: {check} names no column");
            let values = breaking(&check).unwrap_or_else(|| panic!("{table}: the CHECK ({check}) has no case here"));
            for (column, (sql, text)) in
                columns.iter().flat_map(|column| values.iter().map(move |value| (column, value)))
            {
                let update = format!("UPDATE {table} SET {column} = {sql} WHERE id = 1");
                // An id is kept by a trigger first.
                let refused = filled.sql.execute(&update, []).expect_err(&update).to_string();
                assert!(refused.contains("CHECK constraint failed") || column == "id", "{update}: {refused}");
                if fits_a_document(&check, text) {
                    continue;
                }
                let name = column.replace('_', "-");
                let field = format!("<{name}>{text}</{name}>");
                // Elsewhere, an empty element is nil or leaves the field as it is; an empty key is drawn anew.
                if !(text.is_empty() && !check.starts_with("trim") && !check.contains(" IN ('")) {
                    filled.load_refused(&format!("<{element}>{others}\n{field}\n</{element}>"), "line");
                }
                if path.is_empty() {
                    continue;
                }
                let name = if column == "full_recipient_list" { "recipients".to_owned() } else { name };
                let root = if table == "invoice_messages" { "message" } else { element };
                posts += 1;
                let others = others.replace('#', &posts.to_string());
                let body = format!("<{root}>{others}\n<{name}>{text}</{name}>\n</{root}>");
                let created = filled.service.post(path, &body);
                let illegal = text.contains(|one: char| one < ' ' && !"\t\n".contains(one) || one >= '\u{FFFE}');
                if is_read_only(table, column) && !illegal {
                    assert_eq!(created.status, 201, "{body:?} {created:?}");
                } else {
                    let hint = created.hint().unwrap_or_default();
                    assert_eq!(created.status, 400, "{body:?} {created:?}");
                    assert!(hint.contains(&name) || hint.contains("line 2"), "{body:?}: {hint}");
                }
                if !["invoice_messages", "invoice_payments"].contains(&table) && !is_read_only(table, column) {
                    let updated = filled
                        .service
                        .put(&format!("{path}/1"), &format!("<{root}>\n<{name}>{text}</{name}></{root}>"));
                    assert_eq!(updated.status, 400, "{body:?} {updated:?}");
                }
            }
        }
    }
    met += receipts_have_typed_errors(&filled);
    let all = texts(&filled.sql, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
    assert_eq!(met, all.iter().map(|sql| checks(sql).len()).sum::<usize>(), "a table is missing from TABLES");
    assert!(filled.store().check(|_| {}).unwrap().is_clean());
}

/// Receipts have no document of their own: a dumped expense carries its own. Gives how many CHECKs they have.
fn receipts_have_typed_errors(filled: &Filled) -> usize {
    let (long_name, long_type) = ("a".repeat(256), format!("image/{}", "a".repeat(127)));
    for (name, kind, bytes) in [
        ("", "image/png", "eA=="),
        (&*long_name, "image/png", "eA=="),
        ("x\u{FFFE}", "image/png", "eA=="),
        ("a", "png", "eA=="),
        ("a", &*long_type, "eA=="),
        ("a", "image/png", ""),
    ] {
        let receipt = format!(
            "<receipt-name>{name}</receipt-name><receipt-type>{kind}</receipt-type><receipt-base64>{bytes}</receipt-base64>"
        );
        filled.load_refused(&format!("<expense>{EXPENSE}{receipt}</expense>"), "line");
    }
    let statement = texts(&filled.sql, "SELECT sql FROM sqlite_schema WHERE name = 'receipts'").remove(0);
    checks(&statement).len()
}

const EXPENSE: &str =
    "<project-id>1</project-id><expense-category-id>1</expense-category-id><spent-at>2011-03-31</spent-at>";

#[test]
fn a_typed_text_that_no_document_can_carry_is_refused_before_the_file_sees_it() {
    let filled = Filled::new();
    let store = filled.store();
    for bad in ["\0", "\u{1}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
        let text = format!("x{bad}");
        let results = [
            store.clients().create(&NewClient::named(&*text)).map(drop),
            store.clients().create(&NewClient::named("x").details(&*text)).map(drop),
            store.clients().create(&NewClient::named("x").currency(&*text)).map(drop),
            store.projects().create(&NewProject::of(1, "x").notes(&*text)).map(drop),
            store.invoices().create(&NewInvoice::of(1).number(&*text)).map(drop),
            store.messages().create(&NewMessage::of(1, &*text)).map(drop),
            store
                .payments()
                .create(&NewPayment::of(1, 1, common::moment("2011-03-31T10:00:00Z")).notes(&*text))
                .map(drop),
            store.item_categories().create(&NewItemCategory::named(&*text)).map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::Invalid { .. })), "{bad:?}: {result:?}");
        }
    }
}

/// What a trigger's rule is broken by.
enum Breaks {
    Request(&'static str, &'static str, &'static str, u16),
    Document(&'static str),
    /// A delete that archives.
    Archived(&'static str),
}

/// The cases of a trigger; none for one that is not known here.
fn cases(trigger: &str) -> &'static [Breaks] {
    use Breaks::{Archived, Document, Request};
    const TAKEN_CLIENT: Breaks = Document("<client><id>1</id><name>x</name><active>false</active></client>");
    const TAKEN_PROJECT: Breaks = Document("<project><id>1</id><client-id>2</client-id><name>x</name></project>");
    const TAKEN_INVOICE: Breaks = Document("<invoice><id>1</id><client-id>2</client-id></invoice>");
    const TAKEN_LINE: Breaks = Document(
        "<invoice-line-item><id>1</id><invoice-id>2</invoice-id><quantity>1</quantity><unit-price>1</unit-price></invoice-line-item>",
    );
    const TAKEN_MESSAGE: Breaks = Document("<invoice-message><id>1</id><invoice-id>2</invoice-id></invoice-message>");
    const TAKEN_PAYMENT: Breaks = Document(
        "<payment><id>1</id><invoice-id>2</invoice-id><amount>1</amount><paid-at>2011-03-31</paid-at></payment>",
    );
    const TAKEN_CATEGORY: Breaks = Document("<invoice-item-category><id>1</id><name>x</name></invoice-item-category>");
    match trigger {
        "clients_id_stays" | "clients_inserted" => &[TAKEN_CLIENT],
        "projects_id_stays" => &[TAKEN_PROJECT],
        "invoices_id_stays" | "invoices_stay_with_client" => &[TAKEN_INVOICE],
        "invoice_line_items_id_stays" | "invoice_line_items_updated" => &[TAKEN_LINE],
        "invoice_messages_id_stays" | "invoice_messages_updated" => &[TAKEN_MESSAGE],
        "invoice_payments_id_stays" | "invoice_payments_updated" => &[TAKEN_PAYMENT],
        "invoice_item_categories_id_stays" => &[TAKEN_CATEGORY],
        "tasks_id_stays" => &[Document("<task><id>1</id><name>x</name></task>")],
        "people_id_stays" | "people_inserted" => {
            &[Document("<user><id>1</id><email>x@x</email><first-name>x</first-name><last-name>x</last-name></user>")]
        }
        "people_email_is_free_on_insert" => &[
            Document("<user><email>TWO@x</email><first-name>x</first-name><last-name>x</last-name></user>"),
            Request(
                "POST",
                "/people",
                "<user><email>Two@X</email><first-name>x</first-name><last-name>x</last-name></user>",
                400,
            ),
        ],
        "people_email_is_free_on_update" => {
            &[Request("PUT", "/people/2", "<user><email>ADMIN@example.com</email></user>", 400)]
        }
        "people_updated" => &[
            Request("PUT", "/people/1", "<user><is-admin>false</is-admin></user>", 400),
            Request("POST", "/people/1/toggle", "", 400),
        ],
        "people_deleted" => &[Request("DELETE", "/people/1", "", 400)],
        "contacts_id_stays" => &[Document(
            "<contact><id>1</id><client-id>1</client-id><first-name>x</first-name><last-name>x</last-name></contact>",
        )],
        "contacts_inserted" => &[
            Document("<contact><client-id>9</client-id><first-name>x</first-name><last-name>x</last-name></contact>"),
            Request(
                "POST",
                "/contacts",
                "<contact><client-id>9</client-id><first-name>x</first-name><last-name>x</last-name></contact>",
                400,
            ),
        ],
        "contacts_updated" => &[Request("PUT", "/contacts/1", "<contact><client-id>9</client-id></contact>", 400)],
        "task_assignments_stay" | "task_assignments_are_single" => &[
            Document("<task-assignment><id>1</id><project-id>1</project-id><task-id>3</task-id></task-assignment>"),
            Document("<task-assignment><id>7</id><project-id>1</project-id><task-id>1</task-id></task-assignment>"),
        ],
        "user_assignments_stay" | "user_assignments_are_single" => &[
            Document("<user-assignment><id>1</id><project-id>1</project-id><user-id>2</user-id></user-assignment>"),
            Document("<user-assignment><id>7</id><project-id>1</project-id><user-id>1</user-id></user-assignment>"),
        ],
        "task_assignments_inserted" => &[
            Document("<task-assignment><project-id>9</project-id><task-id>1</task-id></task-assignment>"),
            Document("<task-assignment><project-id>1</project-id><task-id>9</task-id></task-assignment>"),
            Request("POST", "/projects/9/task_assignments", "<task><id>1</id></task>", 404),
            Request("POST", "/projects/1/task_assignments", "<task><id>9</id></task>", 400),
        ],
        "user_assignments_inserted" => &[
            Document("<user-assignment><project-id>9</project-id><user-id>1</user-id></user-assignment>"),
            Document("<user-assignment><project-id>1</project-id><user-id>9</user-id></user-assignment>"),
            Request("POST", "/projects/9/user_assignments", "<user><id>1</id></user>", 404),
            Request("POST", "/projects/1/user_assignments", "<user><id>9</id></user>", 400),
        ],
        "day_entries_stay" => &[Document(
            "<day-entry><id>1</id><spent-at>2011-03-31</spent-at><user-id>2</user-id><project-id>1</project-id>\
             <task-id>1</task-id></day-entry>",
        )],
        "day_entries_are_single" | "day_entries_run_alone" => &[
            Document(
                "<day-entry><spent-at>2011-03-31</spent-at><user-id>1</user-id><project-id>1</project-id>\
                 <task-id>1</task-id><timer-started-at>2011-03-31T10:00:00Z</timer-started-at></day-entry>",
            ),
            Document(
                "<day-entry><id>1</id><spent-at>2011-03-30</spent-at><user-id>1</user-id><project-id>1</project-id>\
                 <task-id>1</task-id></day-entry>",
            ),
        ],
        "day_entries_inserted" => &[
            Document(
                "<day-entry><spent-at>2011-03-31</spent-at><user-id>9</user-id><project-id>1</project-id>\
                 <task-id>1</task-id></day-entry>",
            ),
            Document(
                "<day-entry><spent-at>2011-03-31</spent-at><user-id>1</user-id><project-id>9</project-id>\
                 <task-id>1</task-id></day-entry>",
            ),
            Document(
                "<day-entry><spent-at>2011-03-31</spent-at><user-id>1</user-id><project-id>1</project-id>\
                 <task-id>9</task-id></day-entry>",
            ),
            Document(
                "<day-entry><spent-at>2011-03-31</spent-at><user-id>1</user-id><project-id>1</project-id>\
                 <task-id>1</task-id><invoice-id>9</invoice-id></day-entry>",
            ),
            Request(
                "POST",
                "/daily/add?of_user=9",
                "<request><project_id>1</project_id><task_id>1</task_id></request>",
                404,
            ),
            Request("POST", "/daily/add", "<request><project_id>9</project_id><task_id>1</task_id></request>", 400),
            Request("POST", "/daily/add", "<request><project_id>1</project_id><task_id>9</task_id></request>", 400),
        ],
        "day_entries_updated" => &[
            Request("PUT", "/daily/update/1", "<request><project_id>9</project_id></request>", 400),
            Request("PUT", "/daily/update/1", "<request><task_id>9</task_id></request>", 400),
        ],
        "day_entries_locked_on_update" => &[
            Request("PUT", "/daily/update/2", "<request><spent_at>2011-03-30</spent_at></request>", 400),
            Request("PUT", "/daily/update/2", "<request><task_id>2</task_id></request>", 400),
        ],
        "day_entries_locked_on_delete" => &[Request("DELETE", "/daily/delete/2", "", 400)],
        "projects_time_stays" => &[Request("DELETE", "/projects/1", "", 400)],
        "people_time_stays" => &[Request("DELETE", "/people/2", "", 400)],
        "task_assignments_time_stays" => &[Request("DELETE", "/projects/1/task_assignments/1", "", 400)],
        "user_assignments_time_stays" => &[Archived("/projects/1/user_assignments/1")],
        "tasks_time_stays" => &[Archived("/tasks/1")],
        "task_assignments_deleted" => &[Request("DELETE", "/projects/1/task_assignments/1", "", 400)],
        "clients_updated" => &[
            Request("POST", "/clients/1/toggle", "", 400),
            Request("PUT", "/clients/1", "<client><active>false</active></client>", 400),
        ],
        "projects_inserted" => &[
            Request("POST", "/projects", "<project><client-id>2</client-id><name>x</name></project>", 400),
            Request("POST", "/projects", "<project><client-id>9</client-id><name>x</name></project>", 400),
            Document("<project><client-id>2</client-id><name>x</name></project>"),
            Document("<project><client-id>9</client-id><name>x</name></project>"),
        ],
        "projects_updated" => &[
            Request("PUT", "/projects/1", "<project><client-id>2</client-id></project>", 400),
            Request("PUT", "/projects/1", "<project><client-id>9</client-id></project>", 400),
            Request("PUT", "/projects/2", "<project><active>true</active></project>", 400),
            Request("PUT", "/projects/2/toggle", "", 400),
        ],
        "clients_deleted" => &[Request("DELETE", "/clients/1", "", 400), Request("DELETE", "/clients/2", "", 400)],
        "invoices_client_exists_on_insert" => &[
            Request("POST", "/invoices", "<invoice><client-id>9</client-id></invoice>", 400),
            Document("<invoice><client-id>9</client-id></invoice>"),
        ],
        "invoices_client_exists_on_update" => {
            &[Request("PUT", "/invoices/1", "<invoice><client-id>9</client-id></invoice>", 400)]
        }
        "invoice_item_categories_deleted" => &[Request("DELETE", "/invoice_item_categories/1", "", 400)],
        "invoice_line_items_inserted" => &[Document(
            "<invoice-line-item><invoice-id>9</invoice-id><quantity>1</quantity><unit-price>1</unit-price></invoice-line-item>",
        )],
        "invoice_messages_inserted" => &[
            Request("POST", "/invoices/9/messages", "<message><body>x</body></message>", 404),
            Document("<invoice-message><invoice-id>9</invoice-id></invoice-message>"),
        ],
        "invoice_payments_inserted" => &[
            Request(
                "POST",
                "/invoices/9/payments",
                "<payment><amount>1</amount><paid-at>2011-03-31</paid-at></payment>",
                404,
            ),
            Document("<payment><invoice-id>9</invoice-id><amount>1</amount><paid-at>2011-03-31</paid-at></payment>"),
        ],
        "expense_categories_id_stays" => &[Document("<expense-category><id>1</id><name>x</name></expense-category>")],
        "expense_categories_deleted" => &[Request("DELETE", "/expense_categories/1", "", 400)],
        "expenses_stay" | "expenses_replaced" | "receipts_stay" => &[Document(
            "<expense><id>1</id><project-id>1</project-id><expense-category-id>1</expense-category-id>\
             <spent-at>2011-03-31</spent-at></expense>",
        )],
        "expenses_inserted" => &[
            Document(
                "<expense><project-id>9</project-id><expense-category-id>1</expense-category-id>\
                 <spent-at>2011-03-31</spent-at></expense>",
            ),
            Document(
                "<expense><project-id>1</project-id><expense-category-id>9</expense-category-id>\
                 <spent-at>2011-03-31</spent-at></expense>",
            ),
            Document(
                "<expense><project-id>1</project-id><expense-category-id>1</expense-category-id>\
                 <spent-at>2011-03-31</spent-at><user-id>9</user-id></expense>",
            ),
            Document(
                "<expense><project-id>1</project-id><expense-category-id>1</expense-category-id>\
                 <spent-at>2011-03-31</spent-at><invoice-id>9</invoice-id></expense>",
            ),
        ],
        "expenses_updated" => &[
            Request("PUT", "/expenses/1", "<expense><project-id>9</project-id></expense>", 400),
            Request("PUT", "/expenses/1", "<expense><expense-category-id>9</expense-category-id></expense>", 400),
        ],
        "expenses_locked" => &[
            Request("PUT", "/expenses/2", "<expense><project-id>2</project-id></expense>", 400),
            Request("PUT", "/expenses/2", "<expense><expense-category-id>2</expense-category-id></expense>", 400),
            Request("PUT", "/expenses/2", "<expense><spent-at>2011-03-01</spent-at></expense>", 400),
        ],
        "expenses_deleted" => &[Request("DELETE", "/expenses/2", "", 400)],
        "receipts_inserted" => &[Request("POST", "/expenses/9/receipt", "", 404)],
        "projects_have_no_expenses" => &[Request("DELETE", "/projects/1", "", 400)],
        "people_have_no_expenses" => &[Request("DELETE", "/people/2", "", 400)],
        _ => &[],
    }
}

#[test]
fn every_trigger_that_refuses_has_a_typed_error_before_it() {
    let filled = Filled::new();
    let mut before = transfers::dumped(filled.store());
    let triggers = texts(&filled.sql, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%RAISE(%'");
    assert!(triggers.len() > 20, "{triggers:?}");
    for trigger in triggers {
        let cases = cases(&trigger);
        assert!(!cases.is_empty(), "the trigger {trigger} has no case here");
        for case in cases {
            match case {
                Breaks::Document(document) => filled.load_refused(document, "line 1"),
                Breaks::Request(method, path, body, status) => {
                    let answer = filled.service.call(method, path, body);
                    assert_eq!(answer.status, *status, "{trigger}: {method} {path} {body} {answer:?}");
                }
                Breaks::Archived(path) => {
                    let answer = filled.service.call("DELETE", path, "");
                    assert!(answer.status == 200 && answer.hint().is_some(), "{trigger}: {path} {answer:?}");
                    assert_eq!(filled.service.get(path).status, 200, "{trigger}");
                    before = transfers::dumped(filled.store());
                }
            }
            assert_eq!(transfers::dumped(filled.store()), before, "{trigger}");
        }
    }
}
