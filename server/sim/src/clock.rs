//! The clocks of a world: the true one, and each node's own.

use crate::{life::Life, wheel::Wheel};
use engine::Clock;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;

/// The true time of a world. Everything in it shares one.
#[derive(Debug)]
pub struct Timeline {
    start: OffsetDateTime,
    wheel: Arc<Wheel>,
}

impl Timeline {
    /// Begins at `start`.
    #[must_use]
    pub fn beginning(start: OffsetDateTime, wheel: Arc<Wheel>) -> Arc<Self> {
        Arc::new(Self { start, wheel })
    }

    #[must_use]
    pub fn start(&self) -> OffsetDateTime {
        self.start
    }

    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.start + self.elapsed()
    }

    /// Since the world began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.wheel.elapsed()
    }

    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub async fn sleep(&self, duration: Duration) {
        self.wheel.sleep(duration).await;
    }
}

/// What the store keeps time by: the database's clock never jumps.
impl Clock for Timeline {
    fn now(&self) -> OffsetDateTime {
        Self::now(self)
    }

    fn monotonic_ms(&self) -> u64 {
        self.elapsed_ms()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Self::sleep(self, duration))
    }
}

/// A node's own clock: it may be wrong, and it stops with its node.
#[derive(Debug)]
pub struct NodeClock {
    timeline: Arc<Timeline>,
    wrong_by_ms: AtomicI64,
    life: Arc<Life>,
}

impl NodeClock {
    #[must_use]
    pub fn new(timeline: Arc<Timeline>, life: Arc<Life>) -> Arc<Self> {
        Arc::new(Self { timeline, wrong_by_ms: AtomicI64::new(0), life })
    }

    /// Puts the clock forward, or back.
    pub fn jump(&self, by_ms: i64) {
        self.wrong_by_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> OffsetDateTime {
        self.timeline.now() + time::Duration::milliseconds(self.wrong_by_ms.load(Ordering::Relaxed))
    }

    fn monotonic_ms(&self) -> u64 {
        self.timeline.elapsed_ms()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.life.unless_dead(self.timeline.sleep(duration)))
    }
}
