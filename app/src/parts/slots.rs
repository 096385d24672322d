//! Named places in parts that take markup: `<Actions slot>…</Actions>` inside a frame, a head, a card or a notice.

use leptos::prelude::*;

/// Buttons of the thing they stand in.
#[slot]
pub struct Actions {
    pub(super) children: Children,
}

/// The small print under a card.
#[slot]
pub struct Foot {
    pub(super) children: Children,
}

/// The badge beside a title.
#[slot]
pub struct Mark {
    pub(super) children: Children,
}

/// The sentence under a page title, where plain text is not enough.
#[slot]
pub struct Lead {
    pub(super) children: Children,
}

/// Renders a slot that may be absent, inside an element with `class`.
pub(super) fn actions(slot: Option<Actions>) -> Option<impl IntoView> {
    slot.map(|slot| view! { <div class="actions">{(slot.children)()}</div> })
}
