//! What the library costs, each case beside a floor that a bare program sets in the same run.
//!
//! A line a case: `case | ratio | aim | ok`, or `MISS`. Arguments choose the cases whose names
//! contain one of them. Files are made in the build's folder, where a disk is: what a durable write
//! costs depends on it.

mod common;
#[path = "common/floors.rs"]
mod floors;

use std::path::Path;
use std::sync::Barrier;

use clientstore::{Client, ClientFilter, ClientStore, Dialect, Durability, NewClient, xml};
use common::{Aim, Fixture, ratio, report, time};
use floors::{Element, Kind};
use rusqlite::Connection;

const CLIENTS: usize = 100_000;
const NOW: &str = "2026-01-01T00:00:00Z";

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let fixtures = common::clients(CLIENTS);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    type Case = fn(&Path, &[Fixture]);
    let cases: [(&str, Case); 6] = [
        ("get", get),
        ("list", list),
        ("read", read),
        ("create", create),
        ("toggle", toggle),
        ("create_all", create_all),
    ];
    println!("case | ratio | aim |");
    for (name, case) in cases {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            case(folder.path(), &fixtures);
        }
    }
}

/// A store with the clients.
fn filled(path: &Path, fixtures: &[Fixture]) -> ClientStore {
    let store = ClientStore::open(path).unwrap();
    store.clients().create_all(fixtures.iter().map(client)).unwrap();
    store
}

fn client(fixture: &Fixture) -> NewClient {
    NewClient::named(&*fixture.name).details(&*fixture.details)
}

/// A file of a store that is closed again, for a floor of its own.
fn bare(path: &Path, fixtures: &[Fixture], synchronous: &str) -> Connection {
    drop(filled(path, fixtures));
    floors::connect(path, synchronous)
}

fn get(folder: &Path, fixtures: &[Fixture]) {
    let path = folder.join("get.db");
    let store = filled(&path, fixtures);
    let connection = floors::connect(&path, "FULL");
    let mut statement = connection.prepare(floors::SELECT).unwrap();
    // From as many pages as both connections' caches hold: the bundled SQLite gives all caches of a
    // process one pool, and beyond it one of the two would live at the other's expense.
    let ids: Vec<i64> = (0..2_000).map(|at| (at * 48_271) % 5_000 + 1).collect();
    let found = ratio(
        101,
        || time(|| ids.iter().map(|id| store.clients().get(*id).unwrap().name.len()).sum::<usize>()),
        || time(|| ids.iter().map(|id| floors::get(&mut statement, *id).name.len()).sum::<usize>()),
    );
    report("get one client, typed", found, Aim::AtMost(1.10));
}

fn list(folder: &Path, fixtures: &[Fixture]) {
    let path = folder.join("list.db");
    let store = filled(&path, fixtures);
    let connection = floors::connect(&path, "FULL");
    let all = [
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
    ];
    let live = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clients type=\"array\">\n";
    for (dialect, shown, head, case) in [
        (Dialect::Documented, &all[..4], "<clients>\n", "list 100,000 clients to XML"),
        (Dialect::Live, &all[..], live, "list 100,000 clients to XML, every element"),
    ] {
        let names: Vec<String> = shown.iter().map(|(name, _)| name.replace('-', "_")).collect();
        let sql = format!("SELECT {} FROM clients ORDER BY id", names.join(", "));
        let mut statement = connection.prepare(&sql).unwrap();
        let elements: Vec<Element> = shown.iter().map(|(name, kind)| Element::new(name, *kind)).collect();
        let filter = ClientFilter::default();
        let mut ours = Vec::new();
        store.clients().write_list(&filter, dialect, &mut ours).unwrap();
        let mut theirs = Vec::new();
        floors::list(&mut statement, &elements, head.as_bytes(), |piece| theirs.extend_from_slice(piece));
        assert!(ours == theirs, "both write the same document");
        let found = ratio(
            21,
            || time(|| store.clients().write_list(&filter, dialect, &mut std::io::sink()).unwrap()),
            || time(|| floors::list(&mut statement, &elements, head.as_bytes(), |_| ())),
        );
        report(case, found, Aim::AtMost(1.10));
        let typed = ratio(
            3,
            || {
                time(|| {
                    xml::write_list(
                        store
                            .clients()
                            .list(&filter)
                            .unwrap()
                            .map(Result::unwrap)
                            .by_ref()
                            .map(|record| clientstore::Fields::from(&record)),
                        dialect,
                    )
                    .unwrap()
                })
            },
            || time(|| floors::list(&mut statement, &elements, head.as_bytes(), |_| ())),
        );
        report(&format!("{case}, by way of structs"), typed, Aim::Shown);
    }
}

fn read(folder: &Path, fixtures: &[Fixture]) {
    let store = filled(&folder.join("read.db"), fixtures);
    let mut document = Vec::new();
    store.clients().write_list(&ClientFilter::default(), Dialect::Documented, &mut document).unwrap();
    let found = ratio(
        21,
        || time(|| xml::read_list::<Client>(&document).unwrap().len()),
        || time(|| floors::count_events(&document)),
    );
    report("read a list document of 100,000", found, Aim::AtMost(1.60));
}

fn create(folder: &Path, fixtures: &[Fixture]) {
    let store = filled(&folder.join("create.db"), &fixtures[..1_000]);
    let connection = bare(&folder.join("create-bare.db"), &fixtures[..1_000], "FULL");
    let mut insert = connection.prepare(floors::INSERT).unwrap();
    let some = &fixtures[..20];
    let mut raw = || {
        time(|| {
            for fixture in some {
                insert.execute((&fixture.name, &fixture.details, NOW)).unwrap();
            }
        })
    };
    let found = ratio(
        101,
        || {
            time(|| {
                for fixture in some {
                    store.clients().create(&client(fixture)).unwrap();
                }
            })
        },
        &mut raw,
    );
    report("durable create, one caller", found, Aim::AtMost(1.10));

    const CALLERS: usize = 32;
    let found = ratio(
        41,
        || {
            let start = Barrier::new(CALLERS + 1);
            std::thread::scope(|scope| {
                let callers: Vec<_> = (0..CALLERS)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            for fixture in some {
                                store.clients().create(&client(fixture)).unwrap();
                            }
                        })
                    })
                    .collect();
                start.wait();
                time(|| callers.into_iter().for_each(|caller| caller.join().unwrap()))
            })
        },
        &mut raw,
    );
    report("durable create, 32 callers, rate", CALLERS as f64 / found, Aim::AtLeast(8.0));
}

fn toggle(folder: &Path, fixtures: &[Fixture]) {
    for (durability, synchronous, count, aim) in
        [(Durability::Full, "FULL", 20, Aim::AtMost(1.15)), (Durability::Off, "OFF", 500, Aim::Shown)]
    {
        let path = folder.join(format!("toggle-{synchronous}.db"));
        drop(filled(&path, &fixtures[..1_000]));
        let store = ClientStore::builder().durability(durability).open(path).unwrap();
        let bare_path = folder.join(format!("toggle-{synchronous}-bare.db"));
        let connection = bare(&bare_path, &fixtures[..1_000], synchronous);
        let mut update = connection.prepare(floors::TOGGLE).unwrap();
        let found = ratio(
            101,
            || time(|| (1..=count).filter(|id| store.clients().toggle(*id).unwrap()).count()),
            || time(|| (1..=count).filter(|id| floors::toggle(&mut update, *id, NOW)).count()),
        );
        let case = if synchronous == "FULL" { "toggle" } else { "toggle, without a sync (durability off)" };
        report(case, found, aim);
    }
}

fn create_all(folder: &Path, fixtures: &[Fixture]) {
    let store = ClientStore::open(folder.join("all.db")).unwrap();
    let connection = bare(&folder.join("all-bare.db"), &[], "FULL");
    let found = ratio(
        7,
        || time(|| store.clients().create_all(fixtures.iter().map(client)).unwrap()),
        || {
            time(|| {
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                for fixture in fixtures {
                    let mut insert = connection.prepare_cached(floors::INSERT).unwrap();
                    insert.execute((&fixture.name, &fixture.details, NOW)).unwrap();
                }
                connection.execute_batch("COMMIT").unwrap();
            })
        },
    );
    report("create in one transaction, 100,000", found, Aim::AtMost(1.30));
}
