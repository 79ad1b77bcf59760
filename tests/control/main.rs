//! The control paths over a real socket: one file a group of paths, and the examples of
//! `docs/control.md` as they stand there.

#![cfg(feature = "server")]

mod clock;
mod examples;
mod fake;
mod faults;
mod guard;
mod journal;
mod page;
mod person;
mod records;
mod reset;
#[path = "../server/support.rs"]
#[allow(dead_code)]
mod support;
mod throttle;
mod verify;
