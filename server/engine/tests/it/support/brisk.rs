//! The tests' clock: real time, and short waits.

use engine::Clock;
use std::{
    pin::Pin,
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// Waits of the engine are shortened by this, so that backing off does not make tests slow.
pub(crate) const HURRY: u32 = 50;

/// Real time, in which sleeping is short.
#[derive(Debug)]
pub(crate) struct BriskClock {
    started: Instant,
}

impl Default for BriskClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for BriskClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration / HURRY))
    }
}
