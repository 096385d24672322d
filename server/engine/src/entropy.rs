//! Randomness as a value: one seedable stream for ids, keys, nonces and jitter.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// A source of random bytes. Clones share one stream.
#[derive(Clone)]
pub struct Entropy {
    stream: Arc<Mutex<ChaCha20Rng>>,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    /// Seeded by the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self { stream: Arc::new(Mutex::new(ChaCha20Rng::from_os_rng())) }
    }

    /// The same bytes for the same seed. For tests and simulation only.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self { stream: Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))) }
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random number, for jitter.
    #[must_use]
    pub fn next(&self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A random (version 4) id.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}
