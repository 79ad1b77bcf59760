//! `clientstore generate`: a store full of made-up records.

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clientstore::{ClientStore, Durability, Generator};

use crate::listen::stop_signal;
use crate::log::say;
use crate::{Outcome, counted, progress};

/// Make a store full of made-up people, tasks, clients, contacts, projects and invoices
///
/// The same numbers and the same seed give the same store, to the byte. Invoices come in every state, with lines,
/// messages and payments. The people of each project are the administrator, those who join every project, and one to
/// five others. Its tasks are the first two of the generated ones and one to four others. Client keys follow from the
/// seed too, so do not let strangers reach such a store.
///
/// The store is made as FILE.partial and becomes FILE when it is complete; stopped with Ctrl-C, it
/// leaves nothing behind. The exit status is 0, or 1 if no store was made, or 130 after Ctrl-C.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore generate demo.db
  clientstore generate big.db --clients 1000000 --contacts-per-client 0 --projects-per-client 0 --invoices-per-client 0
  clientstore generate company.db --people 40 --days 365
  clientstore generate other.db --clients 500 --seed 2")]
pub(crate) struct Generate {
    /// The store's file, which must not be there yet
    file: PathBuf,
    /// How many people besides the administrator; some are archived, some contractors, managers or administrators
    #[arg(long, value_name = "COUNT", default_value_t = 12)]
    people: u32,
    /// How many tasks besides the three of every new store; every project gets the first two of them
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    tasks: u32,
    /// How many clients
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    clients: u32,
    /// How many contacts each client has
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    contacts_per_client: u32,
    /// How many projects each client has
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    projects_per_client: u32,
    /// How many invoices each client has
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    invoices_per_client: u32,
    /// How many days the people have time sheets and expenses of, weekends included
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    days: u32,
    /// The number that the made-up records follow from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub(crate) fn run(self) -> Outcome {
        self.must_be_free()?;
        let partial = beside(&self.file, ".partial");
        match File::create_new(&partial) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let partial = partial.display();
                return Err(format!(
                    "{partial} is there already: wait if another process is making it, else remove it"
                )
                .into());
            }
            Err(error) => return Err(format!("cannot write {}: {error}", partial.display()).into()),
        }
        let made = remove_when_stopped(&partial).and_then(|()| self.make(&partial));
        if made.is_err() {
            remove(&partial);
        }
        made?;
        let each = |count: u32| u64::from(self.clients) * u64::from(count);
        say!(
            "generated {} and {}, {} with {}, {}{} and {} in {}",
            if self.people == 1 { "1 person".to_owned() } else { format!("{} people", self.people) },
            counted(self.tasks.into(), "task"),
            counted(self.clients.into(), "client"),
            counted(each(self.contacts_per_client), "contact"),
            counted(each(self.projects_per_client), "project"),
            match self.days {
                0 => String::new(),
                1 => " with a day of time".to_owned(),
                days => format!(" with {days} days of time"),
            },
            counted(each(self.invoices_per_client), "invoice"),
            self.file.display()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Refuses a file that is not empty, and a log that SQLite would take for the log of the new file.
    fn must_be_free(&self) -> Result<(), String> {
        if self.file.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(format!("{} is a directory's name; name a new file", self.file.display()));
        }
        if std::fs::metadata(&self.file).is_ok_and(|found| !found.is_file() || found.len() > 0) {
            return Err(format!("{} is there already; name a new file", self.file.display()));
        }
        for suffix in ["-wal", "-journal"] {
            let log = beside(&self.file, suffix);
            if log.exists() {
                return Err(format!("{} is there, the log of another file; name a new file", log.display()));
            }
        }
        Ok(())
    }

    fn make(&self, partial: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let generator = Generator::new(self.seed)
            .people(self.people)
            .tasks(self.tasks)
            .contacts_per_client(self.contacts_per_client)
            .clients(self.clients)
            .projects_per_client(self.projects_per_client)
            .invoices_per_client(self.invoices_per_client)
            .days(self.days);
        let bar =
            progress(Some(generator.records()), "{wide_bar} records made: {human_pos} of {human_len}, {eta} to go");
        // A part of the store is useless, so it is synced only once, at the end.
        let store = ClientStore::builder().durability(Durability::Off).open(partial)?;
        generator.run(&store, |progress| bar.set_position(progress.done))?;
        drop(store);
        File::options().write(true).open(partial)?.sync_all()?;
        bar.finish_and_clear();
        self.must_be_free()?;
        std::fs::rename(partial, &self.file)?;
        #[cfg(unix)]
        if let Some(folder) = std::path::absolute(&self.file)?.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// The path with more at its end.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}

fn remove(partial: &Path) {
    for suffix in ["-shm", "-wal", ""] {
        drop(std::fs::remove_file(beside(partial, suffix)));
    }
}

fn remove_when_stopped(partial: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let partial = partial.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = {
        let _inside = runtime.enter();
        stop_signal()?
    };
    std::thread::spawn(move || {
        runtime.block_on(stop);
        remove(&partial);
        std::process::exit(130);
    });
    Ok(())
}
