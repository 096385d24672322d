//! The burst and the daily limit of one location, shared by all of its tokens. Source: HighLevel API docs, "Rate
//! Limits", seen 2026-08. The burst is counted over a sliding window, the stricter reading of the documentation.

use std::collections::VecDeque;

use time::{Date, Duration, OffsetDateTime};

use crate::request::Reply;

/// Limits and what was used of them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Calls per window.
    pub max: u32,
    /// The window.
    pub window: Duration,
    /// Calls per day.
    pub daily: u32,
    recent: VecDeque<OffsetDateTime>,
    day: Option<Date>,
    today: u32,
}

impl Limits {
    /// Fresh limits.
    pub fn new(max: u32, window: Duration, daily: u32) -> Self {
        Self { max, window, daily, recent: VecDeque::new(), day: None, today: 0 }
    }

    /// Counts a call; `false` when it is one too many, in which case it is not counted.
    pub(super) fn admit(&mut self, now: OffsetDateTime) -> bool {
        self.forget(now);
        let admitted = self.left() > 0 && self.today < self.daily;
        if admitted {
            self.recent.push_back(now);
            self.today += 1;
        }
        admitted
    }

    fn forget(&mut self, now: OffsetDateTime) {
        while self.recent.front().is_some_and(|first| *first + self.window <= now) {
            self.recent.pop_front();
        }
        if self.day != Some(now.date()) {
            self.day = Some(now.date());
            self.today = 0;
        }
    }

    fn left(&self) -> u32 {
        self.max.saturating_sub(u32::try_from(self.recent.len()).unwrap_or(u32::MAX))
    }

    /// Adds the five headers every answer carries.
    pub(super) fn mark(&self, reply: Reply) -> Reply {
        reply
            .with_header("X-RateLimit-Limit-Daily", self.daily.to_string())
            .with_header("X-RateLimit-Daily-Remaining", self.daily.saturating_sub(self.today).to_string())
            .with_header("X-RateLimit-Interval-Milliseconds", self.window.whole_milliseconds().to_string())
            .with_header("X-RateLimit-Max", self.max.to_string())
            .with_header("X-RateLimit-Remaining", self.left().to_string())
    }
}
