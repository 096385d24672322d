//! Pages of a long list by keyset: newer and older, no page numbers, because rows are added while one reads.

use leptos::prelude::*;

use super::{Glyph, LinkButton, Words};

/// `label` tells two pagers of one page apart. What is shown, and the addresses of the pages before and after,
/// where there are any.
#[component]
pub fn Pager(
    #[prop(into)] shown: Words,
    #[prop(optional, into)] newer: Words,
    #[prop(optional, into)] older: Words,
    #[prop(default = Words::from("Pages"), into)] label: Words,
    #[prop(default = Words::from("Newer"), into)] newer_text: Words,
    #[prop(default = Words::from("Older"), into)] older_text: Words,
) -> impl IntoView {
    let newer = newer
        .get()
        .map(|href| view! { <LinkButton text=newer_text href=href small=true glyph=Glyph::Left rel="prev" /> });
    let older = older.get().map(
        |href| view! { <LinkButton text=older_text href=href small=true glyph=Glyph::Right after=true rel="next" /> },
    );
    view! {
        <nav class="pager" aria-label=label.get()>
            <span class="meta">{shown.get()}</span>
            <div class="actions">{newer} {older}</div>
        </nav>
    }
}
