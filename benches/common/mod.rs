//! What the bench is made of: the harness, the data, the floors, and the cases by field.
#![allow(dead_code, reason = "each bench uses its own part")]

pub mod api;
pub mod by_hand;
pub mod cases;
pub mod counts;
pub mod data;
pub mod harness;
pub mod json;
pub mod load;
pub mod scaling;
pub mod store;
pub mod time;
pub mod wire;
