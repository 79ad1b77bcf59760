//! Passwords that were right are remembered, so that the next call with one need not wait for its hash.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput, KeyInit, Update};

/// The number of sign-ins that are remembered.
const REMEMBERED: usize = 1024;

/// Sign-ins whose password was right. Each is kept as a keyed hash of the user, the password and the person's stored
/// hash, so no password is kept, and a change of the address or the password makes the entry useless.
#[derive(Default)]
pub(super) struct Known {
    /// Drawn at the first use. `None` if the system has no random numbers; then nothing is remembered.
    key: OnceLock<Option<[u8; 32]>>,
    seen: Mutex<HashSet<[u8; 32]>>,
    /// How many passwords were hashed.
    pub(super) hashed: AtomicU64,
}

impl Known {
    pub(super) fn knows(&self, user: &[u8], password: &[u8], hash: &str) -> bool {
        let seen = |digest| self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest);
        self.digest(user, password, hash).is_some_and(seen)
    }

    pub(super) fn remember(&self, user: &[u8], password: &[u8], hash: &str) {
        let Some(digest) = self.digest(user, password, hash) else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(digest);
    }

    fn digest(&self, user: &[u8], password: &[u8], hash: &str) -> Option<[u8; 32]> {
        let key = *self.key.get_or_init(|| {
            let mut key = [0; 32];
            getrandom::fill(&mut key).ok().map(|()| key)
        });
        let mut mac = Blake2sMac256::new(&key?.into());
        for part in [user, password, hash.as_bytes()] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Some(mac.finalize_fixed().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_is_no_password() {
        let known = Known::default();
        let hash = "hash";
        for number in 0..REMEMBERED + 10 {
            known.remember(b"user", format!("{number}").as_bytes(), hash);
        }
        assert!(known.seen.lock().unwrap().len() <= REMEMBERED);
        assert!(known.knows(b"user", format!("{}", REMEMBERED + 9).as_bytes(), hash));
        assert_ne!(known.digest(b"ab", b"c", hash), known.digest(b"a", b"bc", hash));
        assert_ne!(known.digest(b"a", b"b", hash), Known::default().digest(b"a", b"b", hash), "each has its own key");
    }
}
