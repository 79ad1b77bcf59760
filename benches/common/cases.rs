//! What is measured, and what each ratio should be.

use clientstore::ClientStore;

use super::data::Data;
use super::harness::{Aim, Case, Outcome};
use super::{api, json, scaling, store, time, wire};

const fn case(name: &'static str, aim: Aim, run: fn(&Data) -> Outcome) -> Case {
    Case { name, aim, run, by_the_clock: false }
}

/// A case that waits for the disk, or for one event: only a clock tells what it takes.
const fn by_the_clock(name: &'static str, aim: Aim, run: fn(&Data) -> Outcome) -> Case {
    Case { name, aim, run, by_the_clock: true }
}

use Aim::{AtLeast, AtMost, Shown};

pub static CASES: &[Case] = &[
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
    by_the_clock("durable create, one caller", AtMost(1.10), store::create),
    by_the_clock("durable create, 32 callers, times one caller's floor", AtLeast(8.0), store::create_by_many),
    case("create in one transaction, 100,000", AtMost(1.30), store::create_all),
    by_the_clock("toggle", AtMost(1.15), store::toggle),
    case("toggle, durability off", Shown, store::toggle_unsynced),
    case("read a list document of 100,000, times quick-xml's bare events", AtMost(2.20), store::read),
    case("invoice page of 50 with filters, of 100,000", AtMost(1.15), api::page_of_a_client),
    case("invoice page of 50 with filters, sorted, of 100,000", AtMost(1.15), api::page_of_some_days),
    case("a project's month of time, in a year of 1,000 people", AtMost(1.15), time::month),
    case("a person's day, beside its SELECTs by hand, in a year of 1,000 people", Shown, time::day),
    by_the_clock("a person's day through Api::handle, in a year of 1,000 people, µs", AtMost(100.0), time::day_alone),
    case("point GET over loopback, 16 connections, shared file", AtLeast(0.62), |data| wire::get_one(data, &[])),
    case("point GET over loopback, 16 connections, --exclusive", AtLeast(0.85), |data| {
        wire::get_one(data, &["--exclusive"])
    }),
    case("GET of a list of 100,000 over loopback, 4 connections", AtLeast(0.5), wire::get_list),
    by_the_clock("first byte of a list of 100,000 over loopback, ms", AtMost(20.0), wire::first_byte_of_list),
    by_the_clock("first byte of a list of 100,000, 4 connections, ms", AtMost(20.0), wire::first_byte_of_lists),
    by_the_clock("eight readers while four post, durable", AtLeast(0.6), api::readers_while_four_post),
    // As the file grows: beside the floor of the same size, and beside 1,000 clients.
    case("list 10,000 clients through Api::handle", AtMost(1.15), |data| api::list(data, 10_000)),
    case("list 1,000,000 clients through Api::handle", Shown, |data| api::list(data, 1_000_000)),
    case("get one of 1,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 1_000)
    }),
    case("get one of 10,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 10_000)
    }),
    case("get one of 1,000,000 clients through Api::handle", AtMost(1.15), |data| {
        api::get(data, ClientStore::builder(), 1_000_000)
    }),
    case("list 10,000 clients, to a writer, beside 10 lists of 1,000", Shown, |data| scaling::list(data, 10_000)),
    case("list 100,000 clients, to a writer, beside 100 lists of 1,000", Shown, |data| scaling::list(data, 100_000)),
    case("list 1,000,000 clients, to a writer, beside 1,000 lists of 1,000", Shown, |data| {
        scaling::list(data, 1_000_000)
    }),
    case("get one of 10,000 clients beside one of 1,000", Shown, |data| scaling::get(data, 10_000)),
    case("get one of 100,000 clients beside one of 1,000", Shown, |data| scaling::get(data, 100_000)),
    case("get one of 1,000,000 clients beside one of 1,000", Shown, |data| scaling::get(data, 1_000_000)),
];
