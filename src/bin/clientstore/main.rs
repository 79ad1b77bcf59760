//! The command line of `clientstore`: one file for each command.

#![forbid(unsafe_code)]

mod account;
mod accounts;
mod backup;
mod check;
mod child;
mod completions;
mod dump;
mod generate;
mod health;
mod limits;
mod listen;
mod load;
mod log;
mod man;
mod request;
mod secret;
mod serve;
mod settings;
mod tls;
mod whole;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::log::say;

/// The result of a command: an exit status, or an error that is printed as one sentence.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// The classic Harvest time-tracking API over one SQLite file.
///
/// Keeps an account's clients, projects and invoices in one file, applies the API's toggle and
/// delete rules, and speaks its exact XML and JSON.
#[derive(Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Examples:
  clientstore serve clientstore.db
  clientstore serve clientstore.db --dialect live    (for old programs)
  curl -i http://127.0.0.1:7557/clients -d '<client><name>SuprCorp</name></client>'

Exit status:
  0    done; of request, the answer was 2xx; of check and backup, nothing was found wrong
  1    not done, and standard error says why; of request, another answer; of check and backup, findings
  2    wrong arguments; of check, the file cannot be checked
  130  generate was stopped by a signal
  141  the reader of standard output went away"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    Request(request::Request),
    Dump(dump::Dump),
    Load(load::Load),
    Check(check::Check),
    Backup(backup::Backup),
    Generate(generate::Generate),
    Health(health::Health),
    Completions(completions::Completions),
    Man(man::Man),
}

/// How documents are written.
#[derive(Clone, Copy, ValueEnum)]
enum Dialect {
    /// As the API's documentation prints them: clients with four elements
    Documented,
    /// As the service sent them: an XML declaration, every element
    Live,
}

/// The format of documents.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Xml,
    Json,
}

impl From<Dialect> for clientstore::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Documented => clientstore::Dialect::Documented,
            Dialect::Live => clientstore::Dialect::Live,
        }
    }
}

fn main() -> ExitCode {
    log::tell_panics();
    let outcome = arguments().and_then(|arguments| run(arguments.command));
    let status = outcome.unwrap_or_else(|error| {
        // A program like `head` has read as much of the output as it wanted.
        if io_error(&*error).is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitCode::from(BROKEN_PIPE);
        }
        say!("clientstore: {error}");
        if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
    });
    log::finish();
    status
}

/// What is asked for: by the command line, and for `serve` also by the environment and a file.
fn arguments() -> Result<Arguments, Box<dyn std::error::Error>> {
    let command_line: Vec<OsString> = std::env::args_os().collect();
    match command_line.get(1) {
        Some(command) if command == "serve" => settings::parse(&command_line),
        _ => Ok(Arguments::parse_from(command_line)),
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(serve) => serve.run(),
        Command::Request(request) => request.run(),
        Command::Dump(dump) => dump.run(),
        Command::Load(load) => load.run(),
        Command::Check(check) => check.run(),
        Command::Backup(backup) => backup.run(),
        Command::Generate(generate) => generate.run(),
        Command::Health(health) => health.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// Arguments that clap accepts but that make no sense.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The exit status for wrong arguments; clap uses it too.
const WRONG_USAGE: u8 = 2;

/// The exit status that a shell reports for a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

/// The failure of a file or a pipe that is the cause of an error.
fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    match error.downcast_ref() {
        Some(clientstore::Error::Storage { source, .. }) => source.downcast_ref(),
        _ => error.downcast_ref(),
    }
}

/// Says how many there are of something.
fn counted(count: u64, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {one}s"),
    }
}

/// Says how many records there are of each kind: `2 clients and 3 invoice item categories`.
fn told(kinds: &[(&str, u64)]) -> String {
    let each: Vec<String> = kinds.iter().map(|(kind, count)| counted(*count, &kind.replace('-', " "))).collect();
    match each.split_last() {
        None => "no records".to_owned(),
        Some((one, [])) => one.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Says which elements of each document are unknown: `clients.xml: 1 element not known: detials (line 7)`.
fn not_known(loaded: &clientstore::Loaded) -> impl Iterator<Item = String> {
    loaded.unknown.iter().map(|(document, elements)| {
        let count = elements.iter().map(|element| element.count).sum();
        let named: Vec<String> = elements.iter().map(ToString::to_string).collect();
        format!("{document}: {} not known: {}", counted(count, "element"), named.join(", "))
    })
}

/// Says what cannot be written and why, and what to do if that is known.
fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.exists());
    let why = match (error.kind(), folder) {
        (std::io::ErrorKind::AlreadyExists, _) => {
            return format!("{} is there already; name another, or move it away first", path.display());
        }
        (std::io::ErrorKind::NotFound, Some(folder)) => {
            format!("there is no directory {}; make it first", folder.display())
        }
        (std::io::ErrorKind::PermissionDenied, _) => "look at its directory's permissions".to_owned(),
        (std::io::ErrorKind::StorageFull, _) => "the disk is full; make room or name another place".to_owned(),
        _ => error.to_string(),
    };
    format!("cannot write {}: {why}", path.display())
}

/// How a file is opened.
#[derive(clap::Args)]
struct Opening {
    /// Check every page of the file before it is used, for a file from a stranger: SQLite's quick_check, about a second
    /// for each GB
    #[arg(long)]
    quick_check: bool,
}

impl Opening {
    fn builder(&self) -> clientstore::Builder {
        clientstore::ClientStore::builder().quick_check(self.quick_check)
    }
}

/// Opens a file to write to.
fn open(file: &std::path::Path, builder: clientstore::Builder) -> clientstore::Result<clientstore::ClientStore> {
    let store = builder.open(file)?;
    if let Some(upgrade) = store.upgrade() {
        say!("clientstore: {} was {upgrade}", file.display());
    }
    Ok(store)
}

/// Shows the progress of a check or a backup on a bar.
fn tell(bar: &indicatif::ProgressBar, progress: clientstore::Progress) {
    bar.set_message(progress.doing);
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

/// Prints the findings of a check, one a line.
fn print(report: &clientstore::Report, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let findings = report.findings();
    for of_one_problem in findings.chunk_by(|one, next| one.problem == next.problem) {
        for finding in of_one_problem {
            writeln!(out, "{finding}")?;
        }
        let problem = of_one_problem[0].problem;
        let more = report.count_of(problem) - of_one_problem.len() as u64;
        if more > 0 {
            writeln!(out, "{problem}: and {more} more")?;
        }
    }
    Ok(())
}

/// A progress bar on standard error, if that is a terminal.
fn progress(length: Option<u64>, template: &str) -> indicatif::ProgressBar {
    let bar = match length {
        Some(length) => indicatif::ProgressBar::new(length),
        None => indicatif::ProgressBar::new_spinner(),
    };
    match indicatif::ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
