//! Expenses and their categories, typed, over the API and in the file (`docs/spec/time.md`).

mod api;
mod common;

use api::{DECLARATION, Service};
use clientstore::{
    Account, ClientStore, Dialect, Error, ExpenseCategoryChanges, ExpenseChanges, ExpenseFilter, LoadOptions,
    NewExpense, NewExpenseCategory, NewInvoice, NewPerson, Receipt, Rule, WeekStart,
};
use common::{builder, day, plain, refusal};
use rust_decimal::Decimal;

/// Two people and two projects.
fn company() -> Service {
    furnish(Service::new())
}

fn furnish(service: Service) -> Service {
    service.client("Iridesco");
    service.project(1, "Click and Type");
    service.project(1, "Website");
    service.api.store().people().create(&NewPerson::named("Jo", "Doe", "jo@example.com")).unwrap();
    service
}

fn expense(fields: &str) -> String {
    format!("<expense><project-id>1</project-id><expense-category-id>1</expense-category-id>{fields}</expense>")
}

fn ids(store: &ClientStore, filter: &ExpenseFilter) -> Vec<i64> {
    store.expenses().list(filter).unwrap().map(|expense| expense.unwrap().id.into()).collect()
}

#[test]
fn categories_come_out_to_the_byte_and_every_call_does_what_it_says() {
    let list = include_str!("fixtures/expense-categories.xml");
    let live = list.replace("<expense-categories>", "<expense-categories type=\"array\">");
    for (dialect, head, list) in [(Dialect::Documented, "", list), (Dialect::Live, DECLARATION, &live)] {
        let service = company().with(|api| api.dialect(dialect));
        assert_eq!(service.get("/expense_categories").body, format!("{head}{list}"));
        assert_eq!(service.get("/expense_categories.json").body, include_str!("fixtures/expense-categories.json"));
        let body = "<expense-category><name>Parking &amp; tolls</name><unit-name>hour</unit-name>\
                    <unit_price type=\"decimal\">2.50</unit_price><id>9</id></expense-category>";
        assert_eq!(service.create("/expense_categories", body), "/expense_categories/5");
        let one = service.get("/expense_categories/5").body;
        assert_eq!(one, format!("{head}{}", include_str!("fixtures/expense-category.xml")));
        assert_eq!(service.get("/expense_categories/5.json").body, include_str!("fixtures/expense-category.json"));
        for (method, archived) in [("POST", "true"), ("PUT", "false")] {
            let answer = service.call(method, "/expense_categories/5/toggle", "");
            assert_eq!((answer.status, answer.location()), (200, Some("/expense_categories/5")), "{method}");
            let shown = format!("<deactivated type=\"boolean\">{archived}</deactivated>");
            assert!(service.get("/expense_categories/5").body.contains(&shown), "{method}");
        }
        let body = "<expense-category><unit-price/><deactivated>1</deactivated></expense-category>";
        let answer = service.put("/expense_categories/5", body);
        assert_eq!((answer.status, answer.location()), (200, Some("/expense_categories/5")));
        let store = service.api.store();
        let category = store.expense_categories().get(5).unwrap();
        assert_eq!((category.unit_price, category.deactivated), (None, true));
        store.expenses().create(&NewExpense::of(1, 5, day("2011-03-31"))).unwrap();
        let answer = service.call("DELETE", "/expense_categories/5", "");
        assert_eq!((answer.status, answer.message()), (400, "Category has expenses."));
        let in_the_way = (Rule::CategoryHasExpenses, vec![("expense", 1)]);
        assert_eq!(refusal(store.expense_categories().delete(5)), in_the_way);
        store.expenses().delete(1).unwrap();
        assert_eq!(service.call("DELETE", "/expense_categories/5", "").status, 200);
        assert_eq!(
            service.post("/expense_categories", "<expense-category><name> </name></expense-category>").status,
            400
        );
    }
}

#[test]
fn expenses_come_out_to_the_byte_in_both_formats() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = company().with(|api| api.dialect(dialect));
        let body =
            expense("<notes>Ink &amp; paper</notes><total-cost>12.50</total-cost><spent-at>2011-03-31</spent-at>");
        assert_eq!(service.create("/expenses", &body), "/expenses/1");
        let body = "{\"expense\":{\"project_id\":2,\"expense_category_id\":3,\"units\":10,\"spent_at\":\"20110328\",\
                    \"billable\":false}}";
        assert_eq!(service.create("/expenses", body), "/expenses/2");
        service.api.store().expenses().keep_receipt(2, &Receipt::new("a.txt", "ten miles")).unwrap();
        let one = format!("{head}{}", include_str!("fixtures/expense.xml"));
        assert_eq!(service.get("/expenses/1").body, one);
        assert_eq!(service.get("/expenses/1.json").body, include_str!("fixtures/expense.json"));
        let week = format!("{head}{}", include_str!("fixtures/expenses-week.xml"));
        for path in ["/expenses", "/expenses.xml", "/expenses/90/2011", "/expenses/087/2011", "/expenses/93/2011/"] {
            assert_eq!(service.get(path).body, week, "{path}");
        }
        for path in ["/expenses.json", "/expenses/090/2011.json"] {
            assert_eq!(service.get(path).body, include_str!("fixtures/expenses.json"), "{path}");
        }
        let empty = service.get("/expenses/005/2011").body;
        let expected = "<expenses>\n  <for_week_start_day type=\"date\">2011-01-03</for_week_start_day>\n  \
                        <for_week_end_day type=\"date\">2011-01-09</for_week_end_day>\n</expenses>\n";
        assert_eq!(empty, format!("{head}{expected}"));
        assert_eq!(service.get("/expenses/5/2011.json").body, "[]\n");
        let root = if dialect == Dialect::Live { "<expenses type=\"array\">" } else { "<expenses>" };
        let report = service.get("/people/1/expenses?from=20110301&to=20110331").body;
        assert!(
            report.starts_with(&format!("{head}{root}\n  <expense>\n    <id type=\"integer\">2</id>\n")),
            "{report}"
        );
        for path in
            ["/expenses/0/2011", "/expenses/366/2011", "/expenses/367/2012", "/expenses/1/0", "/expenses/x/2011"]
        {
            assert_eq!(service.get(path).status, 404, "{path}");
        }
        assert_eq!(service.get("/expenses/366/2012").status, 200);
    }
}

#[test]
fn the_list_of_a_week_can_be_loaded_and_nothing_of_it_is_unknown() {
    let service = company();
    service
        .create("/expenses", &expense("<notes>a</notes><total-cost>12.50</total-cost><spent-at>2011-03-31</spent-at>"));
    service.create("/expenses?of_user=2", &expense("<units>3</units><spent-at>2011-03-31</spent-at>"));
    for path in ["/expenses", "/expenses.json", "/expenses?of_user=2"] {
        let week = service.get(path).body;
        let copy = company();
        let loaded = copy
            .api
            .store()
            .load_with([("the week", week.as_bytes())], LoadOptions::new().strict(true), |_| {})
            .unwrap();
        assert_eq!(loaded.kinds, [("expense", 1)], "{path}");
        assert_eq!(copy.get(path).body, week);
    }
}

#[test]
fn a_week_begins_on_the_accounts_day_and_has_one_persons_expenses() {
    for (start, first, last) in [
        (WeekStart::Monday, "2011-03-28", "2011-04-03"),
        (WeekStart::Sunday, "2011-03-27", "2011-04-02"),
        (WeekStart::Saturday, "2011-03-26", "2011-04-01"),
    ] {
        let service = furnish(Service::of(Account::default().week_start_day(start)));
        let store = service.api.store();
        let before = day(first).pred_opt().unwrap();
        for on in [day(last), day(first), before, day(last).succ_opt().unwrap()] {
            for user in [1, 2] {
                store.expenses().create(&NewExpense::of(1, 1, on).user_id(user)).unwrap();
            }
        }
        assert_eq!(service.get("/expenses").ids(), [1, 3], "{start}");
        assert_eq!(service.get("/expenses?of_user=2").ids(), [2, 4], "{start}");
        assert_eq!(service.get("/expenses?of_user=").ids(), [1, 3], "{start}");
        for unknown in ["9", "x"] {
            assert_eq!(service.get(&format!("/expenses?of_user={unknown}")).status, 404);
        }
    }
}

#[test]
fn an_expense_is_made_for_the_acting_person_or_for_whom_an_administrator_names() {
    let service = company();
    let body = expense("<spent-at>2011-03-31</spent-at>");
    let of = |fields: &str| expense(&format!("<spent-at>2011-03-31</spent-at>{fields}"));
    for (path, body, person) in [
        ("/expenses", body.clone(), 1),
        ("/expenses?of_user=2", body.clone(), 2),
        ("/expenses", of("<user-id>2</user-id>"), 2),
        ("/expenses", of("<of_user>2</of_user>"), 2),
        ("/expenses?of_user=2", of("<user-id>1</user-id>"), 1),
    ] {
        let path = service.create(path, &body);
        let shown = format!("<user-id type=\"integer\">{person}</user-id>");
        assert!(service.get(&path).body.contains(&shown), "{body}");
        service.put(&path, "<expense><user-id>2</user-id></expense>");
        assert!(service.get(&path).body.contains(&shown), "it stays with the person");
    }
    assert_eq!(service.post("/expenses?of_user=9", &body).status, 404);
    for (fields, hint) in [
        ("<user-id>9</user-id>", "user-id is 9, but there is no such person; create them first"),
        ("<project-id>9</project-id>", "project-id is 9, but there is no such project; create it first"),
        (
            "<expense-category-id>9</expense-category-id>",
            "expense-category-id is 9, but there is no such category; create it first",
        ),
    ] {
        let answer = service.post("/expenses", &of(fields));
        assert_eq!((answer.status, answer.hint()), (400, Some(hint)));
    }
    for field in ["project-id", "expense-category-id", "spent-at"] {
        let (before, rest) = body.split_once(&format!("<{field}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{field}>")).unwrap();
        let answer = service.post("/expenses", &format!("{before}{after}"));
        assert_eq!((answer.status, answer.hint()), (400, Some(&*format!("{field} is required"))));
    }
}

#[test]
fn days_come_in_every_form_that_programs_sent() {
    let service = company();
    for sent in ["2009-12-28", "20091228", "Mon, 28 Dec 2009", "Mon Dec 28 00:00:00 -0500 2009", "2009/12/28"] {
        let path = service.create("/expenses", &expense(&format!("<spent-at type=\"date\">{sent}</spent-at>")));
        assert!(service.get(&path).body.contains("<spent-at type=\"date\">2009-12-28</spent-at>"), "{sent}");
    }
    assert_eq!(service.post("/expenses", &expense("<spent-at>28.12.2009</spent-at>")).status, 400);
}

#[test]
fn units_cost_their_price_and_a_given_cost_wins() {
    let service = company();
    let store = service.api.store();
    let priced = NewExpenseCategory::priced("Ink", "ml", Decimal::new(485, 3));
    assert_eq!(store.expense_categories().create(&priced).unwrap(), 5);
    let made = |fields: &str| {
        let fields = format!("<expense-category-id>5</expense-category-id><spent-at>2011-03-31</spent-at>{fields}");
        let path = service.create("/expenses", &expense(&fields));
        path.rsplit_once('/').unwrap().1.parse::<i64>().unwrap()
    };
    let cost = |id: i64| {
        let expense = store.expenses().get(id).unwrap();
        (expense.total_cost.to_string(), expense.units.to_string())
    };
    let is = |total: &str, units: &str| (total.to_owned(), units.to_owned());
    for (fields, total, units) in [
        ("<units>3</units>", "1.46", "3.0"),
        ("<total-cost>75.00</total-cost>", "75.0", "1.0"),
        ("<total-cost>75.00</total-cost><units>3</units>", "75.0", "1.0"),
        ("<total-cost type=\"decimal\"></total-cost><units>3</units>", "1.46", "3.0"),
        ("<units>-3</units>", "-1.46", "-3.0"),
        ("", "0.49", "1.0"),
        ("<expense-category-id>1</expense-category-id><units>4</units>", "0.0", "4.0"),
    ] {
        assert_eq!(cost(made(fields)), is(total, units), "{fields}");
    }
    let id = made("<total-cost>75.00</total-cost>");
    for (fields, total, units) in [
        ("<total-cost>50</total-cost>", "50.0", "1.0"),
        ("<notes>x</notes>", "50.0", "1.0"),
        ("<total-cost></total-cost><units>3</units>", "1.46", "3.0"),
        ("<expense-category-id>5</expense-category-id>", "1.46", "3.0"),
        ("<expense-category-id>3</expense-category-id>", "1.65", "3.0"),
        ("<expense-category-id>1</expense-category-id>", "1.65", "3.0"),
        ("<units>5</units>", "1.65", "5.0"),
        ("<expense-category-id>5</expense-category-id><units>2</units>", "0.97", "2.0"),
    ] {
        assert_eq!(service.put(&format!("/expenses/{id}"), &format!("<expense>{fields}</expense>")).status, 200);
        assert_eq!(cost(id), is(total, units), "{fields}");
    }
    store.expense_categories().update(5, &ExpenseCategoryChanges::new().unit_price(Decimal::TEN)).unwrap();
    assert_eq!(cost(id), is("0.97", "2.0"), "what was spent stays as it was");
    let answer = service.put(&format!("/expenses/{id}"), "<expense><units>999999999999</units></expense>");
    let hint = "units cost more than 12 digits before the point can say; send fewer";
    assert_eq!((answer.status, answer.hint()), (400, Some(hint)));
}

/// A store with three expenses of project 1: closed, on an invoice, free.
fn locked(folder: &tempfile::TempDir) -> ClientStore {
    let store = builder(&common::Clock::default()).open(folder.path().join("store.db")).unwrap();
    let loaded = company();
    let mut document = Vec::new();
    loaded.api.store().invoices().create(&NewInvoice::of(1)).unwrap();
    loaded.api.store().dump(&mut document, |_| {}).unwrap();
    store.load([("the dump", &*document)], |_| {}).unwrap();
    for _ in 0..3 {
        store.expenses().create(&NewExpense::of(1, 1, day("2011-03-31"))).unwrap();
    }
    let sql = plain(&folder.path().join("store.db"));
    sql.execute_batch(
        "UPDATE expenses SET is_closed = 1 WHERE id = 1; UPDATE expenses SET is_billed = 1, invoice_id = 1 WHERE id = 2",
    )
    .unwrap();
    store
}

#[test]
fn a_locked_expense_keeps_its_project_its_category_and_its_day_and_is_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = locked(&folder);
    let service = Service { api: clientstore::Api::new(store.clone()), clock: common::Clock::default() };
    for id in [1, 2] {
        for change in [
            ExpenseChanges::new().project_id(2),
            ExpenseChanges::new().expense_category_id(2),
            ExpenseChanges::new().spent_at(day("2011-03-30")),
        ] {
            let refused = (Rule::ExpenseIsLocked, vec![("locked expense", 1)]);
            assert_eq!(refusal(store.expenses().update(id, &change)), refused, "{change:?}");
        }
        let same = ExpenseChanges::new().project_id(1).expense_category_id(1).spent_at(day("2011-03-31"));
        store.expenses().update(id, &same.notes("paid").total_cost(Decimal::TEN)).unwrap();
        let answer = service.call("DELETE", &format!("/expenses/{id}"), "");
        assert_eq!((answer.status, answer.message()), (400, "Expense is closed or on an invoice."));
        let answer = service.put(&format!("/expenses/{id}"), "<expense><spent-at>2011-03-01</spent-at></expense>");
        assert_eq!((answer.status, answer.message()), (400, "Expense is closed or on an invoice."));
    }
    store.expenses().update(3, &ExpenseChanges::new().project_id(2)).unwrap();
    store.expenses().delete(3).unwrap();
    store.invoices().delete(1).unwrap();
    let free = store.expenses().get(2).unwrap();
    assert_eq!((free.is_billed, free.invoice_id), (false, None), "the invoice has set it free");
    store.expenses().delete(2).unwrap();
}

#[test]
fn projects_and_people_with_expenses_stay() {
    let service = company();
    let store = service.api.store();
    store.expenses().create(&NewExpense::of(2, 1, day("2011-03-31")).user_id(2)).unwrap();
    let refused = (Rule::ProjectHasTimeOrExpenses, vec![("expense", 1)]);
    assert_eq!(refusal(store.projects().delete(2)), refused);
    let refused = (Rule::PersonHasTimeOrExpenses, vec![("expense", 1)]);
    assert_eq!(refusal(store.people().delete(2)), refused);
    for (path, message) in
        [("/projects/2", "Project has time or expenses."), ("/people/2", "Person has time or expenses.")]
    {
        let answer = service.call("DELETE", path, "");
        assert_eq!((answer.status, answer.message()), (400, message));
        assert!(answer.hint().unwrap().contains("1 expense"), "{answer:?}");
    }
    store.expenses().delete(1).unwrap();
    store.projects().delete(2).unwrap();
    store.people().delete(2).unwrap();
}

#[test]
fn reports_need_their_days_and_each_filter_narrows_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = locked(&folder);
    let service = Service { api: clientstore::Api::new(store.clone()), clock: common::Clock::default() };
    for (on, user) in [("2011-03-01", 2), ("2011-03-02", 1), ("2011-02-28", 1), ("2011-04-01", 1)] {
        store.expenses().create(&NewExpense::of(1, 1, day(on)).user_id(user)).unwrap();
    }
    store.expenses().create(&NewExpense::of(2, 1, day("2011-03-15"))).unwrap();
    plain(&folder.path().join("store.db"))
        .execute_batch("UPDATE expenses SET updated_at = '2012-01-01T00:00:00Z' WHERE id IN (2, 8)")
        .unwrap();
    const ALL: &str = "from=20110301&to=2011-03-31";
    for (query, expected) in [
        ("", &[4, 5, 1, 2, 3][..]),
        ("&is_closed=yes", &[1]),
        ("&is_closed=no", &[4, 5, 2, 3]),
        ("&is_closed=maybe", &[4, 5, 1, 2, 3]),
        ("&only_billed=yes", &[2]),
        ("&only_billed=no", &[4, 5, 1, 2, 3]),
        ("&only_unbilled=yes", &[4, 5, 1, 3]),
        ("&only_billed=yes&is_closed=yes", &[]),
        ("&updated_since=2011-12-31", &[2]),
        ("?is_closed=yes", &[1]),
        ("&other=1", &[4, 5, 1, 2, 3]),
    ] {
        assert_eq!(service.get(&format!("/projects/1/expenses?{ALL}{query}")).ids(), expected, "{query}");
    }
    for path in ["/people/1/expenses", "/people/admin@example.com/expenses"] {
        assert_eq!(service.get(&format!("{path}?{ALL}")).ids(), [5, 8, 1, 2, 3], "{path}");
    }
    for (query, missing) in
        [("", "from"), ("?to=20110331", "from"), ("?from=&to=20110331", "from"), ("?from=20110301&to=+", "to")]
    {
        for path in ["/projects/1/expenses", "/people/1/expenses"] {
            let answer = service.get(&format!("{path}{query}"));
            let hint = format!("{missing} is required; send from and to, each a day like 20110331");
            assert_eq!((answer.status, answer.hint()), (400, Some(&*hint)), "{path}{query}");
        }
    }
    for path in ["/projects/9/expenses", "/people/9/expenses", "/people/nobody@example.com/expenses"] {
        assert_eq!(service.get(&format!("{path}?{ALL}")).status, 404, "{path}");
    }
    let filter = || ExpenseFilter::new().project(1).from(day("2011-03-01")).to(day("2011-03-31"));
    assert_eq!(ids(&store, &filter()), [4, 5, 1, 2, 3]);
    assert_eq!(ids(&store, &filter().billed(true)), [2]);
    assert_eq!(ids(&store, &filter().billed(false).closed(false)), [4, 5, 3]);
    assert_eq!(ids(&store, &filter().user(2)), [4]);
    assert_eq!(ids(&store, &ExpenseFilter::new().category(1)), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(ids(&store, &ExpenseFilter::new().category(2)), Vec::<i64>::new());
}

#[test]
fn the_file_itself_refuses_what_breaks_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let store = locked(&folder);
    store.expenses().keep_receipt(3, &Receipt::new("a.png", "x")).unwrap();
    let sql = plain(&folder.path().join("store.db"));
    let insert = "INSERT INTO expenses (id, total_cost, project_id, expense_category_id, spent_at, user_id, invoice_id, \
                  is_billed, created_at, updated_at) VALUES";
    let moments = "'2011-03-31T10:00:00Z', '2011-03-31T10:00:00Z'";
    for statement in [
        format!("{insert} (9, '1.0', 7, 1, '2011-03-31', 1, NULL, 0, {moments})"),
        format!("{insert} (9, '1.0', 1, 7, '2011-03-31', 1, NULL, 0, {moments})"),
        format!("{insert} (9, '1.0', 1, 1, '2011-03-31', 7, NULL, 0, {moments})"),
        format!("{insert} (9, '1.0', 1, 1, '2011-03-31', 1, 7, 1, {moments})"),
        format!("{insert} (9, '1.0', 1, 1, '2011-03-31', 1, 1, 0, {moments})"),
        format!("{insert} (9, 'ten', 1, 1, '2011-03-31', 1, NULL, 0, {moments})"),
        format!("{insert} (9, '1.0', 1, 1, 'today', 1, NULL, 0, {moments})"),
        format!("REPLACE{} (1, '1.0', 2, 1, '2011-03-31', 1, NULL, 0, {moments})", insert.trim_start_matches("INSERT")),
        format!("REPLACE{} (3, '1.0', 1, 1, '2011-03-31', 2, NULL, 0, {moments})", insert.trim_start_matches("INSERT")),
        "UPDATE expenses SET project_id = 7 WHERE id = 3".to_owned(),
        "UPDATE expenses SET expense_category_id = 7 WHERE id = 3".to_owned(),
        "UPDATE expenses SET invoice_id = 7, is_billed = 1 WHERE id = 3".to_owned(),
        "UPDATE expenses SET user_id = 2 WHERE id = 3".to_owned(),
        "UPDATE expenses SET id = 9 WHERE id = 3".to_owned(),
        "UPDATE expenses SET spent_at = '2011-03-01' WHERE id = 1".to_owned(),
        "UPDATE expenses SET project_id = 2 WHERE id = 2".to_owned(),
        "DELETE FROM expenses WHERE id = 1".to_owned(),
        "DELETE FROM expenses WHERE id = 2".to_owned(),
        "DELETE FROM expense_categories WHERE id = 1".to_owned(),
        "UPDATE expense_categories SET id = 9 WHERE id = 1".to_owned(),
        "UPDATE expense_categories SET name = ' ' WHERE id = 1".to_owned(),
        "DELETE FROM projects WHERE id = 1".to_owned(),
        "DELETE FROM people WHERE id = 1".to_owned(),
        "INSERT INTO receipts VALUES (9, 'a', 'image/png', x'00')".to_owned(),
        "INSERT INTO receipts VALUES (1, '', 'image/png', x'00')".to_owned(),
        "INSERT INTO receipts VALUES (1, 'a', 'png', x'00')".to_owned(),
        "INSERT INTO receipts VALUES (1, 'a', 'image/png', x'')".to_owned(),
        "INSERT INTO receipts VALUES (1, 'a', 'image/png', zeroblob(10485761))".to_owned(),
        "UPDATE receipts SET expense_id = 1".to_owned(),
    ] {
        assert!(sql.execute_batch(&statement).is_err(), "{statement}");
    }
    sql.execute_batch("DELETE FROM expenses WHERE id = 3").unwrap();
    let left: i64 = sql.query_row("SELECT count(*) FROM receipts", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "a receipt goes with its expense");
    assert!(store.check(|_| {}).unwrap().is_clean());
}

#[test]
fn a_transaction_that_fails_keeps_neither_expense_nor_receipt() {
    let service = company();
    let store = service.api.store();
    let failed: Result<(), Error> = store.transaction(|tx| {
        let id = tx.expenses().create(&NewExpense::of(1, 1, day("2011-03-31")))?;
        tx.expenses().keep_receipt(id, &Receipt::new("a.png", "x"))?;
        assert_eq!(tx.expenses().receipt(id)?.bytes, "x");
        tx.expenses().delete(99)
    });
    assert!(matches!(failed, Err(Error::NotFound { .. })));
    assert_eq!(ids(store, &ExpenseFilter::new()), Vec::<i64>::new());
    assert!(matches!(store.expenses().receipt(1), Err(Error::NotFound { record: "receipt", id: 1 })));
}
