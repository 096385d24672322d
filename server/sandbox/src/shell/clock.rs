//! The sandbox's time: the real one, moved forward on demand, so that a token can expire within a test.

use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    pub(super) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::milliseconds(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// A mark to measure waiting from; not moved by [`Self::advance`].
    pub(super) fn mark() -> Instant {
        Instant::now()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(i64::try_from(by.whole_milliseconds()).unwrap_or(0), Ordering::Relaxed);
    }
}
