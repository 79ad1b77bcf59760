//! Whose account a store keeps.

/// The account and its one administrator (`wire.md`); every part has a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The company's name; `Example Company`.
    pub company: String,
    /// The account's domain; `demo.harvestapp.com`.
    pub domain: String,
    /// The administrator's address; `admin@example.com`.
    pub email: String,
    /// The administrator's first name; `Admin`.
    pub first_name: String,
    /// The administrator's last name; `User`.
    pub last_name: String,
    /// What stands before a number's decimals; a dot.
    pub decimal_symbol: char,
}

impl Account {
    /// The administrator's name as one text.
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

impl Default for Account {
    fn default() -> Self {
        Account {
            company: "Example Company".to_owned(),
            domain: "demo.harvestapp.com".to_owned(),
            email: "admin@example.com".to_owned(),
            first_name: "Admin".to_owned(),
            last_name: "User".to_owned(),
            decimal_symbol: '.',
        }
    }
}
