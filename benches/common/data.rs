//! The stores that the cases work on: realistic clients and invoices, the same on every run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::{File, copy};
use std::path::{Path, PathBuf};

use clientstore::{ClientStore, Durability, Generator, NewClient, NewInvoice};
use tempfile::TempDir;

use super::by_hand;
use super::harness::is_short;

const FIRST: &[&str] = &["Jane", "Omar", "Lucía", "Peter", "Mei", "Ana", "Tom", "Ingrid", "Ravi", "Zoë"];
const LAST: &[&str] = &["Miller", "Okafor", "Fernández", "Novak", "Chen", "Silva", "Baker", "Larsen", "Patel", "Groß"];
const WORDS: &[&str] =
    &["Northwind", "Harbor", "Acme", "Blue Ridge", "Summit", "Pixel", "Old Mill", "Granite", "Delta"];
const TRADES: &[&str] = &["Partners", "& Sons", "Design", "Logistics", "Consulting", "Foods", "Media", "Labs"];
const FORMS: &[&str] = &["Inc.", "LLC", "GmbH", "Ltd.", "Co."];
const STREETS: &[&str] = &["Old Post Rd", "Market St", "Washington Ave", "Hauptstraße", "King's Cross Rd", "5th Ave"];
const CITIES: &[&str] = &["Springfield, MA", "Boulder, CO", "Portland, OR", "Albany, NY", "Madison, WI", "Mobile, AL"];

/// Clients with names like people's firms have, and addresses of about 130 bytes in six lines.
pub fn clients(count: usize) -> impl Iterator<Item = (String, String)> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut draw = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    (0..count).map(move |_| {
        let mut pick = |from: &'static [&'static str]| from[draw(from.len())];
        let (first, last, word) = (pick(FIRST), pick(LAST), pick(WORDS));
        let name = format!("{word} {} {}", pick(TRADES), pick(FORMS));
        let (street, city) = (pick(STREETS), pick(CITIES));
        let details = format!(
            "Attn: {first} {last}\n{} {street}, Suite {}\n{city} {:05}\nUnited States\nPhone: +1 ({}) 555-{:04}\nbilling@{}.example",
            1 + draw(9_999),
            100 + draw(900),
            draw(100_000),
            200 + draw(800),
            draw(10_000),
            word.to_lowercase().replace(' ', "-"),
        );
        (name, details)
    })
}

/// A client to create.
pub fn client((name, details): &(String, String)) -> NewClient {
    NewClient::named(&**name).details(&**details)
}

/// The number of clients that a case gets of those it asks for; the short form has at most 20,000.
pub fn sized(clients: usize) -> usize {
    if is_short() { clients.min(20_000) } else { clients }
}

/// Ids spread over all of `clients` clients, far from one another.
pub fn ids(clients: usize) -> Vec<i64> {
    let clients = sized(clients);
    (0..2_000).map(|at: usize| (at * 7_368_787 % clients) as i64 + 1).collect()
}

/// The number of clients that share the invoices.
pub const INVOICED: i64 = 50;

/// The files, each made when it is first asked for, in a folder on the build's disk: what a durable
/// write costs depends on the disk.
pub struct Data {
    folder: TempDir,
    made: RefCell<HashMap<String, PathBuf>>,
    copies: Cell<usize>,
}

impl Data {
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Data { folder, made: RefCell::default(), copies: Cell::new(0) }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file with `count` clients that no case writes to, for the case or for its floor: a lock that
    /// one of them holds on a file, or a page that it has read, must not spare the other anything.
    pub fn clients(&self, count: usize, side: Side) -> PathBuf {
        let count = sized(count);
        self.made(&format!("clients-{count}"), side, |path| {
            let store = ClientStore::builder().durability(Durability::Off).open(path).unwrap();
            store.clients().create_all(clients(count).map(|fixture| client(&fixture))).unwrap();
        })
    }

    /// The same with 100,000 invoices of a few clients, minutes and days apart, in every state.
    pub fn invoices(&self, side: Side) -> PathBuf {
        self.made("invoices", side, |path| {
            let store = ClientStore::builder().durability(Durability::Off).open(path).unwrap();
            store.clients().create_all(clients(INVOICED as usize).map(|fixture| client(&fixture))).unwrap();
            store.invoices().create(&NewInvoice::of(INVOICED)).unwrap();
            drop(store);
            by_hand::connect(path, "OFF").execute_batch(INVOICES).unwrap();
        })
    }

    /// A file with the time sheets of a year of 1,000 people, more than 250,000 entries; of two months of 100 people in the
    /// short form.
    pub fn year(&self, side: Side) -> PathBuf {
        self.made("year", side, |path| {
            let store = ClientStore::builder().durability(Durability::Off).open(path).unwrap();
            let (people, clients, days) = if is_short() { (100, 10, 60) } else { (1_000, 110, 365) };
            let generator = Generator::new(1).people(people).tasks(12).clients(clients).projects_per_client(4);
            generator.days(days).run(&store, |_| {}).unwrap();
            let entries = store.day_entries().list(&Default::default()).unwrap().count();
            assert!(is_short() || entries > 250_000, "{entries}");
        })
    }

    /// A file with `count` clients to write to.
    pub fn fresh(&self, count: usize) -> PathBuf {
        let from = self.clients(count, Side::Case);
        self.copies.set(self.copies.get() + 1);
        let to = self.folder.path().join(format!("copy-{}.db", self.copies.get()));
        copied(&from, &to);
        to
    }

    fn made(&self, name: &str, side: Side, make: impl FnOnce(&Path)) -> PathBuf {
        let of = |side| self.folder.path().join(format!("{name}-{side:?}.db"));
        self.made.borrow_mut().entry(name.to_owned()).or_insert_with(|| {
            make(&of(Side::Case));
            copied(&of(Side::Case), &of(Side::Floor));
            PathBuf::new()
        });
        of(side)
    }
}

/// Whose file it is.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Case,
    Floor,
}

/// Copies a file of a store that is closed; both are on the disk then, so that no later case has to
/// share the disk with them.
fn copied(from: &Path, to: &Path) {
    copy(from, to).unwrap();
    for path in [from, to] {
        File::open(path).and_then(|file| file.sync_all()).unwrap();
    }
}

const INVOICES: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 99999)
    INSERT INTO invoices (amount, due_amount, due_at, due_at_human_format, client_id, subject, currency, issued_at, notes,
        number, client_key, state, sent, closed, updated_at, created_at)
    SELECT (n % 9000) || '.5', CASE n / 50 % 5 WHEN 3 THEN '0.0' ELSE (n % 9000) || '.5' END,
        date('2001-01-01', (n % 4000 + 30) || ' days'), 'NET 30', n % 50 + 1,
        'Work of week ' || (n % 52 + 1) || ' & travel', currency, date('2001-01-01', (n % 4000) || ' days'),
        'Please pay within 30 days.' || char(10) || 'Thank you!', n, client_key,
        CASE n / 50 % 5 WHEN 0 THEN 'draft' WHEN 1 THEN 'open' WHEN 2 THEN 'partial' WHEN 3 THEN 'paid' ELSE 'closed' END,
        n / 50 % 5 > 0, n / 50 % 5 = 4,
        strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes'),
        strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes') FROM n, invoices WHERE invoices.id = 1";
