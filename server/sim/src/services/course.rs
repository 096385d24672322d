//! What becomes of one call: when the work is done, if it is, and what the caller hears, and when.

use crate::{dice::Dice, history::Weather};
use domain::Side;

/// Where the services cut a call off (Maxio, API error handling, seen 2026-08).
const CUT_OFF_MS: u64 = 120_000;

/// The course of one call. Times count from its arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Course {
    /// When the work is done. `None`: never.
    pub(super) done_ms: Option<u64>,
    /// When the caller hears something.
    pub(super) heard_ms: u64,
    pub(super) hears: Hears,
    /// For counting.
    pub(super) name: &'static str,
}

/// What the caller hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hears {
    /// The answer.
    Answer,
    /// No connection was made: nothing arrived.
    Refused,
    /// The connection ends without a whole answer.
    Cut,
    /// 200 with something that is no answer.
    Nonsense,
    /// Too many requests; for how long, when the service says so.
    TooMany(Option<u64>),
    Status(u16),
}

#[derive(Clone, Copy)]
enum Fault {
    Refused,
    CutBefore,
    CutAfter,
    HangBefore,
    HangAfter,
    /// Cut off, and carried out a good while later.
    Late,
    Nonsense,
    TooMany,
    StatusBefore,
    StatusAfter,
    Slow,
}

impl Course {
    /// When nothing of the call is left at the service.
    pub(super) fn over_ms(&self) -> u64 {
        self.done_ms.unwrap_or(0).max(self.heard_ms)
    }

    /// Draws the course of a call.
    pub(super) fn draw(dice: &mut Dice, weather: Weather, side: Side, latency_ms: (u64, u64)) -> Self {
        let takes = dice.between(latency_ms.0, latency_ms.1);
        let half = takes / 2;
        let well = Self { done_ms: Some(half), heard_ms: takes, hears: Hears::Answer, name: "answered" };
        let Some(fault) = fault(dice, weather, side) else { return well };
        let course = |done_ms, heard_ms, hears, name| Self { done_ms, heard_ms, hears, name };
        match fault {
            Fault::Refused => course(None, 1, Hears::Refused, "connections refused"),
            Fault::CutBefore => course(None, half, Hears::Cut, "cut before the work"),
            Fault::CutAfter => course(Some(half), takes, Hears::Cut, "cut after the work"),
            Fault::HangBefore => course(None, CUT_OFF_MS, Hears::Cut, "hung, nothing done"),
            Fault::HangAfter => course(Some(half), CUT_OFF_MS, Hears::Cut, "hung after the work"),
            Fault::Late => {
                let later = dice.between(takes, CUT_OFF_MS - 1_000);
                course(Some(later), half, Hears::Cut, "carried out after being cut")
            }
            Fault::Nonsense => course(Some(half), takes, Hears::Nonsense, "answered with nonsense"),
            Fault::TooMany => {
                let says = dice.permille(500).then(|| dice.between(1, 40));
                course(None, half, Hears::TooMany(says), "too many requests")
            }
            Fault::StatusBefore => course(None, half, Hears::Status(status(dice)), "5xx before the work"),
            Fault::StatusAfter => course(Some(half), takes, Hears::Status(status(dice)), "5xx after the work"),
            Fault::Slow => {
                let more = dice.between(1_000, 50_000);
                course(Some(half + more), takes + more, Hears::Answer, "slow")
            }
        }
    }
}

fn status(dice: &mut Dice) -> u16 {
    dice.weighted(&[(3, 500), (1, 502), (3, 503), (1, 504)]).unwrap_or(500)
}

fn fault(dice: &mut Dice, weather: Weather, side: Side) -> Option<Fault> {
    let share = match weather {
        Weather::Fair => 0,
        Weather::Mixed => 120,
        Weather::Throttled => 300,
        Weather::Lossy => 250,
        Weather::Broken => 350,
        Weather::Hanging => 150,
        Weather::Outage(out) if out == side => 1_000,
        Weather::Outage(_) => 0,
    };
    if !dice.permille(share) {
        return None;
    }
    let choices: &[(u64, Fault)] = match weather {
        Weather::Fair | Weather::Mixed => &[
            (1, Fault::Refused),
            (2, Fault::CutBefore),
            (3, Fault::CutAfter),
            (1, Fault::HangBefore),
            (1, Fault::HangAfter),
            (1, Fault::Late),
            (1, Fault::Nonsense),
            (2, Fault::TooMany),
            (2, Fault::StatusBefore),
            (2, Fault::StatusAfter),
            (2, Fault::Slow),
        ],
        Weather::Throttled => &[(1, Fault::TooMany)],
        Weather::Lossy => &[(3, Fault::CutAfter), (1, Fault::Nonsense), (1, Fault::StatusAfter), (1, Fault::HangAfter)],
        Weather::Broken => &[(3, Fault::StatusBefore), (1, Fault::StatusAfter), (1, Fault::Refused)],
        Weather::Hanging => &[(1, Fault::HangBefore), (1, Fault::HangAfter), (1, Fault::Late), (1, Fault::Slow)],
        Weather::Outage(_) => &[(3, Fault::Refused), (1, Fault::StatusBefore)],
    };
    dice.weighted(choices)
}
