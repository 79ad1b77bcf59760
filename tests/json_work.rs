//! What a hostile member of a JSON document costs: nothing is allocated for one that no field takes, however many there
//! are. The allocator counts for the whole process, so this file has one test.

use std::alloc::System;

use clientstore::{Client, Project, Record, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations reading a document takes.
fn allocations<R: Record>(document: &str) -> usize {
    let region = Region::new(ALLOCATOR);
    let read = json::read::<R>(document.as_bytes());
    let change = region.change();
    read.unwrap();
    change.allocations + change.reallocations
}

#[test]
fn members_that_no_field_takes_and_fields_that_are_repeated_allocate_nothing() {
    for (what, member) in [
        ("one name", "\"a\":1,"),
        ("a name as long as a field's, with the same ends", "\"nxme\":[1,2,3],"),
        ("a text with escapes", "\"a\":\"\\u00e9\\n\","),
        ("a list", "\"a\":[[],{},\"b\",-1.5e3],"),
        ("a field", "\"name\":\"B\","),
        ("another edition's field", "\"address\":\"B\","),
        ("an empty wrapper", "\"client\":{},"),
    ] {
        let document = |members: usize| format!("{{{}\"client\":{{\"name\":\"A\"}}}}", member.repeat(members));
        let (few, many) = (document(100), document(10_000));
        // What is made once for all documents does not count.
        allocations::<Client>(&few);
        assert_eq!(allocations::<Client>(&few), allocations::<Client>(&many), "{what}");
        allocations::<Project>(&format!("{{\"project\":{few}}}"));
        let [few, many] = [few, many].map(|members| allocations::<Project>(&format!("{{\"project\":{members}}}")));
        assert_eq!(few, many, "{what}, inside a wrapper");
    }
    let names = |count: usize| (0..count).map(|number| format!("\"n{number:06}\":1,")).collect::<String>();
    let [few, many] = [100, 10_000].map(|count| format!("{{{}\"name\":\"A\"}}", names(count)));
    assert_eq!(allocations::<Client>(&few), allocations::<Client>(&many), "names of their own");
}
