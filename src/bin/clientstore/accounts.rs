//! `clientstore serve`: many accounts on one server.

use std::path::{Path, PathBuf};

use clap::Args;
use clientstore::{Accounts, Builder, ClientStore};

use crate::Usage;

#[derive(Args)]
#[command(next_help_heading = "Many accounts")]
pub(crate) struct AccountsArguments {
    /// Serve many accounts, each from its file in this directory: demo.localhost, demo.harvestapp.com and the header
    /// X-Clientstore-Account: demo lead to DIR/demo.db. With --memory leave out the directory: then each account is in memory,
    /// and made when it is asked for
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["file", "exclusive", "domain", "base_uri"])]
    accounts: Option<Option<PathBuf>>,
    /// Make the file of an account that is asked for and not there; without this it is 404
    #[arg(long, requires = "accounts", conflicts_with_all = ["memory", "read_only"])]
    create_accounts: bool,
    /// Take what stands before this domain in a host for an account's name as well, like harvest.test for
    /// demo.harvest.test; may be given more than once, and /account/who_am_i shows the first
    #[arg(long, value_name = "DOMAIN", requires = "accounts")]
    account_domain: Vec<String>,
    /// How many accounts' files are kept open; others are opened when they are asked for
    #[arg(long, value_name = "COUNT", requires = "accounts", default_value_t = 32, value_parser = crate::limits::count)]
    open_accounts: usize,
}

impl AccountsArguments {
    /// Whether there are to be many.
    pub(crate) fn are_given(&self) -> bool {
        self.accounts.is_some()
    }

    /// The domains that were given for accounts.
    pub(crate) fn domains(&self) -> &[String] {
        &self.account_domain
    }

    /// The names that a certificate must have for them, beside those that each has.
    pub(crate) fn names(&self) -> Vec<String> {
        let domains = self.account_domain.iter().map(|domain| format!(".{domain}"));
        self.accounts.iter().map(|_| ".localhost".to_owned()).chain(domains).collect()
    }

    /// The accounts in memory, which begin like the store.
    pub(crate) fn in_memory(&self, like: &ClientStore) -> Result<Accounts, Box<dyn std::error::Error>> {
        if let Some(Some(directory)) = &self.accounts {
            let said =
                format!("--memory keeps nothing in {}; give --accounts without a directory", directory.display());
            return Err(Usage(said).into());
        }
        Ok(self.below_domain(Accounts::in_memory(like)?))
    }

    /// The accounts of the directory.
    pub(crate) fn in_directory(&self, builder: Builder) -> Result<Accounts, Box<dyn std::error::Error>> {
        let Some(Some(directory)) = &self.accounts else {
            return Err(Usage("--accounts needs a directory, or --memory".to_owned()).into());
        };
        if !Path::new(directory).is_dir() {
            return Err(format!("there is no directory {}; make it first", directory.display()).into());
        }
        let accounts = Accounts::in_directory(std::path::absolute(directory)?, builder);
        Ok(self.below_domain(accounts).create_on_demand(self.create_accounts).keep_open(self.open_accounts))
    }

    fn below_domain(&self, accounts: Accounts) -> Accounts {
        match self.account_domain.first() {
            Some(domain) => accounts.domain(domain.trim_end_matches('.').to_ascii_lowercase()),
            None => accounts,
        }
    }
}
