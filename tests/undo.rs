//! Undo and redo, against dumps of the whole store.

mod common;

use clientstore::chrono::{Days, NaiveDate};
use clientstore::rust_decimal::Decimal;
use clientstore::{
    Builder, ClientChanges, ClientFilter, ClientStore, ContactChanges, DayEntryChanges, Durability, Error, Generator,
    InvoiceChanges, InvoiceKind, NewClient, NewContact, NewDayEntry, NewExpense, NewExpenseCategory, NewInvoice,
    NewItemCategory, NewLineItem, NewMessage, NewPayment, NewPerson, NewProject, NewTask, NewTaskAssignment,
    NewUserAssignment, PersonChanges, ProjectChanges, Receipt, Result, Rule, TaskAssignmentChanges, Transaction,
    Unbilled, UserAssignmentChanges,
};
use common::{Clock, Random, builder, day, memory, refusal, tell};

fn dump(store: &ClientStore) -> String {
    let mut dump = Vec::new();
    store.dump(&mut dump, |_| ()).unwrap();
    String::from_utf8(dump).unwrap()
}

/// Shows the first lines that differ, rather than both dumps.
#[track_caller]
fn assert_same(is: &str, expected: &str) {
    if is != expected {
        let differ: Vec<_> = is.lines().zip(expected.lines()).filter(|(is, expected)| is != expected).take(5).collect();
        panic!("{differ:#?}, or one ends earlier: {} and {} lines", is.lines().count(), expected.lines().count());
    }
}

#[test]
fn a_step_is_undone_with_all_that_it_entailed() {
    let (store, _) = memory();
    let session = store.undo_session(100);
    let client = session.clients().create(&NewClient::named("A")).unwrap();
    session.contacts().create(&NewContact::of(client, "Jane", "Doe")).unwrap();
    let with_contact = dump(&store);
    session.clients().delete(client).unwrap();
    assert!(session.undo().unwrap());
    assert_same(&dump(&store), &with_contact);
    assert!(session.redo().unwrap());
    assert_eq!(store.contacts().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn a_transaction_is_one_step_and_one_that_fails_is_none() {
    let (store, _) = memory();
    let first = dump(&store);
    let session = store.undo_session(100);
    session
        .transaction(|tx| {
            let client = tx.clients().create(&NewClient::named("A"))?;
            tx.projects().create(&NewProject::of(client, "Website"))?;
            tx.clients().toggle(client).unwrap_err();
            Ok::<_, Error>(())
        })
        .unwrap();
    session.clients().create(&NewClient::named(" ")).unwrap_err();
    let result: Result<()> = session.transaction(|tx| {
        tx.clients().create(&NewClient::named("B"))?;
        tx.clients().delete(7)
    });
    assert!(result.is_err());
    assert!(session.undo().unwrap());
    assert_same(&dump(&store), &first);
    assert!(!session.can_undo());
    assert!(!session.undo().unwrap());
    assert!(session.can_redo());
    session.clients().create(&NewClient::named("C")).unwrap();
    assert!(!session.can_redo(), "a new write has taken its place");
    assert!(!session.redo().unwrap());
}

#[test]
fn a_session_remembers_at_most_as_many_steps_as_it_was_told_to() {
    let (store, _) = memory();
    let session = store.undo_session(2);
    for name in ["A", "B", "C"] {
        session.clients().create(&NewClient::named(name)).unwrap();
    }
    assert!(session.undo().unwrap());
    assert!(session.undo().unwrap());
    assert!(!session.undo().unwrap());
    assert_eq!(store.clients().list(&ClientFilter::new()).unwrap().count(), 1);
}

#[test]
fn sessions_undo_their_own_writes_and_leave_those_of_others() {
    let (store, _) = memory();
    let (one, other) = (store.undo_session(100), store.undo_session(100));
    let a = one.clients().create(&NewClient::named("A")).unwrap();
    let b = other.clients().create(&NewClient::named("B")).unwrap();
    let c = store.clients().create(&NewClient::named("C")).unwrap();
    assert!(one.undo().unwrap());
    assert!(store.clients().get(a).is_err());
    assert!(!one.undo().unwrap());
    assert!(other.undo().unwrap());
    assert!(store.clients().get(b).is_err());
    let next = store.clients().create(&NewClient::named("D")).unwrap();
    assert!(next > c, "no id is given twice: {next}");
    assert!(one.redo().unwrap());
    assert_eq!(store.clients().get(a).unwrap().name, "A");
}

#[test]
fn a_record_that_somebody_else_has_changed_is_named_and_nothing_is_undone() {
    let (store, _) = memory();
    let session = store.undo_session(100);
    let client = session
        .transaction(|tx| {
            tx.tasks().create(&NewTask::named("Design"))?;
            tx.clients().create(&NewClient::named("A"))
        })
        .unwrap();
    store.clients().update(client, &ClientChanges::new().details("theirs")).unwrap();
    let now = dump(&store);
    let result = session.undo();
    assert!(matches!(result, Err(Error::ChangedSince { record: "client", id }) if client == id), "{result:?}");
    assert_same(&dump(&store), &now);
    assert!(session.can_undo());

    let deleted = session.clients().create(&NewClient::named("B")).unwrap();
    store.clients().delete(deleted).unwrap();
    assert!(matches!(session.undo(), Err(Error::ChangedSince { record: "client", .. })));
}

#[test]
fn what_somebody_else_has_added_to_a_record_does_not_go_with_it() {
    let (store, _) = memory();
    let session = store.undo_session(100);
    let client = session.clients().create(&NewClient::named("A")).unwrap();
    let contact = store.contacts().create(&NewContact::of(client, "Jane", "Doe")).unwrap();
    let now = dump(&store);
    let result = session.undo();
    assert!(matches!(result, Err(Error::ChangedSince { record: "contact", id }) if contact == id), "{result:?}");
    assert_same(&dump(&store), &now);
}

#[test]
fn a_rule_that_forbids_an_undo_is_named() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("A")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    let session = store.undo_session(100);
    session.projects().toggle(project).unwrap();
    store.clients().toggle(client).unwrap();
    let now = dump(&store);
    assert_eq!(refusal(session.undo()).0, Rule::ClientIsInactive);
    assert_same(&dump(&store), &now);
    store.clients().toggle(client).unwrap();
    assert!(session.undo().unwrap(), "the rule no longer forbids it");

    let new = session.clients().create(&NewClient::named("B")).unwrap();
    store.invoices().create(&NewInvoice::of(new)).unwrap();
    let (rule, in_the_way) = refusal(session.undo());
    assert_eq!((rule, in_the_way[1]), (Rule::ClientHasProjectsOrInvoices, ("invoice", 1)));
}

#[test]
fn what_follows_from_others_records_stays_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).durability(Durability::Off).open(&path).unwrap();
    let client = store.clients().create(&NewClient::named("A")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    store.task_assignments().create(&NewTaskAssignment::of(project, 2)).unwrap();
    let session = store.undo_session(100);
    session
        .transaction(|tx| {
            tx.invoices().create(&NewInvoice::of(client))?;
            tx.day_entries().create(&NewDayEntry::of(1, project, 2, day("2011-03-01")))
        })
        .unwrap();
    store.invoices().create(&NewInvoice::of(client)).unwrap();
    store.day_entries().create(&NewDayEntry::of(1, project, 2, day("2011-03-05"))).unwrap();
    assert!(session.undo().unwrap());
    common::assert_whole(&common::plain(&path));
    assert!(session.redo().unwrap());
    common::assert_whole(&common::plain(&path));
}

#[test]
fn nothing_of_a_session_is_left_in_the_file_and_it_works_on_files_of_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let open = |builder: Builder| builder.durability(Durability::Off).open(folder.path().join("store.db")).unwrap();
    for builder in [ClientStore::builder(), ClientStore::builder().exclusive(true)] {
        let store = open(builder);
        let session = store.undo_session(100);
        // The triggers go with a transaction that is rolled back.
        session.transaction(|tx| tx.clients().delete(7)).unwrap_err();
        let client = session.clients().create(&NewClient::named("A")).unwrap();
        store.clients().update(client, &ClientChanges::new()).unwrap();
        session.clients().delete(client).unwrap();
        assert!(session.undo().unwrap());
        assert!(matches!(session.undo(), Err(Error::ChangedSince { .. })));
        store.clients().delete(client).unwrap();
        drop(session);
        let other = store.clients().create(&NewClient::named("B")).unwrap();
        store.clients().delete(other).unwrap();
        assert_eq!(store.clients().list(&ClientFilter::new()).unwrap().count(), 0);
        assert!(store.check(|_| ()).unwrap().is_clean());
    }
}

/// One random write; most that are refused are refused by a rule.
fn write(tx: &Transaction<'_>, random: &mut Random) -> Result<()> {
    let mut id = || random.below(6) as i64 + 1;
    let (a, b, c) = (id(), id(), id());
    let text = format!("text {}", random.below(1_000));
    let spent_at = NaiveDate::from_ymd_opt(2011, 3, 1).unwrap() + Days::new(random.below(20) as u64);
    let number = Decimal::new(random.below(500) as i64 + 1, 1);
    let lines = [NewLineItem::of(text.clone(), number, 3), NewLineItem::of("more", 1, number)];
    match random.below(44) {
        0..3 => tx.clients().create(&NewClient::named(text)).map(drop),
        3 => tx.clients().update(a, &ClientChanges::new().details(text)),
        4 => tx.clients().toggle(a).map(drop),
        5 => tx.clients().delete(a),
        6 => tx.contacts().create(&NewContact::of(a, text, "Doe")).map(drop),
        7 => tx.contacts().update(a, &ContactChanges::new().title(text)),
        8 => tx.contacts().delete(a),
        9..12 => tx.projects().create(&NewProject::of(a, text)).map(drop),
        12 => tx.projects().update(a, &ProjectChanges::new().client_id(b).notes(text)),
        13 => tx.projects().toggle(a).map(drop),
        14 => tx.projects().delete(a),
        15 => tx.tasks().create(&NewTask::named(text).is_default(random.percent(50))).map(drop),
        16 => tx.tasks().delete(a),
        17 => tx.tasks().activate(a),
        18 => {
            let new = NewPerson::named("Jane", text.clone(), format!("{}@example.com", text.replace(' ', "")));
            tx.people().create(&new.has_access_to_all_future_projects(random.percent(50))).map(drop)
        }
        19 => tx.people().update(a, &PersonChanges::new().department(text).is_admin(random.percent(50))),
        20 => tx.people().toggle(a).map(drop),
        21 => tx.people().delete(a),
        22..24 => tx.task_assignments().create(&NewTaskAssignment::of(a, b)).map(drop),
        24 => tx.task_assignments().update(a, &TaskAssignmentChanges::new().budget(number)),
        25 => tx.task_assignments().delete(a),
        26 => tx.user_assignments().create(&NewUserAssignment::of(a, b)).map(drop),
        27 => tx.user_assignments().update(a, &UserAssignmentChanges::new().is_project_manager(true)),
        28 => tx.user_assignments().delete(a),
        29..32 => {
            let hours = number.min(Decimal::from(8));
            tx.day_entries().create(&NewDayEntry::of(a, b, c, spent_at).hours(hours)).map(drop)
        }
        32 => tx.day_entries().update(a, &DayEntryChanges::new().spent_at(spent_at).project_id(b)),
        33 => tx.day_entries().delete(a),
        34 => match random.percent(60) {
            true => tx.day_entries().start_timer(a).map(drop),
            false => tx.day_entries().stop_timer(a).map(drop),
        },
        35 => {
            let expense = tx.expenses().create(&NewExpense::of(a, b, spent_at).units(number))?;
            tx.expenses().keep_receipt(expense, &Receipt::new("a.txt", text))
        }
        36 => match random.percent(50) {
            true => tx.expenses().keep_receipt(a, &Receipt::new("b.txt", text)),
            false => tx.expenses().delete(a),
        },
        37 => tx.invoices().create(&NewInvoice::of(a).lines(lines)).map(drop),
        38 => {
            let new = NewInvoice::of_projects(a, InvoiceKind::Detailed, [b, c]);
            tx.invoices().create(&new.import_hours(Unbilled::All).import_expenses(Unbilled::All)).map(drop)
        }
        39 => tx.invoices().update(a, &InvoiceChanges::new().client_id(b).lines(lines)),
        40 => tx.invoices().delete(a),
        41 => match random.below(5) {
            0 => tx.invoices().mark_as_sent(a),
            1 => tx.invoices().close(a),
            2 => tx.invoices().reopen(a),
            3 => tx.messages().create(&NewMessage::of(a, text)).map(drop),
            _ => tx.messages().delete(a),
        },
        42 => match random.percent(70) {
            true => {
                let paid_at = common::moment("2011-03-31T10:00:00Z");
                tx.invoices().record_payment(&NewPayment::of(a, number, paid_at)).map(drop)
            }
            false => tx.invoices().remove_payment(a),
        },
        _ => match random.below(4) {
            0 => tx.expense_categories().create(&NewExpenseCategory::named(text)).map(drop),
            1 => tx.expense_categories().delete(a),
            2 => tx.item_categories().create(&NewItemCategory::named(text)).map(drop),
            _ => tx.item_categories().delete(a),
        },
    }
}

/// Tells the seed of a test that fails.
struct SaysIts(u64);

impl Drop for SaysIts {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(format!("seed {}", self.0));
        }
    }
}

/// Random steps, undo and redo; the dumps are those of the same history each time.
fn model(seed: u64, steps: usize) -> (usize, usize) {
    let _seed = SaysIts(seed);
    let (store, clock) = memory();
    let session = store.undo_session(usize::MAX);
    let mut random = Random(seed);
    // The state after each step, and how many of them are done.
    let mut states = vec![dump(&store)];
    let (mut done, mut written, mut moved) = (0_usize, 0, 0);
    for _ in 0..steps {
        clock.forward(random.below(100) as i64);
        match random.below(100) {
            0..15 => {
                assert_eq!(session.undo().unwrap(), done > 0);
                done = done.saturating_sub(1);
                moved += 1;
            }
            15..25 => {
                let is_any = done + 1 < states.len();
                assert_eq!(session.redo().unwrap(), is_any);
                done += usize::from(is_any);
                moved += 1;
            }
            chance => {
                // Some transactions do several things, and go on after what a rule has refused.
                let count = if chance < 40 { 1 + random.below(6) } else { 1 };
                session
                    .transaction(|tx| {
                        for _ in 0..count {
                            if let Err(error @ (Error::Storage { .. } | Error::Corrupt { .. })) = write(tx, &mut random)
                            {
                                return Err(error);
                            }
                        }
                        Ok(())
                    })
                    .unwrap();
                let now = dump(&store);
                if now != states[done] {
                    states.truncate(done + 1);
                    states.push(now);
                    done += 1;
                    written += 1;
                }
                continue;
            }
        }
        assert_same(&dump(&store), &states[done]);
    }
    while session.undo().unwrap() {
        done -= 1;
        assert_same(&dump(&store), &states[done]);
    }
    assert_eq!(done, 0, "undo of everything is the first state");
    while session.redo().unwrap() {
        done += 1;
        assert_same(&dump(&store), &states[done]);
    }
    assert_eq!(done + 1, states.len());
    assert!(store.check(|_| ()).unwrap().is_clean());
    (written, moved)
}

#[test]
fn random_writes_undone_and_done_again_give_the_dumps_of_before() {
    let (mut written, mut moved) = (0, 0);
    for seed in 0..4 {
        let (more_written, more_moved) = model(seed, 250);
        written += more_written;
        moved += more_moved;
    }
    assert!(written > 200 && moved > 200, "{written} and {moved}");
    tell(format!("{written} steps written, {moved} undone or done again on the way"));
}

#[test]
#[ignore = "it takes long"]
fn random_writes_of_many_seeds() {
    for seed in 100..160 {
        model(seed, 600);
    }
}

#[test]
fn a_whole_document_that_was_loaded_is_undone_and_done_again() {
    let (generated, _) = memory();
    Generator::new(1).clients(5).people(3).tasks(2).days(20).run(&generated, |_| ()).unwrap();
    let document = dump(&generated);
    let (store, _) = memory();
    let first = dump(&store);
    let session = store.undo_session(1);
    session.load([("everything", document.as_bytes())], |_| ()).unwrap();
    let loaded = dump(&store);
    assert!(loaded.len() > 2 * first.len());
    assert!(session.undo().unwrap());
    assert_same(&dump(&store), &first);
    assert!(session.redo().unwrap());
    assert_same(&dump(&store), &loaded);
}
