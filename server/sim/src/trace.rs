//! What happened, line by line, as a digest: two runs of one seed are equal when their digests are.

use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

/// The lines of one history.
#[derive(Debug)]
pub struct Trace {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    digest: Sha256,
    kept: Option<Vec<String>>,
    count: u64,
}

impl Trace {
    /// `keep`: whether the lines are wanted, or only their digest.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self { state: Mutex::new(State { digest: Sha256::new(), kept: keep.then(Vec::new), count: 0 }) }
    }

    /// Adds a line.
    pub fn note(&self, at_ms: u64, line: std::fmt::Arguments<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(96);
        // Writing to a string does not fail.
        let _written = write!(text, "{:>9}.{:03} {line}", at_ms / 1_000, at_ms % 1_000);
        state.digest.update(text.as_bytes());
        state.digest.update(b"\n");
        state.count += 1;
        if let Some(kept) = &mut state.kept {
            kept.push(text);
        }
    }

    /// The digest so far, short enough to read aloud.
    #[must_use]
    pub fn hash(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = state.digest.clone().finalize();
        digest.iter().take(8).fold(String::new(), |mut text, byte| {
            let _written = write!(text, "{byte:02x}");
            text
        })
    }

    /// The lines, if they were kept.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).kept.clone().unwrap_or_default()
    }
}
