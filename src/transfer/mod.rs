//! The whole store as one document, and back: `<clientstore version="1">`, or `{"clientstore":{"version":"1",…}}`.

mod dump;
mod load;
mod load_json;
mod loader;

pub use load::{LoadOptions, Loaded};

/// The root of the whole store's document.
const ROOT: &str = "clientstore";
/// The version of the document's format.
const VERSION: &str = "1";
/// The part of the document with the next id of each resource.
const NEXT_IDS: &str = "next-ids";
