//! How connections, syncs, runs and pairs stand, in one tone, icon and word each.

use domain::{
    Side,
    view::{ConnectionView, PairState, SyncView},
};

use crate::parts::{Glyph, Half, Tone};

/// How something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub tone: Tone,
    pub glyph: Glyph,
    pub word: &'static str,
}

impl Standing {
    const fn new(tone: Tone, glyph: Glyph, word: &'static str) -> Self {
        Self { tone, glyph, word }
    }
}

/// How a connection stands.
#[must_use]
pub fn of_connection(connection: &ConnectionView) -> Standing {
    if connection.app.as_ref().is_some_and(|app| app.standing == "waiting") {
        return Standing::new(Tone::Idle, Glyph::Unreached, "Not installed");
    }
    match connection.state.as_str() {
        "refused" => Standing::new(Tone::Bad, Glyph::Key, "Refused"),
        "blocked" => Standing::new(Tone::Bad, Glyph::Warning, "Blocked"),
        "healthy" if connection.paused_until.is_some() => Standing::new(Tone::Warn, Glyph::Paused, "Paused"),
        "healthy" => Standing::new(Tone::Ok, Glyph::Done, "Healthy"),
        _ => Standing::new(Tone::Idle, Glyph::Unreached, "Not tested"),
    }
}

/// How a sync stands: what it does now, before whether it may write by itself.
#[must_use]
pub fn of_sync(sync: &SyncView) -> Standing {
    let last = sync.last_run.as_ref().map(|(_, _, status)| status.as_str());
    match (sync.open_run, last) {
        (Some(_), Some(status)) => of_run(status),
        (Some(_), None) => of_run("queued"),
        (None, _) if sync.enabled => Standing::new(Tone::Ok, Glyph::Done, "On"),
        (None, None) => Standing::new(Tone::Idle, Glyph::Unreached, "Not started"),
        (None, Some(_)) => Standing::new(Tone::Idle, Glyph::Paused, "Off"),
    }
}

/// How a run stands, by its status.
#[must_use]
pub fn of_run(status: &str) -> Standing {
    match status {
        "queued" => Standing::new(Tone::Accent, Glyph::Clock, "Queued"),
        "reading" => Standing::new(Tone::Accent, Glyph::Turning, "Reading"),
        "planning" => Standing::new(Tone::Accent, Glyph::Turning, "Planning"),
        "awaiting_approval" => Standing::new(Tone::Warn, Glyph::Decision, "Waits for approval"),
        "writing" => Standing::new(Tone::Accent, Glyph::Turning, "Writing"),
        "complete" => Standing::new(Tone::Ok, Glyph::Done, "Complete"),
        "complete_with_failures" => Standing::new(Tone::Warn, Glyph::Warning, "Complete with failures"),
        "cancelled" => Standing::new(Tone::Idle, Glyph::Stop, "Cancelled"),
        _ => Standing::new(Tone::Bad, Glyph::Failed, "Failed"),
    }
}

/// How a record stands with its partner on the other side.
#[must_use]
pub fn of_pair(state: PairState) -> Standing {
    match state {
        PairState::InStep => Standing::new(Tone::Ok, Glyph::Done, "In step"),
        PairState::Drifted => Standing::new(Tone::Accent, Glyph::Pencil, "Differs"),
        PairState::Waiting => Standing::new(Tone::Warn, Glyph::Ambiguous, "Waits for a decision"),
        PairState::Failed => Standing::new(Tone::Bad, Glyph::Failed, "Failed"),
        PairState::LeftOut => Standing::new(Tone::Idle, Glyph::LeftOut, "Left out"),
        PairState::Gone => Standing::new(Tone::Idle, Glyph::Trash, "Deleted"),
        PairState::Unpaired => Standing::new(Tone::Idle, Glyph::Unreached, "No pair yet"),
    }
}

/// The half of the disc that stands for a side.
#[must_use]
pub const fn half(side: Side) -> Half {
    match side {
        Side::Highlevel => Half::HighLevel,
        Side::Chargify => Half::Chargify,
    }
}
