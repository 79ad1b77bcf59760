//! How often a durable write syncs, beside what a bare program does for the same.
//!
//! The writes are made by a process of their own, whose calls of the system are counted by `strace`: whatever syncs, be it SQLite or
//! a file that the product opened itself.

use std::path::Path;
use std::process::Command;

use clientstore::{Api, ClientStore, NewClient};
use http::Request;

use super::common::by_hand;
use super::common::data::Data;
use super::recorded::{Measured, Quantity};

/// Says to a process which write it makes, of which file, and on which side; the bench starts itself with it.
const WRITE: &str = "CLIENTSTORE_BENCH_WRITE";
/// How many writes are counted.
const COUNTED: usize = 100;
/// The calls that are counted.
const SYNCS: [&str; 6] = ["fsync", "fdatasync", "msync", "sync_file_range", "syncfs", "sync"];
const NOW: &str = "2026-01-01T00:00:00Z";

/// A kind of write: the product's, and the SQL of the floor.
pub struct Write {
    pub name: &'static str,
    ours: fn(&Api),
    floor: &'static str,
}

pub static WRITES: &[Write] = &[
    Write {
        name: "durable create, one caller",
        ours: |api| {
            api.store().clients().create(&NewClient::named("SuprCorp")).unwrap();
        },
        floor: by_hand::INSERT,
    },
    Write {
        name: "toggle",
        ours: |api| {
            api.store().clients().toggle(1).unwrap();
        },
        floor: by_hand::TOGGLE,
    },
    Write {
        name: "durable create through Api::handle",
        ours: |api| {
            let body = "<client><name>SuprCorp</name></client>";
            let post = Request::post("/clients").header("content-type", "application/xml").body(body).unwrap();
            assert!(api.handle(post).status() == 201);
        },
        floor: by_hand::INSERT,
    },
];

impl Write {
    /// The product's syncs, the floor's being 1.
    pub fn measured(&self, data: &Data) -> Measured {
        let of = |side, count| syncs(side, count, self.name, &data.fresh(1_000));
        // Opening the file syncs as well.
        let count = |side| Some(of(side, 2 * COUNTED)? - of(side, COUNTED)?);
        let (Some(ours), Some(theirs)) = (count("ours"), count("floor")) else {
            eprintln!("    syncs cannot be counted here: strace is missing, or it may not look");
            return Measured::new();
        };
        eprintln!("    {ours} syncs beside {theirs} for {COUNTED} writes");
        Measured::from([(Quantity::Syncs, ours as f64 / theirs as f64)])
    }

    fn write(&self, ours: bool, count: usize, path: &Path) {
        let writes = |write: &mut dyn FnMut()| {
            (0..count).for_each(|_| write());
            // Closing the file syncs as well.
            std::process::exit(0);
        };
        if ours {
            let api = Api::new(ClientStore::open(path).unwrap());
            return writes(&mut || (self.ours)(&api));
        }
        let connection = by_hand::connect(path, "FULL");
        let mut statement = connection.prepare(self.floor).unwrap();
        match self.floor {
            by_hand::INSERT => writes(&mut || assert!(statement.execute(("SuprCorp", "", NOW)).unwrap() == 1)),
            _ => writes(&mut || {
                by_hand::toggle(&mut statement, 1, NOW);
            }),
        }
    }
}

/// Makes the writes that this process was started for.
pub fn write_if_asked() {
    let Some(asked) = std::env::var_os(WRITE) else { return };
    let mut asked = asked.to_str().unwrap().splitn(3, ' ');
    let mut next = || asked.next().unwrap();
    let (side, count, name) = (next(), next().parse().unwrap(), next());
    let path = std::env::args_os().nth(1).unwrap();
    let write = WRITES.iter().find(|write| write.name == name).unwrap();
    write.write(side == "ours", count, path.as_ref());
}

/// The number of syncs of a process that makes `count` writes; none where `strace` is missing or may not trace.
fn syncs(side: &str, count: usize, name: &str, path: &Path) -> Option<u64> {
    let said = path.with_extension("syncs");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={}", SYNCS.join(",")), "-o"]).arg(&said);
    strace.arg(std::env::current_exe().unwrap()).arg(path).env(WRITE, format!("{side} {count} {name}"));
    let status = strace.status().ok()?;
    if !status.success() {
        return None;
    }
    let said = std::fs::read_to_string(said).unwrap();
    // Each line has the thread's number and the call; a call that was interrupted by another's has a second line.
    let calls = said.lines().filter_map(|line| line.split_whitespace().nth(1)?.split_once('('));
    Some(calls.filter(|(call, _)| SYNCS.contains(call)).count() as u64)
}
