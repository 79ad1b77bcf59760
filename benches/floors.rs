//! What the product costs, each case beside a floor that a bare program sets in the same run.
//!
//! `cargo bench --bench floors` prints a line a case, `case | ratio | aim | ok`, or `MISS` at its end;
//! `cargo bench --bench floors -- list` only the cases with `list` in their names. How each came about
//! is on standard error.
//!
//! `cargo bench --bench floors -- --guard` runs a short form of each case and fails where one costs more than
//! `benches/ratios.toml` admits; `-- --record` measures that file anew. Both leave out the cases of durable writes.

mod common;

use std::process::{Command, ExitCode};

use clientstore::ClientStore;
use common::data::{Data, most};
use common::guard;
use common::harness::{Aim, Case, Outcome, report};
use common::{api, json, scaling, store, wire};

const fn case(name: &'static str, aim: Aim, run: fn(&Data) -> Outcome) -> Case {
    Case { name, aim, run, syncs: false }
}

/// A case of durable writes.
const fn durable(name: &'static str, aim: Aim, run: fn(&Data) -> Outcome) -> Case {
    Case { name, aim, run, syncs: true }
}

use Aim::{AtLeast, AtMost, Shown};

static CASES: &[Case] = &[
    case("list 100,000 clients through Api::handle", AtMost(1.10), |data| api::list(data, 100_000)),
    case("list 1,000 clients through Api::handle", AtMost(1.15), |data| api::list(data, 1_000)),
    case("list 100,000 clients through Api::handle, after a write", Shown, |data| {
        api::list_after_a_write(data, 100_000)
    }),
    case("list 1,000 clients through Api::handle, after a write", Shown, |data| api::list_after_a_write(data, 1_000)),
    case("list 100,000 clients, to a writer", AtMost(1.10), store::written),
    case("list 100,000 clients, to a writer, every element", AtMost(1.10), store::written_live),
    case("list 100,000 clients in JSON, to a writer", AtMost(1.10), json::written),
    case("create in JSON through Api::handle, beside one in XML, durability off", AtMost(1.05), json::create),
    case("get one client in JSON through Api::handle, beside every element in XML", AtMost(1.05), json::get),
    case("list 100,000 clients, by way of structs", Shown, store::by_way_of_structs),
    case("get one client through Api::handle, shared file", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 100_000)
    }),
    case("get one client through Api::handle, exclusive", AtMost(0.50), |data| {
        api::get(data, ClientStore::builder().exclusive(true), 100_000)
    }),
    case("get one client, typed", AtMost(1.10), store::get),
    durable("durable create, one caller", AtMost(1.10), store::create),
    durable("durable create, 32 callers, times one caller's floor", AtLeast(8.0), store::create_by_many),
    case("create in one transaction, 100,000", AtMost(1.30), store::create_all),
    durable("toggle", AtMost(1.15), store::toggle),
    case("toggle, durability off", Shown, store::toggle_unsynced),
    case("read a list document of 100,000, times quick-xml's bare events", AtMost(2.20), store::read),
    case("invoice page of 50 with filters, of 100,000", AtMost(1.15), api::page_of_a_client),
    case("invoice page of 50 with filters, sorted, of 100,000", AtMost(1.15), api::page_of_some_days),
    case("point GET over loopback, 16 connections, shared file", AtLeast(0.62), |data| wire::get_one(data, &[])),
    case("point GET over loopback, 16 connections, --exclusive", AtLeast(0.85), |data| {
        wire::get_one(data, &["--exclusive"])
    }),
    case("GET of a list of 100,000 over loopback, 4 connections", AtLeast(0.5), wire::get_list),
    case("first byte of a list of 100,000 over loopback, ms", AtMost(20.0), wire::first_byte_of_list),
    case("first byte of a list of 100,000, 4 connections, ms", AtMost(20.0), wire::first_byte_of_lists),
    durable("eight readers while four post, durable", AtLeast(0.6), api::readers_while_four_post),
    // As the file grows: beside the floor of the same size, and beside 1,000 clients.
    case("list 10,000 clients through Api::handle", AtMost(1.15), |data| api::list(data, 10_000)),
    case("list 1,000,000 clients through Api::handle", Shown, |data| api::list(data, most())),
    case("get one of 1,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 1_000)
    }),
    case("get one of 10,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 10_000)
    }),
    case("get one of 1,000,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), most())
    }),
    case("list 10,000 clients, to a writer, beside 10 lists of 1,000", Shown, |data| scaling::list(data, 10_000)),
    case("list 100,000 clients, to a writer, beside 100 lists of 1,000", Shown, |data| scaling::list(data, 100_000)),
    case("list 1,000,000 clients, to a writer, beside 1,000 lists of 1,000", Shown, |data| scaling::list(data, most())),
    case("get one of 10,000 clients beside one of 1,000", Shown, |data| scaling::get(data, 10_000)),
    case("get one of 100,000 clients beside one of 1,000", Shown, |data| scaling::get(data, 100_000)),
    case("get one of 1,000,000 clients beside one of 1,000", Shown, |data| scaling::get(data, most())),
];

fn main() -> ExitCode {
    wire::serve_if_asked();
    let (options, wanted): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let is_wanted = |case: &&Case| wanted.is_empty() || wanted.iter().any(|wanted| case.name.contains(&**wanted));
    let wanted: Vec<_> = CASES.iter().filter(is_wanted).collect();
    let asks_for = |option| options.iter().any(|given| given == option);
    if asks_for("--record") {
        return guard::record(CASES);
    }
    if asks_for("--guard") {
        return guard::compare(CASES, &wanted);
    }
    let data = Data::new();
    print_machine();
    println!("case | ratio | aim | ok");
    for case in wanted {
        report(case.name, &(case.run)(&data), case.aim);
    }
    ExitCode::SUCCESS
}

/// What the numbers were made with.
fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let compiler = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    println!("# {}, {cores} cores", model.map_or("a processor without a name", |(_, name)| name));
    println!("# {}, SQLite {}", String::from_utf8_lossy(&compiler).trim(), rusqlite::version());
}
