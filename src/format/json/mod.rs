//! The API's JSON documents: of one record, of a list, of an error.

mod write;

pub(crate) use write::{Writer, write_string};
