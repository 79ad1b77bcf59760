//! What the tests share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clientstore::{Builder, ClientStore, Error, Obstacle, Rule};
use rusqlite::Connection;

pub fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A clock that stands at 2011-03-31T10:00:00Z until it is told to move on.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn now(&self) -> DateTime<Utc> {
        moment("2011-03-31T10:00:00Z") + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }
}

/// How the tests open a store: by this clock, with client keys of sevens.
pub fn builder(clock: &Clock) -> Builder {
    let clock = clock.clone();
    ClientStore::builder().clock(move || clock.now()).key_generator(|| [7; 20])
}

/// A store in memory, and its clock.
pub fn memory() -> (ClientStore, Clock) {
    let clock = Clock::default();
    (builder(&clock).open_in_memory().unwrap(), clock)
}

/// A connection as other programs have one: foreign keys are off.
pub fn plain(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA busy_timeout = 120000").unwrap();
    connection
}

/// What a rule of the API would find broken; each counts to nothing.
const BROKEN: [&str; 19] = [
    "SELECT count(*) FROM pragma_foreign_key_check",
    "SELECT count(*) FROM projects WHERE client_id NOT IN (SELECT id FROM clients)",
    "SELECT count(*) FROM invoices WHERE client_id NOT IN (SELECT id FROM clients)",
    "SELECT count(*) FROM projects JOIN clients ON clients.id = client_id WHERE projects.active AND NOT clients.active",
    "SELECT count(*) FROM clients WHERE last_invoice_kind IS NOT
        (SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1)",
    "SELECT count(*) FROM clients WHERE trim(name, char(9, 10, 13, 32)) = ''",
    "SELECT count(*) FROM invoices WHERE (state = 'closed') <> closed",
    "SELECT count(*) FROM invoices WHERE abs(due_amount - amount + (SELECT coalesce(sum(amount), 0)
        FROM invoice_payments WHERE invoice_id = invoices.id)) > 0.001 + abs(amount) / 1e12",
    "SELECT count(*) FROM invoices WHERE state = 'open' AND NOT sent",
    "SELECT NOT EXISTS (SELECT 1 FROM people WHERE is_admin AND is_active)",
    "SELECT count(*) - count(DISTINCT lower(email)) FROM people",
    "SELECT count(*) FROM contacts WHERE client_id NOT IN (SELECT id FROM clients)",
    "SELECT count(*) - count(DISTINCT project_id || ' ' || task_id) + total(project_id NOT IN (SELECT id FROM projects))
        + total(task_id NOT IN (SELECT id FROM tasks)) FROM task_assignments",
    "SELECT count(*) - count(DISTINCT project_id || ' ' || user_id) + total(project_id NOT IN (SELECT id FROM projects))
        + total(user_id NOT IN (SELECT id FROM people)) FROM user_assignments",
    "SELECT count(*) - count(DISTINCT user_id) FROM day_entries WHERE timer_started_at IS NOT NULL",
    "SELECT count(*) FROM day_entries WHERE user_id NOT IN (SELECT id FROM people)
        OR project_id NOT IN (SELECT id FROM projects) OR task_id NOT IN (SELECT id FROM tasks)
        OR CAST(hours AS REAL) NOT BETWEEN 0 AND 24",
    "SELECT count(*) FROM projects JOIN (SELECT project_id, min(spent_at) AS first, max(spent_at) AS last
        FROM day_entries GROUP BY project_id) ON project_id = id
        WHERE (hint_earliest_record_at <= first AND hint_latest_record_at >= last) IS NOT 1",
    "SELECT count(*) FROM expenses WHERE user_id NOT IN (SELECT id FROM people)
        OR project_id NOT IN (SELECT id FROM projects)
        OR expense_category_id NOT IN (SELECT id FROM expense_categories)
        OR (invoice_id IS NOT NULL AND invoice_id NOT IN (SELECT id FROM invoices))",
    "SELECT count(*) FROM receipts WHERE expense_id NOT IN (SELECT id FROM expenses)",
];

/// The file is whole, and its rules hold.
#[track_caller]
pub fn assert_whole(connection: &Connection) {
    let found: Vec<String> = connection
        .prepare("PRAGMA integrity_check")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    assert_eq!(found, ["ok"]);
    for broken in BROKEN {
        let count: f64 =
            connection.query_row(&format!("SELECT CAST(({broken}) AS REAL)"), [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0.0, "{broken}");
    }
}

pub fn text(document: &[u8]) -> &str {
    std::str::from_utf8(document).unwrap()
}

/// The rule that refused, and what stood in the way.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (Rule, Vec<(&'static str, u64)>) {
    match result {
        Err(Error::Refused { rule, in_the_way }) => {
            (rule, in_the_way.iter().map(|Obstacle { what, count, .. }| (*what, *count)).collect())
        }
        other => panic!("no rule refused: {other:?}"),
    }
}

/// The field and the line of a value that was refused.
#[track_caller]
pub fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, Option<u64>) {
    match result {
        Err(Error::Invalid { field, line, .. }) => (field, line),
        other => panic!("no value was refused: {other:?}"),
    }
}

/// The line of a document that was refused, and why.
#[track_caller]
pub fn malformed<T: std::fmt::Debug>(result: Result<T, Error>) -> (u64, String) {
    match result {
        Err(Error::Xml { line, reason }) => (line, reason),
        other => panic!("the document was not refused: {other:?}"),
    }
}

/// Tells what a suite has counted, also where `cargo test` keeps back what tests print.
pub fn tell(counts: impl std::fmt::Display) {
    drop(writeln!(std::io::stderr().lock(), "{counts}"));
}

/// A generator of pseudo-random numbers: a Weyl sequence, well mixed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^ (mixed >> 32)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True `chance` times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
