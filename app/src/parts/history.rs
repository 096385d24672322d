//! The history of a record: newest first, one mark a line, joined.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Glyph, Icon, Moment, Tone, Words};

/// Holds `Happened` lines.
#[component]
pub fn History(children: Children) -> impl IntoView {
    view! { <ol class="history">{children()}</ol> }
}

/// One thing that happened: in words, by whom, when. Children follow the words, such as an undo link or a diff.
#[component]
pub fn Happened(
    glyph: Glyph,
    #[prop(optional)] tone: Tone,
    #[prop(into)] what: Words,
    #[prop(optional, into)] by: Words,
    at: OffsetDateTime,
    now: OffsetDateTime,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <li class=tone.class()>
            <Icon glyph=glyph />
            <div>
                <div>{what.get()} " " {children.map(|children| children())}</div>
                <div class="when">{by.get().map(|by| format!("{by} · "))} <Moment at=at now=now /></div>
            </div>
        </li>
    }
}
