//! The command line of `clientstore`: one file a command.

#![forbid(unsafe_code)]

mod dump;
mod generate;
mod load;
mod request;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// What a command gives: an exit status, or an error that is printed as one sentence.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// The classic Harvest time-tracking API over one SQLite file.
///
/// Keeps an account's clients, projects and invoices in one file, applies the API's toggle and
/// delete rules, and speaks its exact XML.
#[derive(Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Example:
  clientstore serve clientstore.db
  curl -i http://127.0.0.1:7557/clients -d '<client><name>SuprCorp</name></client>'"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Request(request::Request),
    Dump(dump::Dump),
    Load(load::Load),
    Generate(generate::Generate),
}

/// How documents are written.
#[derive(Clone, Copy, ValueEnum)]
enum Dialect {
    /// As the API's documentation prints them: clients with four elements
    Documented,
    /// As the service sent them: an XML declaration, every element
    Live,
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
    let outcome = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Request(request) => request.run(),
        Command::Dump(dump) => dump.run(),
        Command::Load(load) => load.run(),
        Command::Generate(generate) => generate.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("clientstore: {error}");
        ExitCode::FAILURE
    })
}

/// Opens a file that must be there.
fn open(file: &std::path::Path) -> clientstore::Result<clientstore::ClientStore> {
    clientstore::ClientStore::builder().create(false).open(file)
}

/// A bar on standard error, where that is a terminal.
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
