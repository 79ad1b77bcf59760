//! The server over real sockets: what `wire.md` says about bytes, and the limits.

#![cfg(feature = "server")]

mod body;
mod guard;
mod limits;
mod lists;
mod malformed;
mod memory;
mod receipts;
mod room;
mod stop;
mod support;
mod wire;
