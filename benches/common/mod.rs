//! What the bench is made of: the harness, the data, the floors, and the cases by field.

pub mod api;
pub mod by_hand;
pub mod data;
pub mod guard;
pub mod harness;
pub mod json;
pub mod load;
pub mod scaling;
pub mod store;
pub mod wire;
