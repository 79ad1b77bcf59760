//! `clientstore load`, killed on the way.

use std::process::{Command, Stdio};
use std::time::Instant;

use clientstore::{ClientStore, NewClient, NewInvoice, NewLineItem, NewPayment, NewProject};

use crate::ENOUGH;
use crate::common::{Random, assert_whole, moment, plain, tell};

/// A store of some size.
fn store() -> ClientStore {
    let store = ClientStore::open_in_memory().unwrap();
    store
        .transaction(|tx| {
            for number in 0..500 {
                let client = tx.clients().create(&NewClient::named(format!("client {number}")))?;
                tx.projects().create(&NewProject::of(client, "Website"))?;
                let line = NewLineItem::of("Design", number, 80);
                let invoice = tx.invoices().create(&NewInvoice::of(client).lines([line]))?;
                tx.invoices().record_payment(&NewPayment::of(invoice, 80, moment("2011-03-31T10:00:00Z")))?;
            }
            Ok::<_, clientstore::Error>(())
        })
        .unwrap();
    store
}

fn dump(store: &ClientStore) -> Vec<u8> {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    document
}

pub fn run(kills: u64, seed: u64) {
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let sources = ["everything.xml", "everything.json"].map(|name| folder.path().join(name));
    let store = store();
    let document = dump(&store);
    let mut in_json = Vec::new();
    store.dump_json(&mut in_json, |_| {}).unwrap();
    for (source, document) in sources.iter().zip([&document, &in_json]) {
        std::fs::write(source, document).unwrap();
    }
    let load = |file: &std::path::Path, format: usize| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
        command.arg("load").arg(file).arg(&sources[format]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let started = Instant::now();
    assert!(load(&folder.path().join("first.db"), 0).wait().unwrap().success());
    let mut takes = started.elapsed();

    let (mut nothing, mut everything) = (0, 0);
    // Until both were met, however busy the machine is.
    for kill in 0..kills + ENOUGH {
        if kill >= kills && nothing > 0 && everything > 0 {
            break;
        }
        let said = format!("seed {seed}, kill {kill} of a load");
        let file = folder.path().join(format!("store-{kill}.db"));
        let before = (random.percent(50)).then(|| dump(&ClientStore::open(&file).unwrap()));
        let format = kill as usize % sources.len();
        let mut process = load(&file, format);
        // The moments about the commit are the ones that count; how long it takes there, the kills tell.
        let share = if random.percent(50) { 0.8 + 0.4 * fraction(&mut random) } else { fraction(&mut random) };
        std::thread::sleep(takes.mul_f64(share));
        process.kill().unwrap();
        let acknowledged = process.wait().unwrap().success();

        let store = ClientStore::open(&file).unwrap_or_else(|error| panic!("{said}: {error}"));
        assert_whole(&plain(&file));
        let found = dump(&store);
        if found == document {
            everything += 1;
            takes = takes.mul_f64(0.9);
        } else {
            nothing += 1;
            takes = takes.mul_f64(1.1);
            assert!(!acknowledged, "{said}: it was acknowledged and is not there");
            let empty = before.unwrap_or_else(|| dump(&ClientStore::open_in_memory().unwrap()));
            assert!(found == empty, "{said}: a part of it is there");
            drop(store);
            assert!(load(&file, format).wait().unwrap().success(), "{said}: it does not load again");
            assert!(dump(&ClientStore::open(&file).unwrap()) == document, "{said}: it loads otherwise");
        }
        std::fs::remove_file(&file).unwrap();
    }
    let kills = nothing + everything;
    tell(format_args!("seed {seed}: {kills} kills of a load: {nothing} left nothing, {everything} everything"));
    assert!(nothing > 0 && everything > 0, "the kills came too late, or too early");
}

fn fraction(random: &mut Random) -> f64 {
    random.below(1_000_000) as f64 / 1_000_000.0
}
