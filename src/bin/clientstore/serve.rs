//! `clientstore serve`: the HTTP server.

use clap::Args;

use crate::Outcome;

/// Serve the API over HTTP
#[derive(Args)]
pub(crate) struct Serve {}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        Err("not yet".into())
    }
}
