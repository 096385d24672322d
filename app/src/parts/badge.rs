//! Badge and chip. A badge is a state, one beside a title; a chip is a value or a step, never a state.

use leptos::prelude::*;

use super::{Glyph, Icon, Tone, Words};

/// A filled state for titles.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: Words, #[prop(optional)] glyph: Option<Glyph>) -> impl IntoView {
    view! {
        <span class=format!("badge {}", tone.class())>
            <Icon glyph=glyph.unwrap_or(tone.glyph()) />
            {text.get()}
        </span>
    }
}

/// A value or a step, in a hairline.
#[component]
pub fn Chip(#[prop(into)] text: Words) -> impl IntoView {
    view! { <span class="chip">{text.get()}</span> }
}
