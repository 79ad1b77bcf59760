//! The cases of time: a person's day and a project's month, in a store with a year of a company of 1,000 people.

use std::hint::black_box;

use clientstore::{Api, ClientStore};
use http::Request;
use rusqlite::Statement;
use rusqlite::types::ValueRef;

use super::api::{answered, request};
use super::by_hand::{self, Kind, Shape};
use super::data::{Data, Side};
use super::harness::{Outcome, Pairs, pairs, time};
use super::store::names;

const ENTRY: [(&str, Kind); 13] = [
    ("id", Kind::Integer),
    ("notes", Kind::Text),
    ("spent-at", Kind::Date),
    ("hours", Kind::Decimal),
    ("user-id", Kind::Integer),
    ("project-id", Kind::Integer),
    ("task-id", Kind::Integer),
    ("created-at", Kind::DateTime),
    ("updated-at", Kind::DateTime),
    ("adjustment-record", Kind::Boolean),
    ("timer-started-at", Kind::DateTime),
    ("is-closed", Kind::Boolean),
    ("is-billed", Kind::Boolean),
];
/// The month that is reported: weekdays of all people.
const MONTH: (&str, &str) = ("2012-03-05", "2012-04-04");
/// A day of that month, and what it is called in paths.
const DAY: (&str, &str) = ("2012-03-14", "74/2012");
/// How many people and how many projects are asked about.
const ASKED: usize = 100;

/// Projects' reports of a month beside the same SELECT and document by hand.
pub fn month(data: &Data) -> Outcome {
    let api = Api::new(ClientStore::open(data.year(Side::Case)).unwrap());
    let connection = by_hand::connect(&data.year(Side::Floor), "FULL");
    let columns = names(&ENTRY).replace("adjustment_record", "0");
    let sql = format!(
        "SELECT {columns} FROM day_entries WHERE project_id = ?1 AND spent_at >= ?2 AND spent_at <= ?3 ORDER BY spent_at, id"
    );
    let mut statement = connection.prepare(&sql).unwrap();
    let shape = Shape::new("day-entry", 2, &ENTRY);
    let ends = ("<day-entries type=\"array\">\n", "</day-entries>\n");
    let mut buffer = Vec::new();
    let mut floor = |project: i64, buffer: &mut Vec<u8>| {
        by_hand::list(statement.query((project, MONTH.0, MONTH.1)).unwrap(), &shape, ends, buffer, |_| ());
    };
    let projects: Vec<i64> =
        some(&connection, "project_id", &format!("spent_at BETWEEN '{}' AND '{}'", MONTH.0, MONTH.1));
    let asked = |project: &i64| request(&format!("/projects/{project}/entries?from={}&to={}", MONTH.0, MONTH.1));
    for project in &projects {
        let ours = answered(&api, asked(project));
        floor(*project, &mut buffer);
        assert!(ours == buffer, "both write the same document");
    }
    beside(&api, &projects, asked, floor).times(projects.len())
}

const ENTRIES: &str = "SELECT entry.id, spent_at, entry.user_id, clients.name, entry.project_id, projects.name, entry.task_id, \
     tasks.name, hours, entry.notes, timer_started_at, entry.created_at, entry.updated_at FROM day_entries AS entry \
     CROSS JOIN projects ON projects.id = entry.project_id CROSS JOIN clients ON clients.id = projects.client_id \
     CROSS JOIN tasks ON tasks.id = entry.task_id WHERE entry.user_id = ?1 AND entry.spent_at = ?2 ORDER BY entry.id";
const PROJECTS: &str = "SELECT projects.id, projects.name, code, projects.billable, clients.name, clients.id, currency, \
     currency_symbol FROM user_assignments AS assigned CROSS JOIN projects ON projects.id = assigned.project_id \
     CROSS JOIN clients ON clients.id = projects.client_id WHERE assigned.user_id = ?1 AND assigned.deactivated = 0 \
     AND projects.active = 1 ORDER BY clients.name COLLATE NOCASE, clients.id, projects.name COLLATE NOCASE, projects.id";
const TASKS: &str = "SELECT tasks.name, tasks.id, assigned.billable FROM task_assignments AS assigned \
     CROSS JOIN tasks ON tasks.id = assigned.task_id WHERE assigned.project_id = ?1 AND assigned.deactivated = 0 \
     ORDER BY tasks.name COLLATE NOCASE, tasks.id";

/// People's days beside the same SELECTs, whose values are copied and nothing more.
pub fn day(data: &Data) -> Outcome {
    days(data).0
}

/// How many microseconds a person's day takes.
pub fn day_alone(data: &Data) -> Outcome {
    let (outcome, microseconds) = days(data);
    Outcome { value: microseconds, counts: None, ..outcome }
}

fn days(data: &Data) -> (Outcome, f64) {
    let api = Api::new(ClientStore::open(data.year(Side::Case)).unwrap());
    let connection = by_hand::connect(&data.year(Side::Floor), "FULL");
    let [mut entries, mut projects, mut tasks] = [ENTRIES, PROJECTS, TASKS].map(|sql| connection.prepare(sql).unwrap());
    // Those who are on every project have hundreds of them in their day.
    let with_some = "user_id NOT IN (SELECT id FROM people WHERE has_access_to_all_future_projects = 1)";
    let people: Vec<i64> = some(&connection, "user_id", &format!("spent_at = '{}' AND {with_some}", DAY.0));
    let asked = |person: &i64| Request::get(format!("/daily/{}?of_user={person}", DAY.1)).body("").unwrap();
    let floor = |person: i64, buffer: &mut Vec<u8>| {
        buffer.clear();
        copied(&mut entries, (person, DAY.0), 13, buffer);
        for project in copied(&mut projects, [person], 8, buffer) {
            copied(&mut tasks, [project], 3, buffer);
        }
    };
    let first = answered(&api, asked(&people[0]));
    assert!(first.starts_with(b"<daily>\n") && memchr::memmem::find(&first, b"<day_entry>").is_some());
    let pairs = beside(&api, &people, asked, floor);
    let microseconds = pairs.seconds() / people.len() as f64 * 1e6;
    (pairs.times(people.len()), microseconds)
}

/// Requests for some people or projects beside what a floor does for each of them.
fn beside(
    api: &Api,
    ids: &[i64],
    asked: impl Fn(&i64) -> Request<&'static str>,
    mut floor: impl FnMut(i64, &mut Vec<u8>),
) -> Pairs {
    let mut buffer = Vec::new();
    pairs(
        || {
            let requests: Vec<_> = ids.iter().map(&asked).collect();
            time(|| requests.into_iter().map(|request| answered(api, request).len()).sum::<usize>())
        },
        || {
            time(|| {
                for id in ids {
                    floor(*id, &mut buffer);
                    black_box(&buffer);
                }
            })
        },
    )
}

/// Copies what a statement finds, and gives the first column.
fn copied(statement: &mut Statement<'_>, of: impl rusqlite::Params, columns: usize, out: &mut Vec<u8>) -> Vec<i64> {
    let mut rows = statement.query(of).unwrap();
    let mut first = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        if let ValueRef::Integer(id) = row.get_ref(0).unwrap() {
            first.push(id);
        }
        for at in 0..columns {
            match row.get_ref(at).unwrap() {
                ValueRef::Integer(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
                ValueRef::Text(text) => out.extend_from_slice(text),
                _ => {}
            }
        }
    }
    first
}

/// Some people or projects that have time, far from one another.
fn some(connection: &rusqlite::Connection, column: &str, condition: &str) -> Vec<i64> {
    let sql = format!(
        "SELECT DISTINCT {column} FROM day_entries WHERE {condition} ORDER BY {column} * 7919 % 1009 LIMIT {ASKED}"
    );
    let mut statement = connection.prepare(&sql).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}
