//! What is fuzzed: each module's `run` takes any bytes, and panics where the product breaks a
//! promise. `tests/fuzz_corpus.rs` runs the same over the corpus, on the stable toolchain.

#[path = "../../tests/api/mod.rs"]
mod api;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/transfers/mod.rs"]
mod transfers;

pub mod control;
pub mod document;
pub mod file;
pub mod hosts;
pub mod json;
pub mod lines;
pub mod load;
pub mod multipart;
pub mod request;
pub mod values;
