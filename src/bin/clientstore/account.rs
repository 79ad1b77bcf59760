//! Whose account a command answers for.

use clap::Args;
use clientstore::{Account, Clock, TimeFormat, WeekStart};

use crate::Usage;

#[derive(Args)]
#[command(next_help_heading = "The account, as /account/who_am_i shows it")]
pub(crate) struct AccountArguments {
    /// The company's name [default: Example Company]
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// The account's domain [default: demo.harvestapp.com]
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// The address that the account is reached at [default: https:// and the domain]
    #[arg(long, value_name = "ADDRESS")]
    base_uri: Option<String>,
    /// The character before a number's decimals, also in csv-line-items [default: a dot]
    #[arg(long, value_name = "CHARACTER")]
    decimal_symbol: Option<char>,
    /// The character between a number's thousands [default: a comma; a dot if --decimal-symbol is a comma]
    #[arg(long, value_name = "CHARACTER")]
    thousands_separator: Option<char>,
    /// How hours are shown: decimal or hours_minutes [default: decimal]
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<TimeFormat>,
    /// How times of day are shown: 12h or 24h [default: 12h]
    #[arg(long, value_name = "CLOCK")]
    clock: Option<Clock>,
    /// The first day of a week: Saturday, Sunday or Monday [default: Monday]
    #[arg(long, value_name = "DAY")]
    week_start_day: Option<WeekStart>,
    /// The administrator's first and last name; the first person of a new file has it [default: Admin User]
    #[arg(long, value_name = "NAMES", value_parser = names)]
    administrator: Option<(String, String)>,
    /// The administrator's e-mail address; the first person of a new file has it [default: admin@example.com]
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

/// The first names, and the last name after the last space.
fn names(argument: &str) -> Result<(String, String), &'static str> {
    let names = argument.trim().rsplit_once(' ').map(|(first, last)| (first.trim_end().to_owned(), last.to_owned()));
    names.ok_or("give a first and a last name, like \"Jane Doe\"")
}

impl AccountArguments {
    /// # Errors
    ///
    /// If decimals and thousands would have the same character.
    pub(crate) fn account(&self) -> Result<Account, Usage> {
        fn with<T: Clone>(account: Account, value: &Option<T>, set: impl Fn(Account, T) -> Account) -> Account {
            match value {
                Some(value) => set(account, value.clone()),
                None => account,
            }
        }
        let mut account = Account::default();
        if self.decimal_symbol == Some(',') {
            account = account.thousands_separator('.');
        }
        account = with(account, &self.company, Account::company);
        account = with(account, &self.domain, Account::domain);
        account = with(account, &self.base_uri, Account::at);
        account = with(account, &self.decimal_symbol, Account::decimal_symbol);
        account = with(account, &self.thousands_separator, Account::thousands_separator);
        account = with(account, &self.time_format, Account::time_format);
        account = with(account, &self.clock, Account::clock);
        account = with(account, &self.week_start_day, Account::week_start_day);
        account = with(account, &self.email, Account::email);
        account = with(account, &self.administrator, |account, (first, last)| account.administrator(first, last));
        if account.decimal_symbol == account.thousands_separator {
            return Err(Usage("--decimal-symbol and --thousands-separator must differ".to_owned()));
        }
        Ok(account)
    }
}
