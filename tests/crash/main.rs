//! Servers that are killed at any moment, under writes over several connections: what was
//! acknowledged is there, once, what was not is there wholly or not at all, and the file is whole.
//!
//! `CLIENTSTORE_CRASH_KILLS` says how often, `CLIENTSTORE_CRASH_SEED` where the chances start; the
//! moment of a kill is the machine's.

#![cfg(feature = "cli")]

#[path = "../common/mod.rs"]
mod common;
mod life;
mod loads;
mod program;
mod rows;
#[path = "../served/mod.rs"]
mod served;

use std::time::Instant;

use common::{Random, tell};
use life::Life;

/// So often is the server of one file killed before the next file.
const KILLS_OF_A_FILE: u64 = 10;

/// After this many more operations, everything that can happen around a kill has happened.
const ENOUGH: u64 = 1_000;

fn given(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn seed() -> u64 {
    given("CLIENTSTORE_CRASH_SEED", 20_110_331)
}

#[test]
fn what_a_server_acknowledged_before_a_kill_is_there_once_and_the_rest_wholly_or_not() {
    let (kills, seed) = (given("CLIENTSTORE_CRASH_KILLS", 20), seed());
    let mut random = Random(seed);
    let (mut counts, started) = (life::Counts::default(), Instant::now());
    // What happens about a kill is the machine's: it goes on until all of it was met.
    while counts.kills < kills || (!counts.everything_was_met() && counts.kills < kills + ENOUGH) {
        let file_seed = random.next();
        let mut life = Life::new(file_seed);
        for kill in 0..KILLS_OF_A_FILE {
            life.round(&mut random, &mut counts).unwrap_or_else(|said| {
                panic!("seed {seed}, file seed {file_seed}, kill {kill} of the file, {} of all:\n{said}", counts.kills)
            });
        }
        life.end(&mut counts);
    }
    tell(format_args!("seed {seed}: {} kills of a server in {:.1} s", counts.kills, started.elapsed().as_secs_f64()));
    tell(format_args!("kills, acknowledged: {:?}", counts.acknowledged));
    tell(format_args!("kills: {:?}", counts.others));
    assert!(counts.everything_was_met());
}

#[test]
fn a_killed_load_has_loaded_everything_or_nothing() {
    loads::run(given("CLIENTSTORE_CRASH_KILLS", 50).div_ceil(5), seed());
}
