//! Timers and the rules of time entries, typed and in the file (`docs/spec/time.md`).

mod common;

use std::sync::Barrier;

use clientstore::{
    ClientStore, DayEntryChanges, DayEntryFilter, DayEntryId, Error, NewClient, NewDayEntry, NewPerson, NewProject,
    NewTaskAssignment, NewUserAssignment, PersonId, Rule,
};
use common::{Clock, assert_whole, builder, day, invalid, memory, moment, plain, refusal};
use rust_decimal::Decimal;

/// A project on which the administrator and Jo work on the task 2.
fn fill(store: &ClientStore) {
    store.clients().create(&NewClient::named("Iridesco")).unwrap();
    store.projects().create(&NewProject::of(1, "Click and Type")).unwrap();
    store.people().create(&NewPerson::named("Jo", "Doe", "jo@example.com")).unwrap();
    store.user_assignments().create(&NewUserAssignment::of(1, 2)).unwrap();
    store.task_assignments().create(&NewTaskAssignment::of(1, 2)).unwrap();
}

fn company() -> (ClientStore, Clock) {
    let (store, clock) = memory();
    fill(&store);
    (store, clock)
}

fn new(user: impl Into<PersonId>) -> NewDayEntry {
    NewDayEntry::of(user, 1, 2, day("2011-03-31"))
}

fn running(store: &ClientStore) -> Vec<DayEntryId> {
    let entries = store.day_entries().list(&DayEntryFilter::default()).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.timer_started_at.is_some()).map(|entry| entry.id).collect()
}

#[test]
fn the_typed_access_starts_and_stops_timers() {
    let (store, clock) = company();
    let (one, two) = (store.day_entries().create(&new(1)).unwrap(), store.day_entries().create(&new(1)).unwrap());
    let of_jo = store.day_entries().create(&new(2).hours(Decimal::new(12345, 4)).notes(String::new())).unwrap();
    let kept = store.day_entries().get(of_jo).unwrap();
    assert_eq!((kept.hours, kept.notes), (Decimal::new(123, 2), None));
    assert_eq!(store.day_entries().start_timer(one).unwrap(), None);
    assert_eq!(store.day_entries().start_timer(of_jo).unwrap(), None, "each person has a timer");
    clock.forward(2_700);
    assert_eq!(store.day_entries().start_timer(one).unwrap(), None, "it goes on");
    assert_eq!(store.day_entries().get(one).unwrap().timer_started_at, Some(moment("2011-03-31T10:00:00Z")));
    assert_eq!(store.day_entries().start_timer(two).unwrap(), Some(Decimal::new(75, 2)));
    assert_eq!(running(&store), [two, of_jo]);
    clock.forward(60);
    assert_eq!(store.day_entries().stop_timer(one).unwrap(), Decimal::new(75, 2), "it stands already");
    assert_eq!(store.day_entries().stop_timer(two).unwrap(), Decimal::new(2, 2));
    let stopped = store.day_entries().get(two).unwrap();
    assert_eq!((stopped.hours, stopped.updated_at), (Decimal::new(2, 2), moment("2011-03-31T10:46:00Z")));
    for missing in [store.day_entries().start_timer(9).map(drop), store.day_entries().stop_timer(9).map(drop)] {
        assert!(matches!(missing, Err(Error::NotFound { record: "day-entry", id: 9 })), "{missing:?}");
    }
}

#[test]
fn what_the_typed_access_is_given_must_fit() {
    let (store, _) = company();
    let create = |new: NewDayEntry| store.day_entries().create(&new);
    assert_eq!(invalid(create(new(1).hours(Decimal::new(2_401, 2)))), ("hours", None));
    assert_eq!(invalid(create(new(1).hours(-Decimal::ONE))), ("hours", None));
    assert_eq!(invalid(create(new(9))), ("user-id", None));
    assert_eq!(invalid(create(new(1).project_id(9))), ("project-id", None));
    assert_eq!(invalid(create(new(1).task_id(9))), ("task-id", None));
    assert_eq!(invalid(create(new(1).task_id(3))), ("task-id", None));
    let id = create(new(2)).unwrap();
    assert_eq!(invalid(store.day_entries().update(id, &DayEntryChanges::new().task_id(1))), ("task-id", None));
    store.day_entries().update(id, &DayEntryChanges::new().hours(Decimal::from(24))).unwrap();
    assert_eq!(store.day_entries().get(id).unwrap().user_id, 2);
}

#[test]
fn a_locked_entry_keeps_its_place_and_is_not_deleted() {
    let (store, _) = company();
    store.task_assignments().create(&NewTaskAssignment::of(1, 1)).unwrap();
    let id = store.day_entries().create(&new(1).is_closed(true)).unwrap();
    let update = |changes: DayEntryChanges| store.day_entries().update(id, &changes);
    for changes in [DayEntryChanges::new().task_id(1), DayEntryChanges::new().spent_at(day("2011-03-30"))] {
        assert_eq!(refusal(update(changes)), (Rule::EntryIsLocked, vec![("locked time entry", 1)]));
    }
    update(DayEntryChanges::new().notes("approved".to_owned()).task_id(2).hours(Decimal::TWO)).unwrap();
    assert_eq!(refusal(store.day_entries().delete(id)).0, Rule::EntryIsLocked);
    update(DayEntryChanges::new().is_closed(false)).unwrap();
    update(DayEntryChanges::new().task_id(1)).unwrap();
    store.day_entries().delete(id).unwrap();
}

#[test]
fn one_timer_of_a_person_runs_under_sixteen_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let clock = Clock::default();
    let store = builder(&clock).open(&path).unwrap();
    fill(&store);
    for _ in 0..16 {
        store.day_entries().create(&new(1)).unwrap();
    }
    let barrier = Barrier::new(17);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=16)
            .map(|id| {
                let (store, barrier, clock) = (store.clone(), &barrier, clock.clone());
                scope.spawn(move || {
                    barrier.wait();
                    for turn in 0..25 {
                        clock.forward(1);
                        match turn % 3 {
                            2 => drop(store.day_entries().stop_timer(id).unwrap()),
                            _ => drop(store.day_entries().start_timer(id).unwrap()),
                        }
                    }
                })
            })
            .collect();
        barrier.wait();
        while threads.iter().any(|thread| !thread.is_finished()) {
            let running = running(&store);
            assert!(running.len() <= 1, "{running:?} run together");
        }
    });
    assert!(running(&store).len() <= 1);
    assert_whole(&plain(&path));
}

#[test]
fn a_dump_brings_entries_and_a_running_timer_back() {
    let (store, clock) = company();
    store.day_entries().create(&new(1).hours(Decimal::ONE).notes("a < b".to_owned()).is_closed(true)).unwrap();
    let id = store.day_entries().create(&new(2)).unwrap();
    store.day_entries().start_timer(id).unwrap();
    store.projects().toggle(1).unwrap();
    let dumped = |store: &ClientStore| {
        let mut document = Vec::new();
        store.dump(&mut document, |_| {}).unwrap();
        String::from_utf8(document).unwrap()
    };
    let copy = builder(&clock).open_in_memory().unwrap();
    copy.load([("dump", dumped(&store).as_bytes())], |_| {}).unwrap();
    assert_eq!(dumped(&copy), dumped(&store));
    assert_eq!(running(&copy), [id]);
    assert!(copy.check(|_| {}).unwrap().is_clean());
    // Two timers of a person, or the time of nobody, are no store's.
    let second = dumped(&store)
        .replacen(
            "<timer-started-at type=\"datetime\" nil=\"true\"></timer-started-at>",
            "<timer-started-at>2011-03-31T10:00:00Z</timer-started-at>",
            1,
        )
        .replacen(
            "<user-id type=\"integer\">2</user-id>\n      <project-id type=\"integer\">1</project-id>\n      <task-id",
            "<user-id>1</user-id><project-id>1</project-id><task-id",
            1,
        );
    for broken in [
        second,
        dumped(&store)
            .replace("<task-id type=\"integer\">2</task-id>\n      <created-at", "<task-id>9</task-id><created-at"),
    ] {
        let refused = builder(&clock).open_in_memory().unwrap();
        let error = refused.load([("dump", broken.as_bytes())], |_| {}).unwrap_err();
        assert!(matches!(error, Error::Load { .. }), "{error}");
    }
}

#[test]
fn the_file_keeps_the_rules_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    store.projects().create(&NewProject::of(1, "Other")).unwrap();
    for user in [1, 1, 2] {
        store.day_entries().create(&new(user)).unwrap();
    }
    store.day_entries().start_timer(1).unwrap();
    store.day_entries().update(2, &DayEntryChanges::new().is_closed(true)).unwrap();
    let sql = plain(&path);
    let columns = "INTO day_entries (id, spent_at, user_id, project_id, task_id, created_at, updated_at, timer_started_at) \
                   VALUES";
    let now = "'2011-03-31T10:00:00Z'";
    let good = format!("INSERT {columns} (NULL, '2011-03-31', 2, 1, 2, {now}, {now}, NULL)");
    sql.execute_batch(&good).unwrap();
    for broken in [
        "UPDATE day_entries SET hours = '24.01'".to_owned(),
        "UPDATE day_entries SET hours = '-1.0'".to_owned(),
        "UPDATE day_entries SET hours = '1'".to_owned(),
        "UPDATE day_entries SET notes = ''".to_owned(),
        "UPDATE day_entries SET notes = 'x' || char(1)".to_owned(),
        "UPDATE day_entries SET spent_at = 'today'".to_owned(),
        "UPDATE day_entries SET id = id + 10".to_owned(),
        "UPDATE day_entries SET user_id = 2 WHERE id = 1".to_owned(),
        "UPDATE day_entries SET project_id = 9".to_owned(),
        "UPDATE day_entries SET task_id = 9 WHERE id = 1".to_owned(),
        "UPDATE day_entries SET invoice_id = 9".to_owned(),
        format!("UPDATE day_entries SET timer_started_at = {now} WHERE id = 2"),
        format!("UPDATE OR REPLACE day_entries SET timer_started_at = {now} WHERE id = 2"),
        format!("INSERT OR REPLACE {columns} (NULL, '2011-03-31', 1, 1, 2, {now}, {now}, {now})"),
        format!("INSERT OR REPLACE {columns} (1, '2011-03-31', 1, 2, 2, {now}, {now}, NULL)"),
        format!("INSERT {columns} (NULL, '2011-03-31', 9, 1, 2, {now}, {now}, NULL)"),
        "UPDATE day_entries SET spent_at = '2011-03-30' WHERE id = 2".to_owned(),
        "DELETE FROM day_entries WHERE id = 2".to_owned(),
        "DELETE FROM projects WHERE id = 1".to_owned(),
        "DELETE FROM tasks WHERE id = 2".to_owned(),
        "DELETE FROM people WHERE id = 2".to_owned(),
        "DELETE FROM task_assignments WHERE task_id = 2".to_owned(),
        "DELETE FROM user_assignments WHERE user_id = 2".to_owned(),
    ] {
        assert!(sql.execute_batch(&broken).is_err(), "the file took: {broken}");
        assert_whole(&sql);
    }
    let days = || {
        let project = store.projects().get(1).unwrap();
        (project.hint_earliest_record_at, project.hint_latest_record_at)
    };
    assert_eq!(days(), (Some(day("2011-03-31")), Some(day("2011-03-31"))));
    for (change, first, last) in [
        (good.replacen("2011-03-31", "2011-03-01", 1), "2011-03-01", "2011-03-31"),
        (good.replacen("2011-03-31", "2011-04-09", 1), "2011-03-01", "2011-04-09"),
        ("UPDATE day_entries SET project_id = 2 WHERE spent_at = '2011-04-09'".to_owned(), "2011-03-01", "2011-03-31"),
        (
            "UPDATE day_entries SET spent_at = '2011-03-05' WHERE spent_at = '2011-03-01'".to_owned(),
            "2011-03-05",
            "2011-03-31",
        ),
        ("DELETE FROM day_entries WHERE spent_at = '2011-03-05'".to_owned(), "2011-03-31", "2011-03-31"),
    ] {
        sql.execute_batch(&change).unwrap();
        assert_eq!(days(), (Some(day(first)), Some(day(last))), "{change}");
        assert_whole(&sql);
    }
    assert_eq!(store.projects().get(2).unwrap().hint_latest_record_at, Some(day("2011-04-09")));
    assert!(store.check(|_| {}).unwrap().is_clean());
}

#[test]
fn deleting_an_invoice_frees_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    store.invoices().create(&clientstore::NewInvoice::of(1)).unwrap();
    let id = store.day_entries().create(&new(1)).unwrap();
    let sql = plain(&path);
    sql.execute_batch("UPDATE day_entries SET invoice_id = 1, is_billed = 1, is_closed = 1").unwrap();
    assert_eq!(refusal(store.day_entries().delete(id)).0, Rule::EntryIsLocked);
    store.invoices().delete(1).unwrap();
    let freed = store.day_entries().get(id).unwrap();
    assert!(!freed.is_billed && !freed.is_closed);
    assert_whole(&sql);
    store.day_entries().delete(id).unwrap();
}

#[test]
fn a_check_finds_what_breaks_the_rules_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    for _ in 0..3 {
        store.day_entries().create(&new(1)).unwrap();
    }
    drop(store);
    let sql = plain(&path);
    let triggers: Vec<(String, String)> = sql
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut all| all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .unwrap();
    triggers.iter().for_each(|(name, _)| sql.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    let index = "SELECT sql FROM sqlite_schema WHERE name = 'day_entries_running'";
    let index: String = sql.query_row(index, [], |row| row.get(0)).unwrap();
    sql.execute_batch(
        "PRAGMA ignore_check_constraints = ON; DROP INDEX day_entries_running;
         UPDATE day_entries SET timer_started_at = '2011-03-31T10:00:00Z' WHERE id < 3;
         UPDATE day_entries SET hours = '24.5' WHERE id = 3;
         UPDATE projects SET hint_latest_record_at = '2011-03-30'",
    )
    .unwrap();
    triggers.iter().for_each(|(_, trigger)| sql.execute_batch(trigger).unwrap());
    assert!(sql.execute_batch(&index).is_err(), "two timers run");
    drop(sql);
    let report = ClientStore::check_file(&path, |_| {}).unwrap();
    let found: Vec<String> = report.findings().iter().map(ToString::to_string).collect();
    for expected in [
        "day_entries 2: timer_started_at is set while another timer of the person runs",
        "day_entries 3: hours is not between 0 and 24",
        "day_entries 1: spent_at is outside the days that its project has as its first and its last with time",
    ] {
        assert!(found.iter().any(|finding| finding.contains(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn an_older_file_has_no_time_and_takes_some_once_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rows = "INSERT INTO clients (id, name, currency, currency_symbol, created_at, updated_at) \
                VALUES (1, 'x', 'x', 'x', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'); \
                INSERT INTO projects (id, client_id, name, created_at, updated_at) \
                VALUES (1, 1, 'x', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'); \
                PRAGMA application_id = 0x6353746F; PRAGMA user_version = 3";
    plain(&path).execute_batch(&format!("{}; {rows}", include_str!("schemas/v3.sql"))).unwrap();
    let reading = ClientStore::builder().read_only(true).open(&path).unwrap();
    assert_eq!(reading.day_entries().list(&DayEntryFilter::default()).unwrap().count(), 0);
    drop(reading);
    let store = ClientStore::open(&path).unwrap();
    store.task_assignments().create(&NewTaskAssignment::of(1, 2)).unwrap();
    let id = store.day_entries().create(&new(1)).unwrap();
    store.day_entries().start_timer(id).unwrap();
    assert!(store.check(|_| {}).unwrap().is_clean());
}
