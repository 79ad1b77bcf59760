//! What can go wrong, by kind, with the data that says what, where and what to do.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen. When one is returned, nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such record.
    #[error("there is no {record} {id}")]
    NotFound {
        /// The record's element name, like `client`.
        record: &'static str,
        /// The id that was asked for.
        id: i64,
    },
    /// There is no person with the e-mail address.
    #[error("there is no person with the e-mail address {}", crate::value::quoted(.email))]
    NoPerson {
        /// The address that was asked for.
        email: String,
    },
    /// There is no account of that name.
    #[error("there is no account {name}")]
    NoAccount {
        /// The name that was asked for.
        name: String,
    },
    /// An account of that name is there already.
    #[error("there is an account {name} already")]
    AccountExists {
        /// The name.
        name: String,
    },
    /// There are as many accounts in memory as there may be.
    #[error("there are {most} accounts in memory, the most there may be; use one again, after a reset")]
    TooManyAccounts {
        /// How many there may be.
        most: usize,
    },
    /// A rule of the API forbids the change.
    #[error("{rule}: {}; {}", in_words(.in_the_way), .rule.remedy())]
    Refused {
        /// The rule.
        rule: Rule,
        /// What stands in the way, and how many of each.
        in_the_way: Vec<Obstacle>,
    },
    /// A step cannot be undone or done again, because a record was changed since, otherwise than through the undo session.
    /// Nothing was changed.
    #[error("{record} {id} was changed since by somebody else; nothing was undone or done again")]
    ChangedSince {
        /// The record's element name, like `client`.
        record: &'static str,
        /// Its id.
        id: i64,
    },
    /// A value cannot be taken.
    #[error("{}{field} {reason}", at(.line))]
    Invalid {
        /// The element's name, like `over-budget-notification-percentage`.
        field: &'static str,
        /// What is wrong with it and what would be right.
        reason: String,
        /// The line of the document, from 1, where the value came from one.
        line: Option<u64>,
    },
    /// A document is not well-formed XML, or not the document asked for.
    #[error("line {line}: {reason}")]
    Xml {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A document is not JSON, or not the document asked for.
    #[error("line {line}, column {column}: {reason}")]
    Json {
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in bytes.
        column: u64,
        /// What is wrong.
        reason: String,
    },
    /// A form cannot be read.
    #[error("the form {reason}")]
    Form {
        /// What is wrong.
        reason: String,
    },
    /// A record of a document cannot be loaded; nothing of the document was.
    #[error("{document}: {}{source}", at(.line))]
    Load {
        /// The document's name.
        document: String,
        /// The line that the record starts on, from 1; none where the source itself says it.
        line: Option<u64>,
        /// Why not.
        source: Box<Error>,
    },
    /// The file holds something that no store writes.
    #[error("the store is damaged: {table} {id}: {column} {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's id, 0 where it cannot be told.
        id: i64,
        /// The element's name.
        column: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// Another program, or another thread's transaction, held the store for longer than the busy timeout.
    #[error(
        "another program or transaction has kept the store locked for {waited:?}; try again, or raise the busy timeout"
    )]
    Busy {
        /// The busy timeout that ran out.
        waited: Duration,
    },
    /// Another store has declared the file its own (`exclusive`) and has it open.
    #[error("{} is open in a program that declared it its own; close it there, or go through that program", .path.display())]
    Exclusive {
        /// The path.
        path: PathBuf,
    },
    /// The file was to be declared the store's own (`exclusive`), and another store has it open for writing.
    #[error("{} is open in another program, so it cannot be declared this one's own; close it there, or open it without `exclusive`", .path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The file can only be read; nothing was written.
    #[error("{} can only be read: {reason}", .path.display())]
    ReadOnly {
        /// The path.
        path: PathBuf,
        /// Why it cannot be written, and what to do.
        reason: &'static str,
    },
    /// The file has several names (hard links), each of which would get a log of its own; it was left untouched.
    #[error("{} is one of {links} names (hard links) of one file; opened by several of them, it would lose writes. Remove the others, or copy the file", .path.display())]
    Linked {
        /// The path.
        path: PathBuf,
        /// How many names the file has.
        links: u64,
    },
    /// The file was moved, replaced or deleted while it was open, or its log was. Nothing is acknowledged after that.
    #[error("the file at {path} is no longer the one that was opened: it or its log, {path}-wal, was moved, replaced or deleted. Close the store, put the file and its log back in their place, and open it again", path = .path.display())]
    Moved {
        /// The path that the file was opened at.
        path: PathBuf,
    },
    /// The greatest id of a table, 2^53, was given, so that there is none for a new record.
    #[error(
        "there is no id left for a new record: {table} has given 9007199254740992 (2^53), the greatest id that there is"
    )]
    IdsExhausted {
        /// The table.
        table: &'static str,
    },
    /// There is no file at the path, and the opener did not ask for one to be made.
    #[error("there is no file {}", .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file is not a clientstore; it was left untouched.
    #[error("{} is not a clientstore file ({found}); it was left untouched", .path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The file was written by a newer version of this program; it was left untouched.
    #[error("{} has format version {found}, this program knows versions up to {supported}; upgrade the program. The file was left untouched", .path.display())]
    Newer {
        /// The path.
        path: PathBuf,
        /// The file's `user_version`.
        found: i64,
        /// The newest version known here.
        supported: i64,
    },
    /// The file has seen more migrations of the app's own tables than this app has; it was left untouched.
    #[error("{} has version {found} of the app's own tables, this app knows versions up to {supported}; upgrade the app. The file was left untouched", .path.display())]
    NewerApp {
        /// The path.
        path: PathBuf,
        /// How many migrations the file has seen.
        found: u32,
        /// How many this app has.
        supported: u32,
    },
    /// Tables, indexes or triggers of the file are not as a clientstore makes them; it was left
    /// untouched.
    #[error("{}: {what}{}; `clientstore check` lists all that is wrong, `clientstore dump` still reads it. The file was left untouched", .path.display(), and_more(*.more))]
    Altered {
        /// The path.
        path: PathBuf,
        /// The first of what is not as it should be.
        what: String,
        /// How many more there are.
        more: usize,
    },
    /// The file could not be opened.
    #[error("cannot open {}: {hint}", .path.display())]
    Unopened {
        /// The path.
        path: PathBuf,
        /// What is wrong and what to do.
        hint: String,
        /// The failure itself.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A file that is there already would have been written over.
    #[error("{} is there already; name another, or move it away first", .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// SQLite or the file system failed.
    #[error("{doing}: {source}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// The failure itself.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// A rule of the API (the Clients page; `docs/spec/clients.md`, rules 1 to 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A client with active projects cannot be deactivated.
    ClientHasActiveProjects,
    /// A client with projects or invoices cannot be deleted.
    ClientHasProjectsOrInvoices,
    /// An inactive client cannot get an active project.
    ClientIsInactive,
    /// A payment of a closed invoice can be neither recorded nor removed.
    InvoiceIsClosed,
    /// Only a draft can be marked as sent.
    InvoiceIsNotDraft,
    /// Only an open invoice can become a draft again.
    InvoiceIsNotOpen,
    /// Only an open or partially paid invoice can be closed.
    InvoiceIsNotOpenOrPartial,
    /// Only a closed invoice can be opened again.
    InvoiceIsNotClosed,
    /// The two default item categories cannot be deleted.
    CategoryIsDefault,
    /// The acting person can be neither deleted nor archived.
    PersonActs,
    /// At least one active person is an administrator.
    PersonIsLastAdministrator,
    /// The last active task assignment of a project cannot be deleted.
    ProjectNeedsTask,
    /// A project with time or expenses cannot be deleted.
    ProjectHasTimeOrExpenses,
    /// A person with time or expenses cannot be deleted.
    PersonHasTimeOrExpenses,
    /// A time entry that is approved or on an invoice stays on its project, its task and its day, and only
    /// administrators change the rest.
    EntryIsLocked,
    /// An expense category that expenses have cannot be deleted.
    CategoryHasExpenses,
    /// An expense that is closed or on an invoice keeps its project, its category and its day, is not deleted, and only
    /// administrators change the rest.
    ExpenseIsLocked,
    /// An id that is taken cannot be loaded again.
    IdIsTaken,
    /// Records are generated into a new store only.
    StoreIsNotNew,
}

impl Rule {
    fn remedy(self) -> &'static str {
        match self {
            Rule::ClientHasActiveProjects => "deactivate, move or delete them first",
            Rule::ClientHasProjectsOrInvoices => "delete or move them first, or deactivate the client instead",
            Rule::ClientIsInactive => "activate the client first",
            Rule::InvoiceIsClosed => "open it again first, with re_open",
            Rule::InvoiceIsNotDraft => "only a draft can be marked as sent",
            Rule::InvoiceIsNotOpen => "only an open invoice can become a draft",
            Rule::InvoiceIsNotOpenOrPartial => "send a draft first; a paid invoice needs no closing",
            Rule::InvoiceIsNotClosed => "only a closed invoice can be opened again",
            Rule::CategoryIsDefault => "rename it instead",
            Rule::PersonActs => "let another administrator do it",
            Rule::PersonIsLastAdministrator => "make another active person an administrator first",
            Rule::ProjectNeedsTask => "assign another task first",
            Rule::ProjectHasTimeOrExpenses => "make the project inactive instead",
            Rule::PersonHasTimeOrExpenses => "archive the person instead",
            Rule::EntryIsLocked => {
                "its project, task and day stay while it is approved or on an invoice, and only administrators change the rest"
            }
            Rule::CategoryHasExpenses => {
                "give them another category first, or archive the category with toggle instead"
            }
            Rule::ExpenseIsLocked => {
                "it stays, with its project, its category and its day, and only administrators change the rest"
            }
            Rule::IdIsTaken => "load into an empty store, or give the record another id",
            Rule::StoreIsNotNew => "generate into a new file",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::ClientHasActiveProjects => "Client has active projects",
            Rule::ClientHasProjectsOrInvoices => "Client has projects or invoices",
            Rule::ClientIsInactive => "Client is inactive",
            Rule::InvoiceIsClosed => "Invoice is closed",
            Rule::InvoiceIsNotDraft => "Invoice is not a draft",
            Rule::InvoiceIsNotOpen => "Invoice is not open",
            Rule::InvoiceIsNotOpenOrPartial => "Invoice is neither open nor partially paid",
            Rule::InvoiceIsNotClosed => "Invoice is not closed",
            Rule::CategoryIsDefault => "Category is a default one",
            Rule::PersonActs => "Person is acting",
            Rule::PersonIsLastAdministrator => "Person is the last active administrator",
            Rule::ProjectNeedsTask => "Project needs at least one task",
            Rule::ProjectHasTimeOrExpenses => "Project has time or expenses",
            Rule::PersonHasTimeOrExpenses => "Person has time or expenses",
            Rule::EntryIsLocked => "Time entry is locked",
            Rule::CategoryHasExpenses => "Category has expenses",
            Rule::ExpenseIsLocked => "Expense is closed or on an invoice",
            Rule::IdIsTaken => "The id is taken",
            Rule::StoreIsNotNew => "The store is not new",
        })
    }
}

/// One kind of thing that stands in the way of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// What it is, in the singular: `active project`, `invoice`.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
}

fn in_words(obstacles: &[Obstacle]) -> String {
    let words: Vec<String> = obstacles
        .iter()
        .filter(|obstacle| obstacle.count > 0)
        .map(|Obstacle { what, count }| match what.strip_suffix('y') {
            _ if *count == 1 => format!("{count} {what}"),
            Some(stem) => format!("{count} {stem}ies"),
            None => format!("{count} {what}s"),
        })
        .collect();
    words.join(" and ")
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

fn at(line: &Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

impl Error {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Error::Invalid { field, reason: reason.into(), line: None }
    }

    /// The message as an answer in JSON has it: names of fields with underscores.
    pub(crate) fn in_json(&self) -> String {
        match self {
            Error::Invalid { field, reason, line } => format!("{}{} {reason}", at(line), field.replace('-', "_")),
            other => other.to_string(),
        }
    }

    pub(crate) fn refused(rule: Rule, in_the_way: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        let in_the_way = in_the_way.into_iter().map(|(what, count)| Obstacle { what, count }).collect();
        Error::Refused { rule, in_the_way }
    }

    pub(crate) fn storage(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Storage { doing, source: Arc::from(source.into()) }
    }
}

/// What cannot fail, such as taking a name that is one already.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// SQLite's own failures; what callers should tell apart is told apart where it happens.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Error::storage("SQLite", error)
    }
}
