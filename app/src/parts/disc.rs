//! The disc: GoHighLevel is its left half, Chargify its right half. Level halves are a pair in step, shifted halves
//! have drifted apart. Sides are told apart by shape and place, never by colour.

use leptos::prelude::*;

use super::Words;

/// What the disc shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The left half filled: GoHighLevel.
    HighLevel,
    /// The right half filled: Chargify.
    Chargify,
    /// Both halves level: in step, and our mark.
    Both,
    /// Both halves, shifted: drifted.
    Drifted,
}

impl Half {
    fn path(self) -> &'static str {
        match self {
            Self::HighLevel => "M8 2.5a5.5 5.5 0 0 0 0 11Z",
            Self::Chargify => "M8 2.5a5.5 5.5 0 0 1 0 11Z",
            Self::Both => "M7.25 2a6.1 6.1 0 0 0 0 12ZM8.75 2a6.1 6.1 0 0 1 0 12Z",
            Self::Drifted => "M7.25 .75a6.1 6.1 0 0 0 0 11.5ZM8.75 3.75a6.1 6.1 0 0 1 0 11.5Z",
        }
    }

    /// A single side keeps the outline of the other half.
    fn is_side(self) -> bool {
        matches!(self, Self::HighLevel | Self::Chargify)
    }
}

/// The disc alone. Decoration by default; with `label` it speaks for itself.
#[component]
pub fn Disc(half: Half, #[prop(optional, into)] label: Words) -> impl IntoView {
    let label = label.get();
    let decoration = label.is_none().then_some("true");
    let role = label.is_some().then_some("img");
    let ring = half.is_side().then(|| view! { <circle class="ring" cx="8" cy="8" r="5.5" /> });
    view! {
        <svg class="disc" width="16" height="16" viewBox="0 0 16 16" aria-hidden=decoration role=role aria-label=label>
            {ring}
            <path d=half.path() />
        </svg>
    }
}

/// The disc with the name of its side, or with `text` such as a connection's name.
#[component]
pub fn SideName(half: Half, #[prop(optional, into)] text: Words) -> impl IntoView {
    let name = text.get().unwrap_or_else(|| {
        let name = match half {
            Half::HighLevel => "GoHighLevel",
            Half::Chargify => "Chargify",
            Half::Both => "in step",
            Half::Drifted => "drifted",
        };
        name.to_owned()
    });
    view! {
        <span class="side-name">
            <Disc half=half />
            {name}
        </span>
    }
}
