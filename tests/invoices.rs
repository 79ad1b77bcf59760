//! The typed access to invoices' header fields (`invoices.md`).

mod common;

use clientstore::{
    ClientStore, Invoice, InvoiceChanges, InvoiceFilter, InvoiceId, InvoiceKind, InvoiceState, InvoiceStatus,
    NewClient, NewInvoice,
};
use common::{builder, day, invalid, memory, moment, plain};
use rust_decimal::Decimal;

/// A store with clients 1 and 2.
fn store() -> (ClientStore, common::Clock) {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("one")).unwrap();
    store.clients().create(&NewClient::named("two").currency("Euro - EUR")).unwrap();
    (store, clock)
}

fn create(store: &ClientStore, new: &NewInvoice) -> Invoice {
    store.invoices().get(store.invoices().create(new).unwrap()).unwrap()
}

fn update(store: &ClientStore, id: impl Into<InvoiceId> + Copy, changes: &InvoiceChanges) -> Invoice {
    store.invoices().update(id, changes).unwrap();
    store.invoices().get(id).unwrap()
}

fn ids(store: &ClientStore, filter: &InvoiceFilter) -> Vec<i64> {
    store.invoices().list(filter).unwrap().map(|invoice| invoice.unwrap().id.into()).collect()
}

#[test]
fn a_new_invoice_has_the_defaults() {
    let (store, clock) = store();
    let invoice = create(&store, &NewInvoice::of(2));
    assert_eq!(
        (invoice.id, invoice.client_id, invoice.state, invoice.created_by_id),
        (1.into(), 2.into(), InvoiceState::Draft, 1)
    );
    assert_eq!((invoice.amount, invoice.due_amount, invoice.discount_amount), Default::default());
    assert_eq!((invoice.due_at, invoice.issued_at), (day("2011-03-31"), day("2011-03-31")));
    assert_eq!((invoice.due_at_human_format.as_str(), invoice.number.as_str()), ("upon receipt", "1"));
    assert_eq!((invoice.subject.as_str(), invoice.notes.as_str(), invoice.purchase_order.as_str()), ("", "", ""));
    assert_eq!((invoice.tax, invoice.tax2, invoice.discount), (None, None, None));
    assert_eq!((invoice.tax_amount, invoice.tax2_amount), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!((invoice.period_start, invoice.period_end), (None, None));
    assert_eq!((invoice.recurring_invoice_id, invoice.estimate_id, invoice.retainer_id), (None, None, None));
    assert_eq!((invoice.created_at, invoice.updated_at), (clock.now(), clock.now()));
    assert_eq!(invoice.currency, "Euro - EUR", "the client's");
}

#[test]
fn the_lines_of_a_new_invoice_can_be_looked_at_as_they_go_out() {
    assert_eq!(NewInvoice::of(1).fields().csv_line_items(), None);
    let new = NewInvoice::of(1).lines([clientstore::NewLineItem::of("Design", 3, 80)]);
    let csv = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,Design,3.0,80.0,,,,\n";
    assert_eq!(new.fields().csv_line_items(), Some(csv));
}

#[test]
fn client_keys_come_from_the_key_generator_or_are_unguessable() {
    let key = |store: &ClientStore| {
        store.clients().create(&NewClient::named("x")).unwrap();
        create(store, &NewInvoice::of(1)).client_key
    };
    assert_eq!(key(&memory().0), "07".repeat(20));
    let (first, second) = (key(&ClientStore::open_in_memory().unwrap()), key(&ClientStore::open_in_memory().unwrap()));
    assert_ne!(first, second);
    for key in [first, second] {
        assert!(key.len() == 40 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
    }
}

#[test]
fn the_number_follows_the_newest_created_invoices() {
    let (store, clock) = store();
    let mut numbers = Vec::new();
    for given in [None, None, Some("2011-0099"), None, Some("INV"), None, None, Some("A-9-b"), None] {
        clock.forward(1);
        let new = NewInvoice::of(1);
        numbers.push(create(&store, &given.into_iter().fold(new, NewInvoice::number)).number);
    }
    assert_eq!(numbers, ["1", "2", "2011-0099", "2011-0100", "INV", "INV1", "INV2", "A-9-b", "A-10-b"]);
    update(&store, 1, &InvoiceChanges::new().number("5000"));
    assert_eq!(create(&store, &NewInvoice::of(1)).number, "A-11-b", "an update makes no invoice newer");
    store.invoices().delete(10).unwrap();
    assert_eq!(create(&store, &NewInvoice::of(1)).number, "A-11-b");
}

#[test]
fn the_due_date_follows_the_human_format_and_the_day_of_issue() {
    let (store, _) = store();
    for (format, due) in [
        ("NET 15", "2011-03-16"),
        ("net 0", "2011-03-01"),
        ("Net 365", "2012-02-29"),
        ("30 days", "2011-03-31"),
        ("upon receipt", "2011-03-01"),
        ("Due Upon Receipt", "2011-03-01"),
        ("custom", "2011-03-01"),
        ("soon", "2011-03-01"),
    ] {
        let new = NewInvoice::of(1).issued_at(day("2011-03-01")).due_at_human_format(format);
        let invoice = create(&store, &new);
        assert_eq!((invoice.due_at, invoice.due_at_human_format.as_str()), (day(due), format));
    }
}

#[test]
fn a_due_date_of_its_own_is_kept_where_no_format_wins() {
    let (store, _) = store();
    let given = NewInvoice::of(1).due_at(day("2011-05-05"));
    for (format, due, kept) in [
        (None, "2011-05-05", "custom"),
        (Some("custom"), "2011-05-05", "custom"),
        (Some("when you can"), "2011-05-05", "when you can"),
        (Some("NET 1"), "2011-04-01", "NET 1"),
    ] {
        let invoice = create(&store, &format.into_iter().fold(given.clone(), NewInvoice::due_at_human_format));
        assert_eq!((invoice.due_at, invoice.due_at_human_format.as_str()), (day(due), kept));
    }
}

#[test]
fn a_changed_format_or_day_of_issue_moves_the_due_date() {
    let (store, _) = store();
    let id = create(&store, &NewInvoice::of(1).due_at_human_format("NET 10")).id;
    let new = InvoiceChanges::new;
    for (changes, due, format) in [
        (new().subject("x"), "2011-04-10", "NET 10"),
        (new().issued_at(day("2011-01-01")), "2011-01-11", "NET 10"),
        (new().due_at_human_format("NET 20"), "2011-01-21", "NET 20"),
        (new().due_at_human_format("custom"), "2011-01-21", "custom"),
        (new().issued_at(day("2011-02-01")), "2011-01-21", "custom"),
        (new().due_at(day("2011-07-07")), "2011-07-07", "custom"),
        (new().due_at_human_format("upon receipt").issued_at(day("2011-02-02")), "2011-02-02", "upon receipt"),
        (new().due_at(day("2011-08-08")), "2011-08-08", "custom"),
        (new().due_at_human_format("5 days").due_at(day("2011-09-09")), "2011-02-07", "5 days"),
        (new().due_at_human_format("later").due_at(day("2011-09-09")), "2011-09-09", "later"),
    ] {
        let invoice = update(&store, id, &changes);
        assert_eq!((invoice.due_at, invoice.due_at_human_format.as_str()), (day(due), format), "{changes:?}");
    }
}

#[test]
fn a_due_date_beyond_the_calendar_is_refused() {
    let (store, _) = store();
    let last = create(&store, &NewInvoice::of(1).issued_at(day("9999-12-30")).due_at_human_format("NET 1"));
    assert_eq!(last.due_at, day("9999-12-31"));
    for format in ["NET 2", "NET 99999999999999999999", "3000000 days"] {
        let new = NewInvoice::of(1).issued_at(day("9999-12-30")).due_at_human_format(format);
        assert_eq!(invalid(store.invoices().create(&new)).0, "due-at-human-format", "{format}");
        let changes = InvoiceChanges::new().due_at_human_format(format);
        assert_eq!(invalid(store.invoices().update(last.id, &changes)).0, "due-at-human-format", "{format}");
    }
    assert_eq!(store.invoices().get(last.id).unwrap(), last);
}

#[test]
fn a_percent_lies_between_0_and_100() {
    let (store, _) = store();
    let percent = |text: &str| text.parse::<Decimal>().unwrap();
    for good in ["0", "100", "7.125"] {
        let invoice = create(&store, &NewInvoice::of(1).tax(percent(good)).tax2(percent(good)).discount(percent(good)));
        assert_eq!([invoice.tax, invoice.tax2, invoice.discount], [Some(percent(good)); 3]);
    }
    type Set = (fn(NewInvoice, Decimal) -> NewInvoice, fn(InvoiceChanges, Decimal) -> InvoiceChanges);
    let fields: [(&str, Set); 3] = [
        ("tax", (NewInvoice::tax, InvoiceChanges::tax)),
        ("tax2", (NewInvoice::tax2, InvoiceChanges::tax2)),
        ("discount", (NewInvoice::discount, InvoiceChanges::discount)),
    ];
    for bad in ["-0.000001", "100.000001", "999999999999"] {
        for (field, (set, change)) in fields {
            assert_eq!(invalid(store.invoices().create(&set(NewInvoice::of(1), percent(bad)))).0, field);
            assert_eq!(invalid(store.invoices().update(1, &change(InvoiceChanges::new(), percent(bad)))).0, field);
        }
    }
}

#[test]
fn without_a_tax_its_amount_is_zero() {
    let (store, _) = store();
    let lines = [clientstore::NewLineItem::of("A", 1, 100).taxed(true).taxed2(true)];
    let id = create(&store, &NewInvoice::of(1).tax(Decimal::from(5)).lines(lines)).id;
    let amounts = |invoice: Invoice| (invoice.tax_amount.to_string(), invoice.tax2_amount.to_string());
    let are = |tax: &str, tax2: &str| (tax.to_owned(), tax2.to_owned());
    assert_eq!(amounts(store.invoices().get(id).unwrap()), are("5.0", "0.0"));
    assert_eq!(amounts(update(&store, id, &InvoiceChanges::new().tax2(Decimal::ONE))), are("5.0", "1.0"));
    assert_eq!(amounts(update(&store, id, &InvoiceChanges::new().tax(None))), are("0.0", "1.0"));
    assert_eq!(amounts(update(&store, id, &InvoiceChanges::new().notes("n").tax2(None))), are("0.0", "0.0"));
}

#[test]
fn the_client_knows_the_kind_of_its_newest_invoice() {
    let (store, clock) = store();
    let kind = |client| store.clients().get(client).unwrap().last_invoice_kind;
    assert_eq!(kind(1), None);
    for new in [NewInvoice::of(1), NewInvoice::of(1), NewInvoice::of(2)] {
        clock.forward(1);
        create(&store, &new);
    }
    assert_eq!((kind(1).as_deref(), kind(2).as_deref()), (Some("free_form"), Some("free_form")));
    let client = store.clients().get(1).unwrap();
    assert_eq!((client.cache_version, client.updated_at), (0, moment("2011-03-31T10:00:00Z")), "that is no write");
    update(&store, 3, &InvoiceChanges::new().client_id(1));
    assert_eq!((kind(1).as_deref(), kind(2)), (Some("free_form"), None));
    for id in 1..=3 {
        store.invoices().delete(id).unwrap();
    }
    assert_eq!(kind(1), None);
    assert_eq!(InvoiceKind::FreeForm.as_str(), "free_form");
}

#[test]
fn a_list_is_newest_first_and_ties_go_by_id() {
    let (store, clock) = store();
    for _ in 0..3 {
        create(&store, &NewInvoice::of(1));
        create(&store, &NewInvoice::of(2));
        clock.forward(-60);
    }
    assert_eq!(ids(&store, &InvoiceFilter::default()), [2, 1, 4, 3, 6, 5]);
}

#[test]
fn a_page_has_fifty_invoices() {
    let (store, _) = store();
    store.invoices().create_all((0..120).map(|_| NewInvoice::of(1))).unwrap();
    let page = |page| ids(&store, &InvoiceFilter::new().page(page));
    let newest_first = |from: i64, to: i64| (to..=from).rev().collect::<Vec<_>>();
    assert_eq!(page(1), newest_first(120, 71));
    assert_eq!(page(2), newest_first(70, 21));
    assert_eq!(page(3), newest_first(20, 1));
    assert_eq!(page(4), [0; 0]);
    assert_eq!(page(u32::MAX), [0; 0]);
    assert_eq!(page(0), page(1));
    assert_eq!(ids(&store, &InvoiceFilter::default()), newest_first(120, 1));
}

#[test]
fn invoices_are_filtered_by_day_client_and_update_and_all_combine() {
    let (store, clock) = store();
    for (client, issued) in [(1, "2011-03-01"), (2, "2011-03-02"), (1, "2011-03-03"), (2, "2011-03-04")] {
        create(&store, &NewInvoice::of(client).issued_at(day(issued)));
        clock.forward(60);
    }
    let all = InvoiceFilter::default;
    for (filter, expected) in [
        (all().from(day("2011-03-02")), vec![4, 3, 2]),
        (all().to(day("2011-03-02")), vec![2, 1]),
        (all().from(day("2011-03-02")).to(day("2011-03-03")), vec![3, 2]),
        (all().from(chrono::NaiveDate::MIN).to(chrono::NaiveDate::MAX), vec![4, 3, 2, 1]),
        (all().from(chrono::NaiveDate::MAX), vec![]),
        (all().client(1), vec![3, 1]),
        (all().client(9), vec![]),
        (all().updated_since(moment("2011-03-31T10:02:00Z")), vec![4, 3]),
        (
            all()
                .client(2)
                .from(day("2011-03-02"))
                .to(day("2011-03-31"))
                .updated_since(moment("2011-03-31T10:01:00Z"))
                .status(InvoiceStatus::Is(InvoiceState::Draft))
                .page(1),
            vec![4, 2],
        ),
        (all().client(2).page(2), vec![]),
    ] {
        assert_eq!(ids(&store, &filter), expected, "{filter:?}");
    }
}

#[test]
fn invoices_are_filtered_by_status() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    for (at, state) in ["draft", "open", "partial", "paid", "closed", "open", "partial", "draft"].iter().enumerate() {
        // Today is 2011-03-31; the first five are due today, the others were yesterday.
        let due = if at < 5 { day("2011-03-31") } else { day("2011-03-30") };
        let id = store.invoices().create(&NewInvoice::of(1).due_at(due)).unwrap();
        // Another program sets the state, to be quick about it.
        let sql = "UPDATE invoices SET state = ?1, closed = ?1 = 'closed' WHERE id = ?2";
        plain(&path).execute(sql, (state, i64::from(id))).unwrap();
    }
    for (status, expected) in [
        (InvoiceStatus::Is(InvoiceState::Draft), vec![8, 1]),
        (InvoiceStatus::Is(InvoiceState::Open), vec![6, 2]),
        (InvoiceStatus::Is(InvoiceState::Partial), vec![7, 3]),
        (InvoiceStatus::Is(InvoiceState::Paid), vec![4]),
        (InvoiceStatus::Is(InvoiceState::Closed), vec![5]),
        (InvoiceStatus::Unpaid, vec![7, 6, 3, 2]),
        (InvoiceStatus::PastDue, vec![7, 6]),
    ] {
        assert_eq!(ids(&store, &InvoiceFilter::new().status(status)), expected, "{status:?}");
    }
}

#[test]
fn an_invoice_goes_through_serde() {
    let (store, _) = store();
    let invoice = create(&store, &NewInvoice::of(1).tax(Decimal::new(75, 1)).issued_at(day("2011-02-28")));
    let json = serde_json::to_value(&invoice).unwrap();
    assert_eq!(
        (&json["state"], &json["tax"], &json["issued_at"]),
        (&"draft".into(), &"7.5".into(), &"2011-02-28".into())
    );
    assert_eq!(serde_json::from_value::<Invoice>(json).unwrap(), invoice);
}

#[test]
fn every_write_to_an_invoice_moves_its_time() {
    let (store, clock) = store();
    let before = create(&store, &NewInvoice::of(1).subject("a"));
    clock.forward(9);
    let after = update(&store, 1, &InvoiceChanges::new());
    assert_eq!((after.updated_at, after.created_at), (clock.now(), before.created_at));
    assert_eq!(after.subject, before.subject);
}
