//! The typed store's cases.

use std::sync::Barrier;

use clientstore::{Client, ClientFilter, ClientStore, Dialect, Durability, Fields, NewClient, xml};
use rusqlite::Connection;

use super::by_hand::{self, Kind, Shape};
use super::data::{Data, Side, client, clients, ids, sized};
use super::harness::{Cost, Outcome, Pairs, pairs, time};

const NOW: &str = "2026-01-01T00:00:00Z";
const MANY: usize = 100_000;

pub fn get(data: &Data) -> Outcome {
    let store = ClientStore::open(data.clients(MANY, Side::Case)).unwrap();
    let connection = by_hand::connect(&data.clients(MANY, Side::Floor), "FULL");
    let mut statement = connection.prepare(by_hand::SELECT).unwrap();
    let ids = ids(MANY);
    let pairs = pairs(
        || time(|| ids.iter().map(|id| store.clients().get(*id).unwrap().name.len()).sum::<usize>()),
        || time(|| ids.iter().map(|id| by_hand::get(&mut statement, *id).name.len()).sum::<usize>()),
    );
    pairs.times(ids.len())
}

/// The file's columns, and how each is written; those of the `documented` dialect come first.
pub const COLUMNS: [(&str, Kind); 13] = [
    ("id", Kind::Integer),
    ("name", Kind::Text),
    ("active", Kind::Boolean),
    ("details", Kind::Text),
    ("highrise-id", Kind::Integer),
    ("cache-version", Kind::Integer),
    ("currency", Kind::Text),
    ("currency-symbol", Kind::Text),
    ("default-invoice-timeframe", Kind::Text),
    ("last-invoice-kind", Kind::Text),
    ("created-at", Kind::DateTime),
    ("updated-at", Kind::DateTime),
    ("statement-key", Kind::Text),
];

pub fn names(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| name.replace('-', "_")).collect::<Vec<_>>().join(", ")
}

pub fn written(data: &Data) -> Outcome {
    listed(data, Dialect::Documented, |store, filter, dialect| {
        store.clients().write_list(filter, dialect, &mut std::io::sink()).unwrap();
    })
}

pub fn written_live(data: &Data) -> Outcome {
    listed(data, Dialect::Live, |store, filter, dialect| {
        store.clients().write_list(filter, dialect, &mut std::io::sink()).unwrap();
    })
}

pub fn by_way_of_structs(data: &Data) -> Outcome {
    listed(data, Dialect::Documented, |store, filter, dialect| {
        let records = store.clients().list(filter).unwrap().map(Result::unwrap);
        xml::write_list(records.map(|record| Fields::from(&record)), dialect).unwrap();
    })
}

/// A list in 64 KiB pieces that go nowhere.
fn listed(data: &Data, dialect: Dialect, list: impl Fn(&ClientStore, &ClientFilter, Dialect)) -> Outcome {
    let store = ClientStore::open(data.clients(MANY, Side::Case)).unwrap();
    let connection = by_hand::connect(&data.clients(MANY, Side::Floor), "FULL");
    let (shown, head) = match dialect {
        Dialect::Documented => (&COLUMNS[..4], "<clients>\n"),
        _ => (&COLUMNS[..], "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clients type=\"array\">\n"),
    };
    let mut statement = connection.prepare(&format!("SELECT {} FROM clients ORDER BY id", names(shown))).unwrap();
    let shape = Shape::new("client", 2, shown);
    let filter = ClientFilter::default();
    let mut buffer = Vec::new();
    let mut floor = |buffer: &mut Vec<u8>, full: fn(&mut Vec<u8>)| {
        by_hand::list(statement.query([]).unwrap(), &shape, (head, "</clients>\n"), buffer, full);
    };
    let mut ours = Vec::new();
    store.clients().write_list(&filter, dialect, &mut ours).unwrap();
    floor(&mut buffer, |_| ());
    assert!(ours == buffer, "both write the same document");
    pairs(|| time(|| list(&store, &filter, dialect)), || time(|| floor(&mut buffer, Vec::clear))).times(1)
}

pub fn read(data: &Data) -> Outcome {
    let store = ClientStore::open(data.clients(MANY, Side::Case)).unwrap();
    let mut document = Vec::new();
    store.clients().write_list(&ClientFilter::default(), Dialect::Documented, &mut document).unwrap();
    let pairs = pairs(
        || time(|| xml::read_list::<Client>(&document).unwrap().len()),
        || time(|| by_hand::count_events(&document)),
    );
    pairs.times(1)
}

pub fn create(data: &Data) -> Outcome {
    const CREATES: usize = 20;
    let store = ClientStore::open(data.fresh(1_000)).unwrap();
    let some: Vec<_> = clients(CREATES).map(|fixture| client(&fixture)).collect();
    beside_inserts(data, CREATES, || time(|| create_each(&store, &some))).times(CREATES)
}

/// Rates: what all callers create together beside what one inserts.
pub fn create_by_many(data: &Data) -> Outcome {
    const CALLERS: usize = 32;
    const CREATES: usize = 100;
    let store = ClientStore::open(data.fresh(1_000)).unwrap();
    let some: Vec<_> = clients(CREATES).map(|fixture| client(&fixture)).collect();
    let pairs = beside_inserts(data, CREATES, || {
        let start = Barrier::new(CALLERS + 1);
        let all = std::thread::scope(|scope| {
            let caller = || {
                start.wait();
                create_each(&store, &some);
            };
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
            start.wait();
            time(|| callers.into_iter().for_each(|caller| caller.join().unwrap()))
        });
        all / CALLERS as u32
    });
    pairs.rates(CREATES)
}

fn create_each(store: &ClientStore, clients: &[NewClient]) {
    for client in clients {
        store.clients().create(client).unwrap();
    }
}

/// Beside raw INSERTs, a transaction each.
fn beside_inserts(data: &Data, count: usize, ours: impl FnMut() -> Cost) -> Pairs {
    let connection = by_hand::connect(&data.fresh(1_000), "FULL");
    let mut insert = connection.prepare(by_hand::INSERT).unwrap();
    let some: Vec<_> = clients(count).collect();
    let inserts = || {
        time(|| {
            for (name, details) in &some {
                insert.execute((name, details, NOW)).unwrap();
            }
        })
    };
    pairs(ours, inserts)
}

pub fn create_all(data: &Data) -> Outcome {
    let store = ClientStore::open(data.fresh(1_000)).unwrap();
    let connection = by_hand::connect(&data.fresh(1_000), "FULL");
    let fixtures: Vec<_> = clients(sized(MANY)).collect();
    let mut insert = connection.prepare(by_hand::INSERT).unwrap();
    let pairs = pairs(
        || time(|| store.clients().create_all(fixtures.iter().map(client)).unwrap()),
        || {
            time(|| {
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                for (name, details) in &fixtures {
                    insert.execute((name, details, NOW)).unwrap();
                }
                connection.execute_batch("COMMIT").unwrap();
            })
        },
    );
    pairs.times(sized(MANY))
}

pub fn toggle(data: &Data) -> Outcome {
    toggled(data, Durability::Full, "FULL", 20)
}

pub fn toggle_unsynced(data: &Data) -> Outcome {
    toggled(data, Durability::Off, "OFF", 500)
}

fn toggled(data: &Data, durability: Durability, synchronous: &str, count: i64) -> Outcome {
    let store = ClientStore::builder().durability(durability).open(data.fresh(1_000)).unwrap();
    let connection: Connection = by_hand::connect(&data.fresh(1_000), synchronous);
    let mut update = connection.prepare(by_hand::TOGGLE).unwrap();
    let pairs = pairs(
        || time(|| (1..=count).filter(|id| store.clients().toggle(*id).unwrap()).count()),
        || time(|| (1..=count).filter(|id| by_hand::toggle(&mut update, *id, NOW)).count()),
    );
    pairs.times(count as usize)
}
