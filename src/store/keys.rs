//! Where client keys come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// A client key: 40 hex digits out of these.
pub(crate) type Key = [u8; 20];
/// Draws a client key.
pub(crate) type KeyGenerator = Arc<dyn Fn() -> Result<Key> + Send + Sync>;

/// Random bytes of the system; an error where it gives none.
pub(crate) fn draw<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Error::storage("drawing random numbers", error.to_string()))?;
    Ok(bytes)
}

pub(crate) enum Keys {
    Given(KeyGenerator),
    /// Each key follows from the seed and the number of keys before it.
    Seeded {
        seed: u64,
        count: Arc<AtomicU64>,
    },
}

impl Clone for Keys {
    /// The clone counts on its own.
    fn clone(&self) -> Self {
        match self {
            Keys::Given(generator) => Keys::Given(KeyGenerator::clone(generator)),
            Keys::Seeded { seed, .. } => Keys::Seeded { seed: *seed, count: Arc::new(AtomicU64::new(self.count())) },
        }
    }
}

impl Keys {
    pub(crate) fn seeded(seed: u64) -> Self {
        Keys::Seeded { seed, count: Arc::default() }
    }

    /// The same, counting together.
    pub(crate) fn shared(&self) -> Self {
        match self {
            Keys::Given(generator) => Keys::Given(KeyGenerator::clone(generator)),
            Keys::Seeded { seed, count } => Keys::Seeded { seed: *seed, count: Arc::clone(count) },
        }
    }

    pub(crate) fn next(&self) -> Result<Key> {
        match self {
            Keys::Given(generator) => generator(),
            Keys::Seeded { seed, count } => {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let mut key = Key::default();
                for (part, bytes) in (0..).zip(key.chunks_mut(8)) {
                    let random = random(*seed, number.wrapping_mul(3).wrapping_add(part));
                    bytes.copy_from_slice(&random.to_be_bytes()[..bytes.len()]);
                }
                Ok(key)
            }
        }
    }

    /// How many keys were made from the seed.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Keys::Given(_) => 0,
            Keys::Seeded { count, .. } => count.load(Ordering::Relaxed),
        }
    }

    /// Continues as if this many keys had been made.
    pub(crate) fn rewind(&self, to: u64) {
        if let Keys::Seeded { count, .. } = self {
            count.store(to, Ordering::Relaxed);
        }
    }
}

/// The number at a place of the sequence that follows from a seed (SplitMix64).
pub(crate) fn random(seed: u64, at: u64) -> u64 {
    let mut number = seed.wrapping_add(at.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
