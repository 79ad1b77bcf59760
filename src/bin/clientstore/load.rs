//! `clientstore load`: documents into the store.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clientstore::LoadOptions;

use crate::log::say;
use crate::{Opening, Outcome, not_known, open, progress, told};

/// Load dumps, or documents of the API, into a store; each in XML or JSON
///
/// Ids and read-only fields are kept. All documents are loaded in one transaction, each after those that it refers to.
/// If one breaks a rule or is malformed, nothing is loaded, and the message names the line. A store that is not there
/// is made, and removed again if nothing is loaded.
///
/// Unknown elements are reported with their lines, and left out; with --strict they are refused.
///
/// The exit status is 0, or 1 if nothing was loaded.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore load copy.db backup.xml
  clientstore load clientstore.db clients.xml projects.xml
  clientstore dump old.db | clientstore load new.db -")]
pub(crate) struct Load {
    /// The store's file
    file: PathBuf,
    /// A dump, or a list or a record of the API, in XML or JSON; - for standard input
    #[arg(required = true, value_name = "DOCUMENT")]
    documents: Vec<PathBuf>,
    /// Load nothing if a document has an unknown element
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    opening: Opening,
}

impl Load {
    pub(crate) fn run(self) -> Outcome {
        let mut files = Vec::new();
        let mut total = Some(0);
        for path in &self.documents {
            if path.as_os_str() == "-" {
                total = None;
                files.push(("standard input".to_owned(), None));
                continue;
            }
            let file = File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let found = file.metadata()?;
            if found.is_dir() {
                return Err(
                    format!("cannot read {}: it is a directory; name the documents in it", path.display()).into()
                );
            }
            let length = found.len();
            total = total.map(|total| total + length);
            files.push((path.display().to_string(), Some(file)));
        }
        let template = match total {
            Some(_) => "{wide_bar} {bytes}/{total_bytes} read, {eta} to go",
            None => "{spinner} {bytes} read, {bytes_per_sec}",
        };
        let bar = progress(total, template);
        let documents = files.into_iter().map(|(name, file)| {
            let input: Box<dyn BufRead> = match file {
                Some(file) => Box::new(BufReader::with_capacity(1 << 16, bar.wrap_read(file))),
                None => Box::new(BufReader::with_capacity(1 << 16, bar.wrap_read(std::io::stdin()))),
            };
            (name, input)
        });
        let is_new = !self.file.exists();
        let store = open(&self.file, self.opening.builder())?;
        let loaded = store.load_with(documents, LoadOptions::new().strict(self.strict), |_| {});
        drop(store);
        bar.finish_and_clear();
        if loaded.is_err() && is_new {
            // The user did not ask for an empty store. It is closed by now, and its log is gone.
            drop(std::fs::remove_file(&self.file));
        }
        let loaded = loaded?;
        for said in not_known(&loaded) {
            say!("clientstore: {said}");
        }
        say!("loaded {} into {}", told(&loaded.kinds), self.file.display());
        Ok(ExitCode::SUCCESS)
    }
}
