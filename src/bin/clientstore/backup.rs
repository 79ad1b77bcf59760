//! `clientstore backup`: a verified copy.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clientstore::ClientStore;

use crate::log::{Log, say};
use crate::{Outcome, counted, print, progress, tell, told};

/// Copy a store to a new file, while it is in use, and check the copy
///
/// The copy shows the store as it was at one moment, whatever is written meanwhile. It gets its name only once it is
/// whole, checked as clientstore check does, and on the disk; until then it is called TO.….partial. An existing file is
/// never overwritten.
///
/// To go back to a backup, stop what serves the store, delete FILE-wal and FILE-shm if they are there
/// (a crash leaves them, and they belong to the old file), and put the copy in the place of FILE.
///
/// The exit status is 0 for a copy without findings. It is 1 if no copy was made. It is also 1 if the check of the copy
/// found something: then the copy is kept, and the store has the same findings.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore backup clientstore.db backup.db
  clientstore backup clientstore.db \"backups/$(date +%F).db\"")]
pub(crate) struct Backup {
    /// The store's file
    file: PathBuf,
    /// The copy: a file that is not there yet
    to: PathBuf,
}

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        let store = ClientStore::builder().read_only(true).open(&self.file)?;
        let bar = progress(None, "{spinner} {msg} {human_pos}/{human_len}, {eta} to go");
        bar.enable_steady_tick(Duration::from_millis(100));
        let report = store.backup(&self.to, |progress| tell(&bar, progress));
        bar.finish_and_clear();
        let report = report?;
        let to = self.to.display();
        if report.is_clean() {
            say!("backed up {} to {to}", told(report.kinds()));
            return Ok(ExitCode::SUCCESS);
        }
        print(&report, &mut std::io::LineWriter::new(Log))?;
        let findings = counted(report.count(), "finding");
        say!("clientstore: {to} is a copy of the store, with its {findings}; see clientstore check --help");
        Ok(ExitCode::FAILURE)
    }
}
