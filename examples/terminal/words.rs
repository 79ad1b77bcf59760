//! What the app says of errors. The library tells them by kind, so an app can say more than their text.

use clientstore::{Error, Obstacle, Rule};

/// An error as the user of this app may want to hear it.
pub fn in_words(error: &Error) -> String {
    match error {
        Error::Refused { rule: Rule::ClientHasActiveProjects, in_the_way } => {
            format!("The client stays active: it has {}.", all(in_the_way))
        }
        Error::Refused { rule: Rule::ClientHasProjectsOrInvoices, in_the_way } => {
            format!("The client cannot be deleted: it has {}. Press t to make it inactive instead.", all(in_the_way))
        }
        Error::ChangedSince { record, id } => {
            format!("Somebody else has changed {record} {id} since, so nothing was undone or done again.")
        }
        Error::NotFound { record, id } => format!("Somebody else has deleted {record} {id}."),
        Error::Invalid { field, reason, line: None } => format!("The {} {reason}.", field.replace('-', " ")),
        Error::Busy { .. } => "Another program is writing to the file. Try again.".to_owned(),
        other => other.to_string(),
    }
}

/// A number of things, such as "2 projects".
pub fn counted(count: u64, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if count == 1 => format!("1 {what}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {what}s"),
    }
}

fn all(in_the_way: &[Obstacle]) -> String {
    let there = in_the_way.iter().filter(|obstacle| obstacle.count > 0);
    there.map(|obstacle| counted(obstacle.count, obstacle.what)).collect::<Vec<_>>().join(" and ")
}
