//! What is kept open for accounts, at most a number of it and for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::AccountName;

/// Something open for each of at most a number of accounts, the least recently used first to go.
///
/// What goes is given back, so that it is closed outside the lock, and stays open for as long as somebody else uses it.
pub(crate) struct Kept<T> {
    most: usize,
    entries: Mutex<HashMap<AccountName, (T, Instant)>>,
}

impl<T: Clone> Kept<T> {
    pub(crate) fn at_most(most: usize) -> Self {
        Kept { most: most.max(1), entries: Mutex::default() }
    }

    /// What is kept for the account, which counts as used now.
    pub(crate) fn get(&self, name: &AccountName) -> Option<T> {
        let mut entries = self.entries();
        let (kept, used) = entries.get_mut(name)?;
        *used = Instant::now();
        Some(kept.clone())
    }

    /// Keeps something for the account, and gives what had to go for it.
    #[must_use = "what goes is to be closed outside of any lock"]
    pub(crate) fn put(&self, name: AccountName, value: T) -> Option<T> {
        let mut entries = self.entries();
        let replaced = entries.insert(name, (value, Instant::now())).map(|(replaced, _)| replaced);
        if entries.len() <= self.most {
            return replaced;
        }
        let oldest = entries.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
        oldest.and_then(|oldest| entries.remove(&oldest)).map(|(value, _)| value)
    }

    /// Lets go of what was not used for this long.
    #[must_use = "what goes is to be closed outside of any lock"]
    pub(crate) fn take_idle(&self, idle: Duration) -> Vec<T> {
        let is_idle = |_: &AccountName, (_, used): &mut (T, Instant)| used.elapsed() >= idle;
        self.entries().extract_if(is_idle).map(|(_, (value, _))| value).collect()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<AccountName, (T, Instant)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "server")]
impl<T: Clone> Kept<T> {
    /// All that is kept.
    pub(crate) fn all(&self) -> Vec<T> {
        self.entries().values().map(|(value, _)| value.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32) -> AccountName {
        format!("a{number}").parse().unwrap()
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_goes_first() {
        let kept = Kept::at_most(2);
        assert_eq!(kept.put(name(1), 1), None);
        assert_eq!(kept.put(name(2), 2), None);
        assert_eq!(kept.get(&name(1)), Some(1));
        assert_eq!(kept.put(name(3), 3), Some(2));
        assert_eq!((kept.get(&name(1)), kept.get(&name(2)), kept.get(&name(3))), (Some(1), None, Some(3)));
    }

    #[test]
    fn what_is_not_used_for_a_while_goes() {
        let kept = Kept::at_most(2);
        assert_eq!(kept.put(name(1), 1), None);
        assert!(kept.take_idle(Duration::from_secs(3600)).is_empty());
        assert_eq!(kept.take_idle(Duration::ZERO), [1]);
        assert_eq!(kept.get(&name(1)), None);
    }
}
