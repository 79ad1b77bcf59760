//! Reading lists, slice by slice inside one read transaction.
//!
//! A slice goes on after the last id that was read, so nothing is borrowed between two of them: a
//! list can be kept, or dropped half-way.

use std::borrow::Cow;
use std::collections::VecDeque;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::{Error, Result};
use crate::record::View;
use crate::store::entity::{Entity, Order, Selection};
use crate::store::{Snapshot, Stored, corrupt};
use crate::value::Value;

/// How far a list was read, and how to read on.
pub(crate) struct Cursor {
    entity: &'static Entity,
    view: View,
    state: State,
}

/// What is done with a row, and where the slice goes on.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<Step>;

/// Where a slice goes on after a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// At the row after it, in the same slice.
    On,
    /// At the row after it, in the next slice.
    EndAfter,
    /// At this row, in the next slice.
    EndBefore,
}

enum State {
    /// Nothing was read yet.
    New(Selection),
    /// In the order of ids, or of another column: what comes after the mark, up to the id that was the last when the
    /// list began. Where records are written meanwhile, in memory, the list has an end all the same.
    After(Mark, i64, Selection),
    /// The ids in the list's order, found first, and how many of them were read.
    Picked(Vec<i64>, usize),
    End,
}

/// Up to where a list was read.
struct Mark {
    id: i64,
    /// What the column holds there that the list ascends by.
    by: Option<Value>,
}

impl Cursor {
    pub(crate) fn new(entity: &'static Entity, view: View, selection: Selection) -> Self {
        Cursor { entity, view, state: State::New(selection) }
    }

    /// Reads on until `each` ends the slice or the list is at its end; true when it may go on.
    pub(crate) fn slice(&mut self, connection: &Connection, each: Each<'_>) -> Result<bool> {
        self.state = match std::mem::replace(&mut self.state, State::End) {
            State::New(selection) if selection.window.is_some() => self.window(connection, &selection, each)?,
            State::New(selection) if selection.by.is_some() => self.after(connection, None, selection, each)?,
            State::New(selection) if selection.sorts || self.entity.order != Order::Id => {
                self.picked(connection, self.pick(connection, &selection)?, 0, each)?
            }
            State::New(selection) => self.after(connection, None, selection, each)?,
            State::After(mark, last, selection) => self.after(connection, Some((mark, last)), selection, each)?,
            State::Picked(ids, read) => self.picked(connection, ids, read, each)?,
            State::End => State::End,
        };
        Ok(!matches!(self.state, State::End))
    }

    /// A window is a page, read with one statement where it is short.
    fn window(&self, connection: &Connection, selection: &Selection, each: Each<'_>) -> Result<State> {
        let (sql, parameters) = self.page(selection);
        let mut read = 0;
        let stopped_at = rows(connection, &sql, parameters, None, &mut |row| {
            let step = each(row)?;
            read += usize::from(step != Step::EndBefore);
            Ok(step)
        })?;
        Ok(match stopped_at {
            Some(_) => State::Picked(self.pick(connection, selection)?, read),
            None => State::End,
        })
    }

    fn page(&self, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = self.entity.table.sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, selection);
        self.arrange(&mut sql, &mut parameters, selection);
        (sql, parameters)
    }

    fn after(
        &self,
        connection: &Connection,
        read: Option<(Mark, i64)>,
        selection: Selection,
        each: Each<'_>,
    ) -> Result<State> {
        let (sql, parameters) = self.rest(read.as_ref(), &selection);
        let Some(stopped_at) = rows(connection, &sql, parameters, selection.by, each)? else { return Ok(State::End) };
        let last = match read {
            Some((_, last)) => last,
            None => {
                let sql = format!("SELECT max(id) FROM {}", self.entity.table.name);
                connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?
            }
        };
        Ok(State::After(stopped_at, last, selection))
    }

    /// The statement that reads what was not read yet.
    fn rest(&self, read: Option<&(Mark, i64)>, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = self.entity.table.sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, selection);
        if let Some((Mark { id, by }, last)) = read {
            sql.push_str(if selection.conditions.is_empty() { " WHERE " } else { " AND " });
            match (selection.by, by) {
                (Some(column), Some(value)) => {
                    sql.push_str(&format!("({column}, id) > (?, ?) AND id <= ?"));
                    parameters.push(value.clone());
                }
                _ => sql.push_str("id > ? AND id <= ?"),
            }
            parameters.extend([Value::Integer(*id), Value::Integer(*last)]);
        }
        sql.push_str(&self.order(selection));
        (sql, parameters)
    }

    fn ids(&self, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT id FROM {}", self.entity.table.name);
        let mut parameters = conditions(&mut sql, selection);
        self.arrange(&mut sql, &mut parameters, selection);
        (sql, parameters)
    }

    fn pick(&self, connection: &Connection, selection: &Selection) -> Result<Vec<i64>> {
        let (sql, parameters) = self.ids(selection);
        let mut ids = Vec::new();
        rows(connection, &sql, parameters, None, &mut |row| {
            ids.push(row.get(0)?);
            Ok(Step::On)
        })?;
        Ok(ids)
    }

    /// Adds the order, and the window where there is one.
    fn arrange(&self, sql: &mut String, parameters: &mut Vec<Value>, selection: &Selection) {
        sql.push_str(&self.order(selection));
        if let Some((skip, count)) = selection.window {
            sql.push_str(" LIMIT ? OFFSET ?");
            parameters.extend([Value::Integer(count), Value::Integer(skip)]);
        }
    }

    fn picked(&self, connection: &Connection, ids: Vec<i64>, read: usize, each: Each<'_>) -> Result<State> {
        let mut statement = connection.prepare_cached(self.entity.table.sql().one(self.view))?;
        for (at, id) in ids.iter().enumerate().skip(read) {
            let mut rows = statement.query([id])?;
            // In memory, another thread may have deleted it meanwhile.
            let step = rows.next()?.map_or(Ok(Step::On), &mut *each)?;
            if step != Step::On {
                drop(rows);
                return Ok(State::Picked(ids, at + usize::from(step == Step::EndAfter)));
            }
        }
        Ok(State::End)
    }

    fn order(&self, selection: &Selection) -> Cow<'static, str> {
        if let Some(column) = selection.by {
            return Cow::Owned(format!(" ORDER BY {column}, id"));
        }
        Cow::Borrowed(match self.entity.order {
            Order::Id => " ORDER BY id",
            // The plus keeps SQLite from reading all in this order, where the conditions have an index.
            Order::Newest if selection.sorts => " ORDER BY +created_at DESC, id DESC",
            Order::Newest => " ORDER BY created_at DESC, id DESC",
        })
    }
}

fn conditions(sql: &mut String, selection: &Selection) -> Vec<Value> {
    let mut parameters = Vec::with_capacity(selection.conditions.len() + 2);
    for (at, (condition, value)) in selection.conditions.iter().enumerate() {
        sql.push_str(if at == 0 { " WHERE " } else { " AND " });
        sql.push_str(condition);
        parameters.extend(value.clone());
    }
    parameters
}

/// Reads rows until `each` ends the slice, and gives the mark after which to go on then; `by` is the column of the order.
fn rows(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
    by: Option<&str>,
    each: Each<'_>,
) -> Result<Option<Mark>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let before = match each(row)? {
            Step::On => continue,
            Step::EndAfter => 0,
            Step::EndBefore => 1,
        };
        let by = by.map(|column| row.get(column)).transpose()?;
        return Ok(Some(Mark { id: row.get::<_, i64>("id")? - before, by }));
    }
    Ok(None)
}

/// Reads a record from a row of `View::Live`.
pub(crate) fn record<R: Stored>(row: &Row<'_>) -> Result<R> {
    R::read(|position| row.get_ref(position).map_err(Error::from)).map_err(|error| damaged::<R>(row, error))
}

#[cold]
fn damaged<R: Stored>(row: &Row<'_>, error: Error) -> Error {
    match error {
        Error::Invalid { field, reason, .. } => corrupt(R::TABLE, id(row), field, reason),
        other => other,
    }
}

/// The id of a row that may be damaged, 0 where it cannot be told.
pub(crate) fn id(row: &Row<'_>) -> i64 {
    match row.get_ref("id") {
        Ok(ValueRef::Integer(id)) => id,
        _ => 0,
    }
}

/// The records of a list, read as they are asked for, all as they were at one moment.
///
/// Made by [`Records::list`](crate::Records::list). In memory there is one moment to every 256
/// records.
pub struct List<'a, R> {
    source: Source<'a>,
    cursor: Cursor,
    read: VecDeque<R>,
    more: bool,
    /// What ended the list, for after the records before it.
    failed: Option<Error>,
}

/// Where a list is read from.
pub(crate) enum Source<'a> {
    Snapshot(Snapshot),
    Transaction(&'a Connection),
}

/// What a list is read from.
pub(crate) trait Reads {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T>;
}

impl Reads for Snapshot {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match &self.reader {
            Some(reader) => run(reader),
            None => self.store.read(run),
        }
    }
}

impl Reads for Source<'_> {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self {
            Source::Snapshot(snapshot) => snapshot.read(run),
            Source::Transaction(connection) => run(connection),
        }
    }
}

impl<'a, R: Stored> List<'a, R> {
    pub(crate) fn new(source: Source<'a>, selection: Selection) -> Self {
        let cursor = Cursor::new(R::ENTITY, View::Live, selection);
        List { source, cursor, read: VecDeque::new(), more: true, failed: None }
    }

    fn fill(&mut self) -> Result<()> {
        let List { source, cursor, read, .. } = self;
        self.more = source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                read.push_back(record(row)?);
                Ok(if read.len() < 256 { Step::On } else { Step::EndAfter })
            })
        })?;
        Ok(())
    }
}

impl<R: Stored> Iterator for List<'_, R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.read.is_empty() && self.more {
            if let Err(error) = self.fill() {
                self.more = false;
                self.failed = Some(error);
            }
        }
        self.read.pop_front().map(Ok).or_else(|| self.failed.take().map(Err))
    }
}

impl<R> std::fmt::Debug for List<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("more", &self.more).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use rusqlite::StatementStatus;

    use super::*;
    use crate::resources::projects::PROJECTS;
    use crate::store::Reach;
    use crate::{ClientStore, Durability, NewClient, NewInvoice, NewPerson, NewProject};

    /// 100,000 invoices, ten clients', a state each in turn, a minute and a day apart.
    fn store(directory: &tempfile::TempDir) -> ClientStore {
        let path = directory.path().join("store.db");
        let store = ClientStore::builder().durability(Durability::Off).open(&path).unwrap();
        store.clients().create_all((0..10).map(|n| NewClient::named(format!("{n}")))).unwrap();
        store.invoices().create(&NewInvoice::of(1)).unwrap();
        let columns =
            "due_at, client_id, currency, issued_at, number, client_key, state, closed, updated_at, created_at";
        let sql = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 99999) \
             INSERT INTO invoices ({columns}) SELECT date('2001-01-01', (n % 4000) || ' days'), n % 10 + 1, currency, \
             date('2001-01-01', (n % 4000) || ' days'), n, client_key, \
             CASE n / 10 % 5 WHEN 0 THEN 'draft' WHEN 1 THEN 'open' WHEN 2 THEN 'partial' WHEN 3 THEN 'paid' ELSE 'closed' END, \
             n / 10 % 5 = 4, strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes'), \
             strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes') FROM n, invoices WHERE invoices.id = 1"
        );
        rusqlite::Connection::open(&path).unwrap().execute(&sql, []).unwrap();
        store
    }

    /// How page 1 under a filter is found, how many rows it has, and in how many steps they were read.
    fn page(store: &ClientStore, filter: Option<(&str, &str)>) -> (String, usize, i32) {
        let entity = crate::Invoice::ENTITY;
        let mut selection = entity.unfiltered(NaiveDate::from_ymd_opt(2011, 3, 31).unwrap());
        if let Some((name, value)) = filter {
            entity.filter(&mut selection, name, value).unwrap();
        }
        let (sql, parameters) = Cursor::new(entity, View::Live, Selection::default()).page(&selection);
        run(store, &sql, &parameters)
    }

    #[test]
    fn a_person_reads_only_the_projects_that_they_are_assigned_to_and_an_administrator_as_if_there_were_no_roles() {
        let store = ClientStore::open_in_memory().unwrap();
        store.clients().create(&NewClient::named("SuprCorp")).unwrap();
        store.projects().create(&NewProject::of(1, "Website")).unwrap();
        store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
        let selected = |reach| {
            let mut selection = PROJECTS.unfiltered(NaiveDate::MIN);
            selection.within(&PROJECTS, reach);
            selection
        };
        let projects = "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n LIMIT 19999) INSERT INTO projects \
                        (client_id, name, updated_at, created_at) SELECT 1, n, updated_at, created_at FROM n, projects \
                        WHERE projects.id = 1";
        let assigned = "INSERT INTO user_assignments (user_id, project_id, is_project_manager, updated_at, created_at) \
                        SELECT 2, 2000 * id, 1, updated_at, created_at FROM projects WHERE id <= 10";
        store
            .transaction(|tx| {
                tx.connection().execute(projects, [])?;
                tx.connection().execute(assigned, [])?;
                Ok::<_, Error>(tx.connection().execute("UPDATE people SET is_project_manager = 1 WHERE id = 2", [])?)
            })
            .unwrap();
        for reach in [Reach::Seen(2), Reach::Managed(2)] {
            let selection = selected(reach);
            assert!(!selection.is_whole(), "it is never kept for others");
            let (sql, parameters) = Cursor::new(&PROJECTS, View::Live, Selection::default()).ids(&selection);
            let (plan, ids, steps) = run(&store, &sql, &parameters);
            assert!(plan.contains("SEARCH projects USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
            assert!(plan.contains("SEARCH mine USING INDEX user_assignments_pair (user_id=?)"), "{plan}");
            assert_eq!(ids, 10);
            assert!(steps < 500, "{steps}");
        }
        for reach in [Reach::All, Reach::Administrator(1)] {
            assert!(selected(reach).is_whole() && !selected(reach).sorts);
        }
    }

    /// How a statement finds its rows, how many it has, and in how many steps.
    fn run(store: &ClientStore, sql: &str, parameters: &[Value]) -> (String, usize, i32) {
        store
            .read(|connection| {
                let parameters = || rusqlite::params_from_iter(parameters);
                let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let plan: rusqlite::Result<Vec<String>> =
                    explain.query_map(parameters(), |row| row.get("detail"))?.collect();
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query(parameters())?;
                let mut count = 0;
                while rows.next()?.is_some() {
                    count += 1;
                }
                drop(rows);
                Ok((plan?.join("; "), count, statement.get_status(StatementStatus::VmStep)))
            })
            .unwrap()
    }

    #[test]
    fn pages_of_a_hundred_thousand_invoices_are_found_by_an_index_and_read_no_more_of_it_than_they_show() {
        // Both by one test, since such a store takes its time.
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        each_single_filter_uses_an_index(&store);
        page_1_reads_no_more_of_its_index_than_it_shows(&store);
    }

    fn each_single_filter_uses_an_index(store: &ClientStore) {
        for (name, value, index) in [
            ("client", "7", "invoices_client_id (client_id=?)"),
            ("status", "draft", "invoices_state (state=?)"),
            ("state", "closed", "invoices_state (state=?)"),
            ("status", "unpaid", "invoices_state (state=?)"),
            ("status", "pastdue", "invoices_state (state=?)"),
            ("from", "20111201", "invoices_issued_at (issued_at>?)"),
            ("to", "20010102", "invoices_issued_at (issued_at<?)"),
            ("updated_since", "2001-03-11 10:00", "invoices_updated_at (updated_at>?)"),
        ] {
            let (plan, count, _) = page(store, Some((name, value)));
            assert!(plan.starts_with(&format!("SEARCH invoices USING INDEX {index}")), "{name}={value}: {plan}");
            assert!(count > 0, "{name}={value}");
        }
    }

    fn page_1_reads_no_more_of_its_index_than_it_shows(store: &ClientStore) {
        for filter in [None, Some(("client", "7")), Some(("status", "draft")), Some(("status", "closed"))] {
            let (plan, count, steps) = page(store, filter);
            assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
            assert_eq!(count, 50, "{filter:?}");
            // A row takes a step for each of its 29 columns, and a few more.
            assert!(steps < 51 * 50, "{filter:?}: {steps}");
        }
    }

    #[test]
    fn each_report_on_time_is_read_by_an_index_in_its_order() {
        let entity = crate::DayEntry::ENTITY;
        let store = ClientStore::open_in_memory().unwrap();
        let filters = [
            ("", ""),
            ("user_id", "1"),
            ("project_id", "1"),
            ("billable", "yes"),
            ("billable", "no"),
            ("only_billed", "yes"),
            ("only_unbilled", "yes"),
            ("is_closed", "no"),
            ("updated_since", "2011-03-31"),
        ];
        for (column, index) in [("project_id", "day_entries_of_project"), ("user_id", "day_entries_of_person")] {
            for (name, value) in filters.into_iter().filter(|(name, _)| *name != column) {
                for mark in [None, Some((Mark { id: 5, by: Some(Value::from("2011-03-05")) }, 9))] {
                    let mut selection = entity.unfiltered(store.today());
                    selection.by = Some("spent_at");
                    selection.belonging_to(column, 1);
                    for (name, value) in [("from", "20110301"), ("to", "20110331"), (name, value)] {
                        entity.filter(&mut selection, name, value).unwrap();
                    }
                    let cursor = Cursor::new(entity, View::Live, Selection::default());
                    let (sql, parameters) = cursor.rest(mark.as_ref(), &selection);
                    let plan = explained(&store, &sql, &parameters);
                    // Of a project's and a person's entries, either index may find those of both.
                    let found = plan.starts_with(&format!("SEARCH day_entries USING INDEX {index} ({column}=? AND "))
                        || (name.ends_with("_id")
                            && plan.starts_with("SEARCH day_entries USING INDEX day_entries_of_"));
                    assert!(found && !plan.contains("TEMP B-TREE"), "{column} {name}={value}: {plan}");
                    assert!(plan.contains("spent_at>? AND spent_at<?"), "{column} {name}={value}: {plan}");
                }
            }
        }
    }

    #[test]
    fn each_report_on_expenses_is_read_by_an_index_in_its_order() {
        let entity = crate::Expense::ENTITY;
        let store = ClientStore::open_in_memory().unwrap();
        let filters = [
            ("", ""),
            ("only_billed", "yes"),
            ("only_unbilled", "yes"),
            ("is_closed", "yes"),
            ("is_closed", "no"),
            ("updated_since", "2011-03-31"),
        ];
        for (column, index) in [("project_id", "expenses_of_project"), ("user_id", "expenses_of_person")] {
            for (name, value) in filters {
                for mark in [None, Some((Mark { id: 5, by: Some(Value::from("2011-03-05")) }, 9))] {
                    let mut selection = entity.unfiltered(store.today());
                    selection.by = Some("spent_at");
                    selection.belonging_to(column, 1);
                    for (name, value) in [("from", "20110301"), ("to", "20110331"), (name, value)] {
                        entity.filter(&mut selection, name, value).unwrap();
                    }
                    let cursor = Cursor::new(entity, View::Live, Selection::default());
                    let (sql, parameters) = cursor.rest(mark.as_ref(), &selection);
                    let plan = explained(&store, &sql, &parameters);
                    let search =
                        format!("SEARCH expenses USING INDEX {index} ({column}=? AND spent_at>? AND spent_at<?)");
                    assert!(
                        plan.starts_with(&search) && !plan.contains("TEMP B-TREE"),
                        "{column} {name}={value}: {plan}"
                    );
                }
            }
        }
    }

    fn explained(store: &ClientStore, sql: &str, parameters: &[Value]) -> String {
        store
            .read(|connection| {
                let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let details = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail"))?;
                Ok(details.collect::<rusqlite::Result<Vec<String>>>()?.join("; "))
            })
            .unwrap()
    }
}
