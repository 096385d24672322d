//! How many calls a location still has, from the headers of every answer (HighLevel docs, Rate Limits, seen 2026-08).
//!
//! The count is the service's, over everyone who uses the location; what is kept here is only the last word of it.

use crate::{
    Clock, Incoming, UpstreamClass,
    clients::{CallError, Priority, Refusal},
};
use domain::{Side, limits, retry};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How long a word about the day's calls is believed when the service does not say when the day ends.
const DAY_BELIEVED: Duration = Duration::from_secs(15 * 60);

/// The states of all locations this process talks to.
#[derive(Debug, Default)]
pub struct Locations {
    known: Mutex<BTreeMap<(String, String), Arc<LocationState>>>,
}

impl Locations {
    /// The one state of that location.
    #[must_use]
    pub fn of(&self, base_url: &str, location_id: &str) -> Arc<LocationState> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((base_url.to_owned(), location_id.to_owned())).or_default())
    }
}

/// What all clients of one location must know together.
#[derive(Debug)]
pub struct LocationState {
    pace: Mutex<Pace>,
    page_limit: AtomicU32,
}

impl Default for LocationState {
    fn default() -> Self {
        Self { pace: Mutex::new(Pace::default()), page_limit: AtomicU32::new(limits::HIGHLEVEL_PAGE) }
    }
}

/// The location's budget as last told, for a gauge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Calls left in the running window.
    pub left: u32,
    /// Calls a window has.
    pub max: u32,
    pub window_ms: u64,
    /// Calls left today; `None` until the service said so.
    pub day_left: Option<u32>,
    pub day_max: Option<u32>,
}

#[derive(Debug)]
struct Pace {
    max: u32,
    /// Calls left in the window by the service's last word; those in flight may or may not be counted in it.
    left: u32,
    window_ms: u64,
    window_ends_ms: Option<u64>,
    /// Whether the window's end was counted from an answer, which is never too early.
    window_seen: bool,
    in_flight: u32,
    day_max: Option<u32>,
    day_left: Option<u32>,
    /// When the word about the day is no longer believed.
    day_ends_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            max: limits::HIGHLEVEL_BURST,
            left: limits::HIGHLEVEL_BURST,
            window_ms: limits::HIGHLEVEL_BURST_WINDOW_S * 1_000,
            window_ends_ms: None,
            window_seen: false,
            in_flight: 0,
            day_max: None,
            day_left: None,
            day_ends_ms: 0,
        }
    }
}

/// One call of the budget, while it is in flight.
#[derive(Debug)]
pub(super) struct Token<'a> {
    state: &'a LocationState,
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        let mut pace = self.state.pace();
        pace.in_flight = pace.in_flight.saturating_sub(1);
    }
}

impl LocationState {
    /// What is left, as last told.
    #[must_use]
    pub fn tokens(&self, clock: &dyn Clock) -> Tokens {
        let mut pace = self.pace();
        pace.roll(clock.monotonic_ms());
        Tokens {
            left: pace.left.saturating_sub(pace.in_flight),
            max: pace.max,
            window_ms: pace.window_ms,
            day_left: pace.day_left,
            day_max: pace.day_max,
        }
    }

    /// The largest page the location is known to give.
    pub(super) fn page_limit(&self) -> u32 {
        self.page_limit.load(Ordering::Relaxed)
    }

    /// Remembers that the location refused a larger page.
    pub(super) fn lower_page_limit(&self) {
        self.page_limit.store(limits::HIGHLEVEL_PAGE_FALLBACK, Ordering::Relaxed);
    }

    /// Waits until the window has a call left for this priority.
    pub(super) async fn take(&self, priority: Priority, clock: &dyn Clock) -> Result<Token<'_>, CallError> {
        loop {
            let wait = match self.pace().take(priority, clock.monotonic_ms())? {
                None => return Ok(Token { state: self }),
                Some(wait) => wait,
            };
            tracing::debug!(wait_ms = wait.as_millis(), "the location's calls of this window are used up");
            clock.sleep(wait).await;
        }
    }

    /// Takes over what an answer says about the budget.
    pub(super) fn observe(&self, incoming: &Incoming, clock: &dyn Clock) {
        let now_ms = clock.monotonic_ms();
        let mut pace = self.pace();
        pace.roll(now_ms);
        pace.window_ms =
            number(incoming, "x-ratelimit-interval-milliseconds").filter(|ms| *ms > 0).unwrap_or(pace.window_ms);
        if let Some(max) = count(incoming, "x-ratelimit-max").filter(|max| *max > 0) {
            pace.max = max;
            pace.left = pace.left.min(max);
        }
        if !pace.window_seen {
            pace.window_seen = true;
            pace.window_ends_ms = Some(now_ms + pace.window_ms);
        }
        match count(incoming, "x-ratelimit-remaining") {
            // Answers overtake each other: within a window the smallest word is the latest.
            Some(left) => pace.left = pace.left.min(left),
            None => pace.left = pace.left.saturating_sub(1),
        }
        if let Some(left) = count(incoming, "x-ratelimit-daily-remaining") {
            let resets = number(incoming, "x-ratelimit-daily-reset").map_or(DAY_BELIEVED, Duration::from_millis);
            pace.day_left = Some(left);
            pace.day_max = count(incoming, "x-ratelimit-limit-daily").or(pace.day_max);
            pace.day_ends_ms = now_ms + ms(resets);
        }
        if incoming.status == 429 {
            let asked = incoming.header("retry-after").and_then(|text| retry::parse_retry_after(text, clock.now()));
            pace.left = 0;
            pace.window_ends_ms = Some(now_ms + asked.map_or(pace.window_ms, ms).max(1));
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    /// Begins a new window, and a new day, when the old one is over.
    fn roll(&mut self, now_ms: u64) {
        if self.window_ends_ms.is_some_and(|end| end <= now_ms) {
            self.window_ends_ms = None;
            self.window_seen = false;
            self.left = self.max;
        }
        if self.day_left.is_some() && self.day_ends_ms <= now_ms {
            self.day_left = None;
        }
    }

    /// Takes one call, or says how long to wait for one.
    fn take(&mut self, priority: Priority, now_ms: u64) -> Result<Option<Duration>, CallError> {
        self.roll(now_ms);
        self.check_day(priority, now_ms)?;
        if self.left.saturating_sub(self.in_flight) > self.reserve(priority) {
            self.in_flight += 1;
            if self.window_ends_ms.is_none() {
                self.window_ends_ms = Some(now_ms + self.window_ms);
            }
            return Ok(None);
        }
        // Without a running window all calls are in flight: a hundredth of a window is how far apart they are.
        let wait_ms = self.window_ends_ms.map_or(self.window_ms / 100, |end| end.saturating_sub(now_ms));
        Ok(Some(Duration::from_millis(wait_ms.max(1))))
    }

    /// Calls of each window that are kept for live work.
    fn reserve(&self, priority: Priority) -> u32 {
        if priority == Priority::Live {
            return 0;
        }
        (self.max * limits::HIGHLEVEL_BURST_RESERVE).div_ceil(limits::HIGHLEVEL_BURST).min(self.max.saturating_sub(1))
    }

    fn check_day(&self, priority: Priority, now_ms: u64) -> Result<(), CallError> {
        let (Some(left), Some(max)) = (self.day_left, self.day_max.or(Some(limits::HIGHLEVEL_DAILY))) else {
            return Ok(());
        };
        let kept = match priority {
            Priority::Live | Priority::Provisioning => 0,
            Priority::Bulk | Priority::Background => max / 100 * (100 - limits::HIGHLEVEL_DAILY_BULK_PERCENT),
        };
        if left > kept {
            return Ok(());
        }
        let wait = Duration::from_millis(self.day_ends_ms.saturating_sub(now_ms));
        let words = if kept == 0 {
            "the day's calls of this location are used up".to_owned()
        } else {
            format!("{left} of the day's {max} calls are left, and those are kept for live changes")
        };
        Err(CallError::new(Side::Highlevel, UpstreamClass::Rate { retry_after: Some(wait) }, words)
            .with_refusal(Refusal::DayUsedUp)
            .with_retry_after(Some(wait)))
    }
}

fn number(incoming: &Incoming, name: &str) -> Option<u64> {
    incoming.header(name)?.trim().parse().ok()
}

fn count(incoming: &Incoming, name: &str) -> Option<u32> {
    // The service may say -1 when more was used than there is.
    let count: i64 = incoming.header(name)?.trim().parse().ok()?;
    u32::try_from(count.max(0)).ok()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
