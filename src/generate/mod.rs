//! Stores full of made-up records, the same for the same seed, for tests and benchmarks.

mod calendar;
mod countries;
mod expenses;
mod people;
mod random;
mod records;
mod time;
mod words;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use self::people::{FIRST_PEOPLE, FIRST_TASKS, contact, person, task, task_assignments, user_assignments};
use self::records::{Profile, invoice, project};
use self::time::Work;
use crate::error::{Error, Result, Rule};
use crate::record::NewRecord;
use crate::resources::invoices::{CLOSE, INVOICES, MARK_AS_SENT};
use crate::store::{ADMINISTRATOR, Action, ClientStore, Command, Outcome, Reach, Stored, Transaction, Write, apply};
use crate::upkeep::Progress;

/// At most this many records of a kind are made in one transaction, so that neither memory nor
/// the write-ahead log grows with their number.
const BATCH: u64 = 5_000;

/// Fills a new store with an account's made-up records: people, tasks, clients with addresses and contacts, projects,
/// invoices of every state with their lines, messages and payments, time sheets, and expenses.
///
/// Each project has the administrator, the people who join every project, and one to five others of the people that are
/// made, as far as those are active; and the two default tasks and one to four others of the tasks that are made.
///
/// The records follow from the seed, the numbers and the store's account, their times and client
/// keys included: two stores filled alike give equal dumps, to the byte. Clients are from 2011, invoices from 2012
/// to 2015. Ids begin at 1; the clients have the ids up to their number, and the projects of the
/// first client come before those of the second. Anyone who knows the seed knows the client keys, so
/// none of this is for an account that strangers can reach.
///
/// ```
/// use clientstore::{ClientStore, Generator};
///
/// let store = ClientStore::open_in_memory()?;
/// Generator::new(1).clients(10).projects_per_client(2).run(&store, |_| {})?;
/// assert_eq!(store.clients().list(&Default::default())?.count(), 10);
/// assert_eq!(store.projects().list(&Default::default())?.count(), 20);
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generator {
    seed: u64,
    people: u32,
    tasks: u32,
    clients: u32,
    contacts_per_client: u32,
    projects_per_client: u32,
    invoices_per_client: u32,
    days: u32,
}

impl Generator {
    /// A generator that makes no records yet. The seed decides what the records are like.
    pub fn new(seed: u64) -> Self {
        Generator {
            seed,
            people: 0,
            tasks: 0,
            clients: 0,
            contacts_per_client: 0,
            projects_per_client: 0,
            invoices_per_client: 0,
            days: 0,
        }
    }

    /// How many people besides the administrator; none by default.
    #[must_use]
    pub fn people(mut self, people: u32) -> Self {
        self.people = people;
        self
    }

    /// How many tasks besides the three of every new store; none by default.
    #[must_use]
    pub fn tasks(mut self, tasks: u32) -> Self {
        self.tasks = tasks;
        self
    }

    /// How many contacts each client has; none by default.
    #[must_use]
    pub fn contacts_per_client(mut self, contacts: u32) -> Self {
        self.contacts_per_client = contacts;
        self
    }

    /// How many clients; none by default.
    #[must_use]
    pub fn clients(mut self, clients: u32) -> Self {
        self.clients = clients;
        self
    }

    /// How many projects each client has; none by default.
    #[must_use]
    pub fn projects_per_client(mut self, projects: u32) -> Self {
        self.projects_per_client = projects;
        self
    }

    /// How many invoices each client has; none by default. Lines, messages and payments come with
    /// them.
    #[must_use]
    pub fn invoices_per_client(mut self, invoices: u32) -> Self {
        self.invoices_per_client = invoices;
        self
    }

    /// How many days the people have time sheets of, weekends included; none by default. They begin on 2012-03-05. A
    /// person who is active works on up to three of their projects in a month, seven to nine hours on most working days,
    /// and has expenses for them on one day in fourteen, without receipts.
    #[must_use]
    pub fn days(mut self, days: u32) -> Self {
        self.days = days;
        self
    }

    /// The total that the progress of [`run`](Self::run) reaches: people, tasks, clients, contacts, projects, invoices,
    /// and a day of each person.
    pub fn records(&self) -> u64 {
        let each = [self.contacts_per_client, self.projects_per_client, self.invoices_per_client];
        let each = 1 + each.into_iter().map(u64::from).sum::<u64>();
        u64::from(self.clients).saturating_mul(each)
            + u64::from(self.people)
            + u64::from(self.tasks)
            + self.person_days()
    }

    fn person_days(&self) -> u64 {
        u64::from(self.people) * u64::from(self.days)
    }

    /// Makes the records in the store, which must be new, in many transactions. `progress` is told
    /// how many of them there are so far.
    ///
    /// Where it fails or is cut short, what it has committed stays in the store.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Rule::StoreIsNotNew`] where the store has, or ever had, a client, a contact, a
    /// project, an invoice, or a person or a task besides the first ones, [`Error::Busy`], and [`Error::Storage`], also
    /// where somebody else makes records in the store meanwhile.
    pub fn run(&self, store: &ClientStore, mut progress: impl FnMut(Progress)) -> Result<()> {
        store.read(must_be_new)?;
        let clients = u64::from(self.clients);
        let mut made = 0;
        let mut batches = |count: u64, make: &dyn Fn(&Maker<'_>, u64) -> Result<()>| {
            for first in (0..count).step_by(BATCH as usize) {
                let batch = first..count.min(first + BATCH);
                made += batch.end - batch.start;
                store.write_together(|transaction| {
                    let maker = Maker { store, transaction };
                    batch.into_iter().try_for_each(|index| make(&maker, index))
                })?;
                progress(Progress { doing: "making the records", done: made, total: self.records() });
            }
            Ok(())
        };
        batches(self.people.into(), &|maker, index| maker.next(index + FIRST_PEOPLE, person(self, index)).map(drop))?;
        batches(self.tasks.into(), &|maker, index| maker.next(index + FIRST_TASKS, task(self, index)).map(drop))?;
        batches(clients, &|maker, index| self.client(maker, index))?;
        batches(clients * u64::from(self.contacts_per_client), &|maker, index| {
            maker.next(index, contact(self, index)).map(drop)
        })?;
        batches(clients * u64::from(self.projects_per_client), &|maker, index| self.project(maker, index))?;
        batches(clients * u64::from(self.invoices_per_client), &|maker, index| self.invoice(maker, index))?;
        if self.person_days() == 0 {
            return Ok(());
        }
        let work = store.read(|connection| Work::of(self, connection))?;
        batches(self.person_days(), &|maker, index| {
            work.entries(self, index).into_iter().try_for_each(|entry| maker.create(entry).map(drop))?;
            work.expenses(self, index).into_iter().try_for_each(|expense| maker.create(expense).map(drop))
        })
    }

    fn client(&self, maker: &Maker<'_>, index: u64) -> Result<()> {
        maker.next(index, Profile::of(self, index).client()).map(drop)
    }

    fn project(&self, maker: &Maker<'_>, index: u64) -> Result<()> {
        let id = maker.next(index, project(self, index))?;
        for assignment in task_assignments(self, index, id) {
            maker.create(assignment)?;
        }
        for assignment in user_assignments(self, index, id) {
            maker.create(assignment)?;
        }
        Ok(())
    }

    fn invoice(&self, maker: &Maker<'_>, index: u64) -> Result<()> {
        let (invoice, mut story) = invoice(self, index);
        let id = maker.next(index, invoice)?;
        if !story.is_sent() {
            return Ok(());
        }
        let invoice = maker.transaction.invoices().get(id)?;
        let sent = story.sending();
        match story.message(&invoice, &maker.store.account().company) {
            Some(record) => drop(maker.create(Made { record, at: sent })?),
            None => maker.act(id, &MARK_AS_SENT, sent)?,
        }
        for payment in story.payments(&invoice) {
            maker.create(payment)?;
        }
        match story.closing() {
            Some(at) => maker.act(id, &CLOSE, at),
            None => Ok(()),
        }
    }
}

/// Refuses a store that has given ids, even if their records are gone.
fn must_be_new(connection: &Connection) -> Result<()> {
    let given = |table| -> Result<u64> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1";
        let last: i64 = connection.prepare_cached(sql)?.query_row([table], |row| row.get(0))?;
        Ok(last.unsigned_abs())
    };
    let used = [
        ("used person id", given("people").map(|last| last.saturating_sub(FIRST_PEOPLE))),
        ("used task id", given("tasks").map(|last| last.saturating_sub(FIRST_TASKS))),
        ("used contact id", given("contacts")),
        ("used client id", given("clients")),
        ("used project id", given("projects")),
        ("used invoice id", given("invoices")),
    ];
    let used = used.into_iter().map(|(what, count)| Ok((what, count?))).collect::<Result<Vec<_>>>()?;
    let used: Vec<_> = used.into_iter().filter(|(_, count)| *count > 0).collect();
    match used.is_empty() {
        true => Ok(()),
        false => Err(Error::refused(Rule::StoreIsNotNew, used)),
    }
}

/// A record to make, and the moment at which it is made.
struct Made<R> {
    record: NewRecord<R>,
    at: DateTime<Utc>,
}

/// Applies commands in a transaction, each at its own moment.
struct Maker<'a> {
    store: &'a ClientStore,
    transaction: &'a Transaction<'a>,
}

impl Maker<'_> {
    fn create<R: Stored>(&self, made: Made<R>) -> Result<i64> {
        let Made { record, at } = made;
        let mut values = record.fields.values;
        self.store.prepare(R::ENTITY, &mut values)?;
        match self.apply(Command {
            entity: R::ENTITY,
            parent: None,
            write: Write::Create(values),
            actor: ADMINISTRATOR,
            reach: Reach::All,
            at,
        })? {
            Outcome::Created(id) => Ok(id),
            _ => Err(disturbed()),
        }
    }

    /// Creates a record that others refer to by its number among those of its kind.
    fn next<R: Stored>(&self, index: u64, made: Made<R>) -> Result<i64> {
        let id = self.create(made)?;
        if id.unsigned_abs() == index + 1 { Ok(id) } else { Err(disturbed()) }
    }

    fn act(&self, invoice: i64, action: &'static Action, at: DateTime<Utc>) -> Result<()> {
        self.apply(Command {
            entity: &INVOICES,
            parent: None,
            write: Write::Act(invoice, action, None),
            actor: ADMINISTRATOR,
            reach: Reach::All,
            at,
        })
        .map(drop)
    }

    fn apply(&self, command: Command) -> Result<Outcome> {
        apply(self.transaction.connection(), command)
    }
}

fn disturbed() -> Error {
    Error::storage("generating", "somebody else makes records in the store meanwhile; generate into a new one")
}
