//! Every operation under every fault: it has happened or it has not, and the file is whole.
//!
//! `CLIENTSTORE_FAULTS_SEEDS` says how many losses of power are tried at each call, 3 where it does not, and
//! `CLIENTSTORE_FAULTS_CALLS` at how many calls of an operation, spread over it, each fault comes; all where it is 0. A
//! failure names the operation, the fault and the call, which are the same in every run.

mod backup;
mod bench;
#[path = "../../../common/mod.rs"]
mod common;
mod creation;
mod every;
mod operations;
mod runs;
mod upgrade;
