//! The bare state: icon and word in the colour of its tone. For tables, where thirty filled badges are noise.

use leptos::prelude::*;

use super::{Glyph, Icon, Tone, Words};

/// A state in a table or a list.
#[component]
pub fn State(tone: Tone, #[prop(into)] text: Words, #[prop(optional)] glyph: Option<Glyph>) -> impl IntoView {
    view! {
        <span class=format!("state {}", tone.class())>
            <Icon glyph=glyph.unwrap_or(tone.glyph()) />
            {text.get()}
        </span>
    }
}

/// How a record ended, or will end: the tone, icon and word of each outcome in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    ToCreate,
    ToUpdate,
    ToGo,
    Created,
    Updated,
    Unchanged,
    Echo,
    LeftOut,
    Ambiguous,
    Conflict,
    Parked,
    WouldFail,
    Failed,
}

impl Ending {
    /// The word for it, in the tense of the card it stands on.
    pub fn word(self) -> &'static str {
        match self {
            Self::ToCreate => "to create",
            Self::ToUpdate => "to update",
            Self::ToGo => "to go",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Echo => "echo",
            Self::LeftOut => "left out",
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
            Self::Parked => "parked",
            Self::WouldFail => "would fail",
            Self::Failed => "failed",
        }
    }

    /// What it asks of the reader.
    pub fn tone(self) -> Tone {
        match self {
            Self::ToCreate | Self::ToUpdate | Self::ToGo => Tone::Accent,
            Self::Created | Self::Updated => Tone::Ok,
            Self::Unchanged | Self::Echo | Self::LeftOut => Tone::Idle,
            Self::Ambiguous | Self::Conflict | Self::Parked => Tone::Warn,
            Self::WouldFail | Self::Failed => Tone::Bad,
        }
    }

    /// Its icon.
    pub fn glyph(self) -> Glyph {
        match self {
            Self::ToCreate | Self::Created => Glyph::Created,
            Self::ToUpdate | Self::Updated => Glyph::Pencil,
            Self::ToGo => Glyph::Clock,
            Self::Unchanged => Glyph::Unchanged,
            Self::Echo => Glyph::Echo,
            Self::LeftOut => Glyph::LeftOut,
            Self::Ambiguous => Glyph::Ambiguous,
            Self::Conflict => Glyph::Decision,
            Self::Parked => Glyph::Parked,
            Self::WouldFail | Self::Failed => Glyph::Failed,
        }
    }
}

/// An outcome as a bare state.
#[component]
pub fn EndingState(ending: Ending) -> impl IntoView {
    view! { <State tone=ending.tone() text=ending.word() glyph=ending.glyph() /> }
}
