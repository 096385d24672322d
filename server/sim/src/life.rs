//! A node's life. It ends at an input or output, as a process's does: whatever the node was waiting for then never comes,
//! and nothing it does afterwards reaches anybody.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Inputs and outputs of one node beyond which it cannot be at anything sensible: it goes in circles without time passing.
const STEPS_MAX: u64 = 400_000;

/// One node's life.
pub struct Life {
    dead: CancellationToken,
    steps: AtomicU64,
    /// Steps until it dies; the maximum: it does not.
    left: AtomicU64,
    /// It was stopped because it never rested.
    restless: AtomicBool,
    /// The step it took last: where it died.
    last: Mutex<&'static str>,
    /// What ends with it.
    heirs: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl Life {
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            dead: CancellationToken::new(),
            steps: AtomicU64::new(0),
            left: AtomicU64::new(u64::MAX),
            restless: AtomicBool::new(false),
            last: Mutex::new(""),
            heirs: Mutex::default(),
        })
    }

    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    /// Resolves when the node dies.
    #[must_use]
    pub fn death(&self) -> CancellationToken {
        self.dead.clone()
    }

    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn was_restless(&self) -> bool {
        self.restless.load(Ordering::Relaxed)
    }

    /// The step it took last.
    #[must_use]
    pub fn last_step(&self) -> &'static str {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dies at once.
    pub fn end(&self) {
        self.dead.cancel();
        let heirs = std::mem::take(&mut *self.heirs.lock().unwrap_or_else(PoisonError::into_inner));
        for heir in heirs {
            heir();
        }
    }

    /// Is told when it dies.
    pub fn tell_at_death(&self, heir: impl FnOnce() + Send + 'static) {
        self.heirs.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(heir));
    }

    /// Dies after so many further steps.
    pub fn end_after(&self, steps: u64) {
        self.left.store(steps, Ordering::Relaxed);
    }

    /// One input or output. Never returns to the dead.
    pub async fn step(&self, what: &'static str) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = what;
        let taken = self.steps.fetch_add(1, Ordering::Relaxed);
        if taken == STEPS_MAX {
            self.restless.store(true, Ordering::Relaxed);
            self.end();
        }
        let left = self.left.load(Ordering::Relaxed);
        if left != u64::MAX {
            match left.checked_sub(1) {
                Some(rest) => self.left.store(rest, Ordering::Relaxed),
                None => self.end(),
            }
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// What `work` comes to; never, if the node is dead by then.
    pub async fn unless_dead<T>(&self, work: impl Future<Output = T>) -> T {
        let done = work.await;
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        done
    }
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").field("is_dead", &self.is_dead()).field("steps", &self.steps()).finish_non_exhaustive()
    }
}
