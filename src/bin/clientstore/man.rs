//! `clientstore man`: the manual's pages.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::{Arguments, Outcome, cannot_write};

/// Write the manual's pages, one for each command, to a directory
///
/// The exit status is 0 once they are there, and 1 where they cannot be written.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore man ~/.local/share/man/man1 && man clientstore-serve
  clientstore man /tmp/pages && man /tmp/pages/clientstore.1")]
pub(crate) struct Man {
    /// The directory to write to; made if it is not there
    directory: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> Outcome {
        fs::create_dir_all(&self.directory)
            .and_then(|()| {
                clap_mangen::generate_to(Arguments::command().disable_help_subcommand(true), &self.directory)
            })
            .map_err(|error| cannot_write(&self.directory, &error))?;
        Ok(ExitCode::SUCCESS)
    }
}
