//! `clientstore check`: is the file whole?

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clientstore::{ClientStore, Problem, Report};

use crate::log::say;
use crate::{Outcome, counted, print, progress, tell, told};

/// Check that a store's file is whole, and say what is wrong and where
///
/// Checks the file's pages and indexes, and that its tables, indexes and triggers are those of a store. Checks of each
/// record that the records it refers to exist, that its dates, decimals and texts are well-formed, that the rules hold,
/// and that invoices add up from their lines, percents and payments. Each finding is a line: the problem, the table,
/// the id, the column, what is wrong. Of each problem the first hundred are printed and the others counted.
///
/// Nothing is changed, and the store may be in use. The exit status is 0 if nothing is wrong, 1 if something is, and 2
/// if the file cannot be checked.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore check clientstore.db
  clientstore check clientstore.db > findings.txt || less findings.txt

What to do about findings:
  damaged file       bring back a backup, as clientstore backup --help says, or save what can be
                     read, one list at a time: clientstore dump FILE projects
  altered schema     clientstore dump FILE --output all.xml, then clientstore load NEW all.xml
  malformed value,   correct the record with the API, or the column with sqlite3
    broken rule
  missing reference  delete the record, or bring back what it refers to
  wrong total        send the invoice's lines again with the API, which computes it then
  id sequence        clientstore dump and load, as above")]
pub(crate) struct Check {
    /// The store's file
    file: PathBuf,
}

impl Check {
    pub(crate) fn run(self) -> Outcome {
        let bar = progress(None, "{spinner} {msg} {human_pos}/{human_len}, {eta} to go");
        bar.enable_steady_tick(Duration::from_millis(100));
        let report = ClientStore::check_file(&self.file, |progress| tell(&bar, progress));
        bar.finish_and_clear();
        match report {
            Ok(report) => {
                self.write(&report, std::io::stdout().lock())?;
                Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) })
            }
            Err(error) => {
                say!("clientstore: {error}");
                Ok(ExitCode::from(2))
            }
        }
    }

    fn write(&self, report: &Report, mut out: impl Write) -> std::io::Result<()> {
        print(report, &mut out)?;
        let (file, count) = (self.file.display(), report.count());
        let records = told(report.kinds());
        if report.is_clean() {
            writeln!(out, "{file} is whole: {records} checked")?;
        } else {
            let findings = counted(count, "finding");
            writeln!(out, "{file}: {findings}, {records} checked; see clientstore check --help")?;
        }
        if report.is_partial() {
            let cause = if report.count_of(Problem::Schema) > 0 { "the altered schema" } else { "the damage" };
            writeln!(out, "because of {cause}, not all of it could be checked")?;
        }
        Ok(())
    }
}
