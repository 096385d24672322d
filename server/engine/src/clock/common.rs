//! One time for all processes on one database. What is earlier and what is later is decided by comparing instants that
//! different processes wrote down, so each corrects its machine's clock by the database's.

use super::Clock;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration as StdDuration,
};
use time::{Duration, OffsetDateTime};

/// Differences below this are not corrected: reading a clock over the wire is no more exact, and time shall not tremble.
const TOLERATED: Duration = Duration::milliseconds(20);
/// The machine's clock was set when it parts from its own steady counter by this much.
const SET: Duration = Duration::milliseconds(500);
/// How often the database's clock is read again, by the steady counter.
const READ_AGAIN_MS: u64 = 60 * 60 * 1_000;

/// A machine's clock, corrected by the database's once that was read. Until then it is the machine's.
pub(crate) struct CommonClock {
    machine: Arc<dyn Clock>,
    learned: Mutex<Option<Learned>>,
}

/// What one reading of the database's clock taught.
#[derive(Clone, Copy)]
struct Learned {
    /// How far the database is ahead of the machine.
    ahead: Duration,
    /// The machine's two clocks at one moment.
    wall: OffsetDateTime,
    steady_ms: u64,
    read_ms: u64,
}

impl CommonClock {
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        Self { machine, learned: Mutex::new(None) }
    }

    fn learned(&self) -> MutexGuard<'_, Option<Learned>> {
        // Only plain values are set while it is held.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the database's clock should be read.
    pub(crate) fn is_due(&self) -> bool {
        let steady_ms = self.machine.monotonic_ms();
        self.learned().is_none_or(|learned| steady_ms.saturating_sub(learned.read_ms) >= READ_AGAIN_MS)
    }

    /// Takes in what the database's clock said to a question asked at `asked_at`, by this clock, and answered just now.
    pub(crate) fn learn(&self, asked_at: OffsetDateTime, told: OffsetDateTime) {
        let now = self.now();
        let journey = now - asked_at;
        let (wall, steady_ms) = (self.machine.now(), self.machine.monotonic_ms());
        let mut learned = self.learned();
        let ahead = learned.map_or(Duration::ZERO, |learned| learned.ahead);
        let off: Duration = told - (asked_at + journey / 2);
        let is_off = off.abs() > TOLERATED + journey.abs() / 2;
        let ahead = if is_off { ahead + off } else { ahead };
        *learned = Some(Learned { ahead, wall, steady_ms, read_ms: steady_ms });
    }
}

impl Clock for CommonClock {
    fn now(&self) -> OffsetDateTime {
        let mut learned = self.learned();
        let (wall, steady_ms) = (self.machine.now(), self.machine.monotonic_ms());
        let Some(learned) = learned.as_mut() else { return wall };
        let passed_ms = i64::try_from(steady_ms.saturating_sub(learned.steady_ms)).unwrap_or(i64::MAX);
        let set_by = (wall - learned.wall) - Duration::milliseconds(passed_ms);
        if set_by.abs() > SET {
            learned.ahead -= set_by;
            (learned.wall, learned.steady_ms) = (wall, steady_ms);
        }
        wall + learned.ahead
    }

    fn monotonic_ms(&self) -> u64 {
        self.machine.monotonic_ms()
    }

    fn sleep(&self, duration: StdDuration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.machine.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-11-22 06:00 UTC);

    /// Two clocks in one machine: one that can be set and one that cannot.
    #[derive(Default)]
    struct Machine {
        steady_ms: AtomicI64,
        set_by_ms: AtomicI64,
    }

    impl Machine {
        fn pass(&self, ms: i64) {
            self.steady_ms.fetch_add(ms, Ordering::Relaxed);
        }

        fn set(&self, by_ms: i64) {
            self.set_by_ms.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    impl Clock for Machine {
        fn now(&self) -> OffsetDateTime {
            let passed = self.steady_ms.load(Ordering::Relaxed) + self.set_by_ms.load(Ordering::Relaxed);
            START + Duration::milliseconds(passed)
        }

        fn monotonic_ms(&self) -> u64 {
            u64::try_from(self.steady_ms.load(Ordering::Relaxed)).unwrap()
        }

        fn sleep(&self, _: StdDuration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::ready(()))
        }
    }

    fn machine() -> (Arc<Machine>, CommonClock) {
        let machine = Arc::new(Machine::default());
        (Arc::clone(&machine), CommonClock::new(machine))
    }

    #[test]
    fn two_machines_agree_once_they_have_read_the_same_database() {
        for wrong_ms in [-90_000, -15, 0, 15, 3_600_000] {
            let (machine, clock) = machine();
            machine.set(wrong_ms);
            assert!(clock.is_due());
            let asked_at = clock.now();
            machine.pass(8);
            clock.learn(asked_at, START + Duration::milliseconds(4));
            let off = clock.now() - (START + Duration::milliseconds(8));
            assert!(off.abs() <= TOLERATED, "{wrong_ms} ms wrong, {off} off");
            assert!(!clock.is_due());
        }
    }

    #[test]
    fn a_clock_that_is_set_meanwhile_changes_nothing() {
        let (machine, clock) = machine();
        machine.set(5_000);
        clock.learn(clock.now(), START);
        for by_ms in [60_000, -3_600_000, 700] {
            let before = clock.now();
            machine.set(by_ms);
            machine.pass(10);
            assert_eq!(clock.now() - before, Duration::milliseconds(10), "set by {by_ms} ms");
        }
    }

    #[test]
    fn before_anything_is_known_it_is_the_machines_own_and_is_read_again_in_an_hour() {
        let (machine, clock) = machine();
        machine.set(5_000);
        assert_eq!(clock.now(), START + Duration::seconds(5));
        clock.learn(clock.now(), START);
        machine.pass(3_600_000);
        assert!(clock.is_due());
    }
}
