//! `clientstore completions`: what a shell completes.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{Arguments, Outcome};

/// Print what a shell needs to complete commands and options
///
/// The exit status is 0, and 2 for a shell that is not known.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore completions bash > /etc/bash_completion.d/clientstore
  clientstore completions zsh > ~/.zfunc/_clientstore    (with ~/.zfunc in fpath, before compinit)
  clientstore completions fish > ~/.config/fish/completions/clientstore.fish")]
pub(crate) struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "clientstore", &mut script);
        io::stdout().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
