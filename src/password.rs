//! Passwords, kept as salted hashes.
//!
//! Hashed by Argon2id with the parameters that OWASP names as the least: 19 MiB of memory, two passes, one lane.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Argon2, Params};

use crate::error::{Error, Result};

/// The most memory that a hash may ask for, in KiB, and the most passes and lanes: a loaded document must not make
/// signing in take for ever.
const MAX_COSTS: (u32, u32, u32) = (64 * 1024, 10, 4);

/// A password in clear, until it is hashed. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Password(text.into())
    }

    /// The hash that is kept, with its salt and its parameters. This takes a while.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where there is no memory for it.
    pub(crate) fn hash(&self, salt: &[u8]) -> Result<String> {
        let hash = Argon2::default().hash_password_with_salt(self.0.as_bytes(), salt);
        hash.map(|hash| hash.to_string()).map_err(|error| Error::storage("hashing a password", error.to_string()))
    }
}

/// Whether a password is the one that was hashed. Where there is no hash, or one of another kind, it is not, and takes
/// as long to be told.
pub(crate) fn verify(hash: Option<&str>, password: &[u8]) -> bool {
    match hash.and_then(readable) {
        Some(hash) => Argon2::default().verify_password(password, &hash).is_ok(),
        None => {
            let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
            let hashed = Argon2::default().hash_password_into(password, b"nobody's password", &mut out);
            std::hint::black_box((hashed.is_ok(), out));
            false
        }
    }
}

fn readable(text: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(text).ok().filter(|hash| hash.algorithm == ARGON2ID_IDENT)?;
    let params = Params::try_from(&hash).ok()?;
    let (memory, passes, lanes) = MAX_COSTS;
    (params.m_cost() <= memory && params.t_cost() <= passes && params.p_cost() <= lanes).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &[u8] = b"0123456789abcdef";

    #[test]
    fn a_password_is_known_again_by_its_hash_alone() {
        let hash = Password::new("correct horse").hash(SALT).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify(Some(&hash), b"correct horse"));
        assert!(!verify(Some(&hash), b"correct horsf") && !verify(None, b"correct horse"));
        assert_eq!(hash, Password::new("correct horse").hash(SALT).unwrap());
        assert_ne!(hash, Password::new("correct horse").hash(b"0123456789abcdeg").unwrap());
    }

    #[test]
    fn hashes_of_other_kinds_and_costs_fit_no_password() {
        let hash = Password::new("a").hash(SALT).unwrap();
        for other in ["", "a", &hash.replace("m=19456", "m=4194304"), &hash.replace("argon2id", "argon2i")] {
            assert!(readable(other).is_none() && !verify(Some(other), b"a"), "{other}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Password::new("secret")), "Password");
    }
}
