//! `clientstore dump`: the store as a document.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use clientstore::ClientStore;

use crate::{Format, Opening, Outcome, cannot_write, io_error, progress};

/// Write the whole store, or one list, as a document in XML or JSON
///
/// The whole store is one document that `clientstore load` takes back, byte for byte. A list is the
/// API's own document, in XML in the live dialect. The store may be in use meanwhile; the document shows it
/// as it was at one moment. The file is only read, and may lack triggers or indexes.
///
/// Only this account can read the file that is made. The exit status is 0, or 1 where nothing was written.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore dump clientstore.db > backup.xml
  clientstore dump clientstore.db --format json > backup.json
  clientstore dump clientstore.db clients --output clients.xml")]
pub(crate) struct Dump {
    /// The store's file
    file: PathBuf,
    /// One list only, by the root of its document, like clients
    list: Option<String>,
    /// Where to write: a file that is not there yet, or - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// The document's format
    #[arg(long, value_enum, default_value = "xml")]
    format: Format,
    #[command(flatten)]
    opening: Opening,
}

impl Dump {
    pub(crate) fn run(self) -> Outcome {
        let store = self.opening.builder().read_only(true).open(&self.file)?;
        if self.output.as_os_str() == "-" {
            self.write(&store, std::io::stdout().lock()).map_err(|error| match io_error(&*error) {
                Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                    format!("cannot write to standard output: {error}").into()
                }
                _ => error,
            })?;
        } else {
            self.write_file(&store).map_err(|error| match io_error(&*error) {
                Some(error) => cannot_write(&self.output, error),
                None => format!("cannot write {}: {error}", self.output.display()),
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write_file(&self, store: &ClientStore) -> Result<(), Box<dyn std::error::Error>> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
            // Who cannot read the store must not be able to read its dump.
            options.mode(std::fs::metadata(&self.file)?.permissions().mode() & 0o600);
        }
        let file = options.open(&self.output)?;
        let written = self.write(store, &file).and_then(|()| Ok(file.sync_all()?));
        if written.is_err() {
            // Half a document is useless, and the next try would refuse to overwrite it.
            drop(std::fs::remove_file(&self.output));
        }
        written
    }

    fn write(&self, store: &ClientStore, out: impl Write) -> Result<(), Box<dyn std::error::Error>> {
        let bar = progress(None, "{spinner} records written: {human_pos}, {per_sec}");
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let tell = |progress: clientstore::Progress| bar.set_position(progress.done);
        match (&self.list, self.format) {
            (None, Format::Xml) => store.dump(&mut out, tell)?,
            (None, Format::Json) => store.dump_json(&mut out, tell)?,
            (Some(list), Format::Xml) => store.dump_list(list, &mut out, tell)?,
            (Some(list), Format::Json) => store.dump_list_json(list, &mut out, tell)?,
        };
        out.flush()?;
        bar.finish_and_clear();
        Ok(())
    }
}
