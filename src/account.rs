//! Whose account a store keeps.

/// The account and its one administrator, as `/account/who_am_i` shows them. Every part has a default.
///
/// ```
/// use clientstore::{Account, WeekStart};
///
/// let account = Account::default()
///     .company("Example & Sons")
///     .domain("sons.example.com")
///     .decimal_symbol(',')
///     .thousands_separator('.')
///     .week_start_day(WeekStart::Sunday);
/// assert_eq!(account.base_uri(), "https://sons.example.com");
/// assert_eq!(account.week_start_day.as_str(), "Sunday");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The company's name; `Example Company`.
    pub company: String,
    /// The account's domain, shown as `full-domain`; `demo.harvestapp.com`.
    pub domain: String,
    /// The address that the account is reached at; `https://` and the domain where there is none.
    pub base_uri: Option<String>,
    /// How hours are shown; decimal.
    pub time_format: TimeFormat,
    /// How times of day are shown; twelve hours.
    pub clock: Clock,
    /// What stands before a number's decimals; a dot.
    pub decimal_symbol: char,
    /// What stands between a number's thousands; a comma.
    pub thousands_separator: char,
    /// The first day of a week; Monday.
    pub week_start_day: WeekStart,
    /// The administrator's e-mail address; `admin@example.com`. The first person of a new file has it; what
    /// `/account/who_am_i` shows is that person as they are now.
    pub email: String,
    /// The administrator's first name; `Admin`. The same holds of it.
    pub first_name: String,
    /// The administrator's last name; `User`. The same holds of it.
    pub last_name: String,
}

/// How an account shows hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeFormat {
    /// 1.50
    #[default]
    Decimal,
    /// 1:30
    HoursMinutes,
}

/// How an account shows times of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// 1:30pm
    #[default]
    TwelveHours,
    /// 13:30
    TwentyFourHours,
}

/// The days that an account's week can begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WeekStart {
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
    /// Monday.
    #[default]
    Monday,
}

/// The words of an option's values in the API's documents.
macro_rules! words {
    ($option:ident, $expected:literal: $($word:literal => $value:ident),+) => {
        impl $option {
            /// The value as the API's documents write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($option::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $option {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// Reads the value as the API's documents write it, in any case.
        impl std::str::FromStr for $option {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $(if text.eq_ignore_ascii_case($word) {
                    return Ok($option::$value);
                })+
                Err($expected)
            }
        }
    };
}

words!(TimeFormat, "expected decimal or hours_minutes": "decimal" => Decimal, "hours_minutes" => HoursMinutes);
words!(Clock, "expected 12h or 24h": "12h" => TwelveHours, "24h" => TwentyFourHours);
words!(WeekStart, "expected Saturday, Sunday or Monday":
    "Saturday" => Saturday, "Sunday" => Sunday, "Monday" => Monday);

impl Account {
    /// Sets the company's name.
    #[must_use]
    pub fn company(mut self, name: impl Into<String>) -> Self {
        self.company = name.into();
        self
    }

    /// Sets the account's domain, such as `example.harvestapp.com`.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// Sets the address that the account is reached at, where it is not `https://` and the domain.
    #[must_use]
    pub fn at(mut self, base_uri: impl Into<String>) -> Self {
        self.base_uri = Some(base_uri.into());
        self
    }

    /// Sets how hours are shown.
    #[must_use]
    pub fn time_format(mut self, format: TimeFormat) -> Self {
        self.time_format = format;
        self
    }

    /// Sets how times of day are shown.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what stands before a number's decimals.
    #[must_use]
    pub fn decimal_symbol(mut self, symbol: char) -> Self {
        self.decimal_symbol = symbol;
        self
    }

    /// Sets what stands between a number's thousands.
    #[must_use]
    pub fn thousands_separator(mut self, separator: char) -> Self {
        self.thousands_separator = separator;
        self
    }

    /// Sets the first day of a week.
    #[must_use]
    pub fn week_start_day(mut self, day: WeekStart) -> Self {
        self.week_start_day = day;
        self
    }

    /// Sets the administrator's e-mail address.
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = address.into();
        self
    }

    /// Sets the administrator's first and last name.
    #[must_use]
    pub fn administrator(mut self, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        (self.first_name, self.last_name) = (first_name.into(), last_name.into());
        self
    }

    /// The address that the account is reached at.
    pub fn base_uri(&self) -> String {
        self.base_uri.clone().unwrap_or_else(|| format!("https://{}", self.domain))
    }
}

impl Default for Account {
    fn default() -> Self {
        Account {
            company: "Example Company".to_owned(),
            domain: "demo.harvestapp.com".to_owned(),
            base_uri: None,
            time_format: TimeFormat::default(),
            clock: Clock::default(),
            decimal_symbol: '.',
            thousands_separator: ',',
            week_start_day: WeekStart::default(),
            email: "admin@example.com".to_owned(),
            first_name: "Admin".to_owned(),
            last_name: "User".to_owned(),
        }
    }
}
