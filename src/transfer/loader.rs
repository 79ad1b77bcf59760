//! Loading records into the store, from documents of any format.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::NEXT_IDS;
use crate::error::{Error, Result, Rule};
use crate::record::{Constant, Unknown, Unknowns, Values};
use crate::resources::entities;
use crate::store::{ClientStore, Entity, Loading, MAX_ID, apply, delete_where, load};
use crate::upkeep::Progress;
use crate::value::Value;

/// Progress is reported once every this many records.
const TOLD_EVERY: u64 = 1_000;

/// The kind of a document, by its root or its first name.
pub(super) enum Content {
    Dump,
    /// An empty list, as the service wrote it in 2010 whatever the records.
    Nothing,
    List(&'static Entity),
    Record(&'static Entity),
}

impl Content {
    /// Its place in the order of loading: after the kinds that it refers to.
    pub(super) fn rank(&self) -> Option<usize> {
        match self {
            Content::Dump | Content::Nothing => None,
            Content::List(entity) | Content::Record(entity) => {
                entities().position(|other| other.table.name == entity.table.name)
            }
        }
    }
}

/// Puts the records of documents into the store.
pub(super) struct Loader<'a> {
    pub(super) store: &'a ClientStore,
    pub(super) connection: &'a Connection,
    pub(super) at: DateTime<Utc>,
    /// Whether an unknown element is an error.
    pub(super) strict: bool,
    /// Whether a record whose id is taken updates the one that is there.
    pub(super) update: bool,
    /// Whether the document at hand is a dump.
    pub(super) is_dump: bool,
    /// How many records of each kind were loaded.
    pub(super) kinds: Vec<(&'static str, u64)>,
    pub(super) records: u64,
    /// How many of them were there already.
    pub(super) met: u64,
    pub(super) progress: &'a mut dyn FnMut(Progress),
    /// The unknown elements of the current document.
    pub(super) unknown: Unknowns,
    /// The ids of loaded records that took the place of a seeded one.
    pub(super) replacements: HashSet<(&'static str, i64)>,
    /// The records with temporary values, and the values that they get at the end.
    pub(super) held: Vec<(&'static Entity, i64, Vec<i64>)>,
    /// The kinds whose seeded records are removed at the end.
    pub(super) aside: Vec<&'static Entity>,
}

impl Loader<'_> {
    /// Counts unknown elements, or refuses them.
    pub(super) fn note(&mut self, met: &Unknowns) -> Result<()> {
        match met.met().first() {
            Some(Unknown { element, line, .. }) if self.strict => {
                let reason = format!("the element <{element}> is not known; what it holds would be lost");
                Err(Error::Xml { line: *line, reason })
            }
            _ => {
                self.unknown.append(met);
                Ok(())
            }
        }
    }

    pub(super) fn add(&mut self, entity: &'static Entity, mut values: Values) -> Result<()> {
        if let Some(id) = self.meets(entity, &values)? {
            return self.change(entity, id, values);
        }
        self.store.prepare(entity, &mut values)?;
        if let (Some(_), Some(id)) = (entity.seeded, values.integer("id"))
            && !self.replacements.insert((entity.table.name, id))
        {
            return Err(Error::refused(Rule::IdIsTaken, [(entity.document.element, 1)]));
        }
        self.note(&values.unknown)?;
        let own = entity.loading.map(|loading| hold(&mut values, loading.held));
        let id = load(self.connection, entity, values, self.at)?;
        if let Some(own) = own {
            self.held.push((entity, id, own));
        }
        self.count(entity);
        Ok(())
    }

    /// The id of the record that is there and that a document's record updates. A dump takes the place of the records that
    /// a new store has; it updates none of them.
    fn meets(&self, entity: &'static Entity, values: &Values) -> Result<Option<i64>> {
        let Some(id) = values.integer("id").filter(|_| self.update) else { return Ok(None) };
        let gives_way = match entity.seeded {
            Some(seeded) if self.is_dump => seeded,
            _ => "0",
        };
        let sql = format!("SELECT 1 FROM {} WHERE id = ?1 AND NOT ({gives_way})", entity.table.name);
        Ok(self.connection.prepare_cached(&sql)?.exists([id])?.then_some(id))
    }

    /// Sets what a document says of a record that is there.
    fn change(&mut self, entity: &'static Entity, id: i64, mut values: Values) -> Result<()> {
        self.note(&values.unknown)?;
        let file = entity.files.map_or(Ok(None), |files| files.take(&mut values))?;
        if entity.updates() {
            apply(self.connection, self.store.update(entity, None, id, values))?;
        }
        if let (Some(files), Some(file)) = (entity.files, file) {
            files.keep(self.connection, id, &file)?;
        }
        self.met += 1;
        self.count(entity);
        Ok(())
    }

    fn count(&mut self, entity: &Entity) {
        let element = entity.document.element;
        match self.kinds.iter_mut().rev().find(|(kind, _)| *kind == element) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((element, 1)),
        }
        self.records += 1;
        if self.records.is_multiple_of(TOLD_EVERY) {
            self.tell();
        }
    }

    /// Reports the progress.
    pub(super) fn tell(&mut self) {
        (self.progress)(Progress { doing: "loading the records", done: self.records, total: 0 });
    }

    /// Removes the records of a new store that the dumped one may have deleted.
    pub(super) fn make_way(&mut self, entity: &'static Entity) -> Result<()> {
        match (entity.seeded, entity.loading) {
            (Some(_), Some(loading)) => {
                self.connection.execute(loading.aside, [])?;
                self.aside.push(entity);
                Ok(())
            }
            (Some(seeded), None) => delete_where(self.connection, entity, seeded),
            (None, _) => Ok(()),
        }
    }

    /// Gives records the values that were only allowed once all records were loaded.
    pub(super) fn finish(&mut self) -> Result<()> {
        for (entity, id, own) in self.held.drain(..) {
            let Some(loading) = entity.loading else { continue };
            let sets: Vec<String> =
                loading.held.iter().zip(&own).map(|((column, _), value)| format!("{column} = {value}")).collect();
            let sql = format!("UPDATE {} SET {} WHERE id = ?1", entity.table.name, sets.join(", "));
            self.connection.prepare_cached(&sql)?.execute([id]).map_err(|error| refused(error, loading))?;
        }
        for entity in self.aside.drain(..) {
            let (Some(seeded), Some(loading)) = (entity.seeded, entity.loading) else { continue };
            let sql = format!("SELECT id FROM {} WHERE {seeded}", entity.table.name);
            let left: Vec<i64> = {
                let mut statement = self.connection.prepare(&sql)?;
                let ids = statement.query_map([], |row| row.get(0))?;
                ids.collect::<rusqlite::Result<_>>()?
            };
            for id in left.into_iter().filter(|id| !self.replacements.contains(&(entity.table.name, *id))) {
                let sql = format!("DELETE FROM {} WHERE id = ?1", entity.table.name);
                self.connection.execute(&sql, [id]).map_err(|error| refused(error, loading))?;
            }
        }
        Ok(())
    }

    /// Makes the next id of a kind at least this one.
    pub(super) fn next_id(&self, entity: &Entity, next: i64) -> Result<()> {
        let (name, last) = (entity.table.name, next.saturating_sub(1));
        if last > MAX_ID {
            return Err(Error::invalid(NEXT_IDS, format!("is above {MAX_ID}, the greatest id")));
        }
        if last > 0 {
            self.connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 \
                 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                [name],
            )?;
            self.connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (name, last))?;
        }
        Ok(())
    }
}

/// Sets temporary values of columns, and returns the final ones.
fn hold(values: &mut Values, held: &[(&'static str, i64)]) -> Vec<i64> {
    let mut own = Vec::with_capacity(held.len());
    for (name, value) in held {
        let column = &values.table.columns[values.table.position(name)];
        let default = match column.default {
            Some(Constant::Integer(number)) => number,
            _ => *value,
        };
        own.push(values.integer(name).unwrap_or(default));
        values.set(name, Value::Integer(*value));
    }
    own
}

fn refused(error: rusqlite::Error, loading: Loading) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => (loading.refusal)(),
        _ => error.into(),
    }
}
