//! Queries that apps need: counting, searching, ordering, and parts of lists.

use std::borrow::Cow;

use super::read::{Cursor, FOLDED, List, Words, found_in};
use super::{Records, Selection, Stored};
use crate::error::Result;
use crate::record::{Column, ColumnOf, Columns, Field};
use crate::value::{Kind, Value, bound};

/// How many found records are at most given to SQLite by their ids; where there are more, a scan meets them soon.
const FEW: usize = 4_000;

/// A query over the records of one kind, made by [`Records::query`]. Its conditions combine: a record meets them all.
///
/// ```
/// use clientstore::{ClientFilter, ClientStore, NewClient};
///
/// let store = ClientStore::open_in_memory()?;
/// store.clients().create_all(["Łódź Film", "SuprCorp", "Supr Film"].map(NewClient::named))?;
///
/// let active = || store.clients().query(&ClientFilter::new()).equal_to(|client| client.active(), true);
/// assert_eq!(active().count()?, 3);
/// assert!(active().search("łódź").exists()?);
/// let mut names = Vec::new();
/// for client in active().search("film").order_by(|client| client.name()).limit(10).list()? {
///     names.push(client?.name);
/// }
/// assert_eq!(names, ["Supr Film", "Łódź Film"]);
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # What it costs
///
/// A condition on a field that the file has an index of (`docs/file.md`), such as `updated_at` or the id of what the
/// record belongs to, finds its records by the index. Any other reads every record once, and so does an order by any field
/// but `id` and `updated_at`, even with a limit. [`search`](Self::search) says what it costs itself.
#[must_use = "a query does nothing until it is counted or listed"]
pub struct Query<'a, R> {
    records: Records<'a, R>,
    selection: Selection,
    searches: Vec<Search>,
}

/// Words that are to be found in some of the columns.
struct Search {
    text: String,
    columns: Vec<&'static Column>,
}

impl<R> std::fmt::Debug for Query<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").field("selection", &self.selection).finish_non_exhaustive()
    }
}

impl<'a, R: Stored> Records<'a, R> {
    /// A query over the records that the filter lets through.
    pub fn query(&self, filter: &R::Filter) -> Query<'a, R> {
        Query { records: self.other(), selection: self.selection(filter), searches: Vec::new() }
    }
}

impl<'a, R: Stored> Query<'a, R> {
    /// Only records in whose texts each word of the given text is found, as a part of any of them and whatever its case, in
    /// any language. A blank text finds every record.
    ///
    /// The texts are those that people write: names, addresses, notes, numbers and the like; see [`contains`](Self::contains)
    /// for a single field. Of a store with up to 64 MiB of them, the first search after a write reads them all into memory, and
    /// further ones look there, which takes at most a few milliseconds for 100,000 clients. Inside a transaction, and where
    /// there are more texts, each search reads them from the file.
    pub fn search(self, text: impl Into<String>) -> Self {
        let columns = R::TABLE.columns.iter().filter(|column| column.searched).collect();
        self.searching(columns, text.into())
    }

    /// Only records in whose field each word of the given text is found, as [`search`](Self::search) finds it.
    pub fn contains<T>(self, field: impl FnOnce(Columns<R>) -> ColumnOf<R, T>, text: impl Into<String>) -> Self {
        let column = field(Columns::new()).column();
        self.searching(vec![column], text.into())
    }

    fn searching(mut self, columns: Vec<&'static Column>, text: String) -> Self {
        if !Words::of(&text).is_empty() {
            self.searches.push(Search { text, columns });
        }
        self
    }

    /// Only records whose field has the value; a decimal by its number.
    pub fn equal_to<T: Field>(self, field: impl FnOnce(Columns<R>) -> ColumnOf<R, T>, value: impl Into<T>) -> Self {
        self.compared(field(Columns::new()).column(), "IS", value.into())
    }

    /// Only records whose field has the value or a greater one. A field that is nil has none.
    pub fn at_least<T: Field>(self, field: impl FnOnce(Columns<R>) -> ColumnOf<R, T>, value: impl Into<T>) -> Self {
        self.compared(field(Columns::new()).column(), ">=", value.into())
    }

    /// Only records whose field has the value or a lesser one. A field that is nil has none.
    pub fn at_most<T: Field>(self, field: impl FnOnce(Columns<R>) -> ColumnOf<R, T>, value: impl Into<T>) -> Self {
        self.compared(field(Columns::new()).column(), "<=", value.into())
    }

    fn compared<T: Field>(mut self, column: &Column, operator: &str, value: T) -> Self {
        let condition = match column.kind {
            Kind::Decimal => format!("{} {operator} CAST(? AS REAL)", column.number()),
            _ => format!("{} {operator} ?", column.sql()),
        };
        let value = match value.to_value() {
            // Years beyond 9999 are kept so that they compare as texts.
            Value::Text(text) if matches!(column.kind, Kind::Date | Kind::DateTime) => bound(text),
            value => value,
        };
        self.selection.conditions.push((Cow::Owned(condition), Some(value)));
        self
    }

    /// Orders by a field, the least value first and nil before all; those of equal values by their ids. Texts are ordered by
    /// their letters in lower case, decimals by their numbers. A later order takes the place of an earlier one.
    pub fn order_by<T>(mut self, field: impl FnOnce(Columns<R>) -> ColumnOf<R, T>) -> Self {
        let field = field(Columns::new());
        let (column, direction) = (field.column(), if field.descending { " DESC" } else { "" });
        self.selection.order = Some(match column.name {
            "id" => format!(" ORDER BY id{direction}"),
            _ => format!(" ORDER BY {}{direction}, id{direction}", column.sorted_by(FOLDED)),
        });
        self.selection.sorts = true;
        self
    }

    /// At most as many records, in the place of a filter's page.
    pub fn limit(mut self, count: u64) -> Self {
        let (skip, _) = self.selection.window.unwrap_or((0, -1));
        self.selection.window = Some((skip, i64::try_from(count).unwrap_or(i64::MAX)));
        self
    }

    /// Leaves out as many of the first records.
    pub fn offset(mut self, count: u64) -> Self {
        let (_, most) = self.selection.window.unwrap_or((0, -1));
        self.selection.window = Some((i64::try_from(count).unwrap_or(i64::MAX), most));
        self
    }

    /// Reads the records one by one.
    ///
    /// # Errors
    ///
    /// As [`Records::list`].
    pub fn list(&self) -> Result<List<'a, R>> {
        let selection = self.narrowed()?;
        Ok(List::new(self.records.source()?, selection))
    }

    /// The first record, after those that [`offset`](Self::offset) leaves out; none where there is none.
    ///
    /// # Errors
    ///
    /// As [`Records::get`], but a missing record is none.
    pub fn first(&self) -> Result<Option<R>> {
        let mut selection = self.narrowed()?;
        let (skip, most) = selection.window.unwrap_or((0, 1));
        selection.window = Some((skip, if most == 0 { 0 } else { 1 }));
        List::new(self.records.source()?, selection).next().transpose()
    }

    /// How many records there are, whatever the limit and the offset. It reads an index, or each record once.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage).
    pub fn count(&self) -> Result<u64> {
        let (sql, parameters) = Cursor::count(R::ENTITY, &self.narrowed()?);
        self.records.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let count: i64 = statement.query_row(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// Whether there is a record, whatever the limit and the offset. It reads up to the first one.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage).
    pub fn exists(&self) -> Result<bool> {
        let (sql, parameters) = Cursor::any(R::ENTITY, &self.narrowed()?);
        self.records
            .read(|connection| Ok(connection.prepare_cached(&sql)?.exists(rusqlite::params_from_iter(parameters))?))
    }

    /// What is selected, with the searches.
    fn narrowed(&self) -> Result<Selection> {
        let mut selection = self.selection.clone();
        if let Some(ids) = self.found()? {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let ids = Value::Text(format!("[{}]", ids.join(",")));
            selection.conditions.push((Cow::Borrowed("id IN (SELECT value FROM json_each(?))"), Some(ids)));
        }
        // What was found is looked at again, since a record may have changed since.
        for Search { text, columns } in &self.searches {
            let columns: Vec<&str> = columns.iter().map(|column| column.sql()).collect();
            selection.conditions.push((Cow::Owned(found_in(&columns)), Some(Value::from(text.as_str()))));
        }
        Ok(selection)
    }

    /// The ids of all records that the searches can find, where these are few and the texts in memory know.
    fn found(&self) -> Result<Option<Vec<i64>>> {
        let known = self.searches.iter().filter(|search| search.columns.iter().all(|column| column.searched));
        let words: Vec<&str> = known.map(|search| search.text.as_str()).collect();
        let Some(store) = self.records.store_alone().filter(|_| !words.is_empty()) else { return Ok(None) };
        let Some(texts) = store.texts(R::TABLE)? else { return Ok(None) };
        Ok(texts.find(&Words::of(&words.join(" ")), FEW))
    }
}

#[cfg(test)]
mod tests;
