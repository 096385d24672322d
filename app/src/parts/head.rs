//! What a page opens with: its title and what to press, or the one sentence that answers the reader's question.

use leptos::prelude::*;

use super::{Actions, Lead, Mark, Words};

/// The page's title (its only `h1`) with a badge (`Mark`), a sentence (`lead`, or `Lead` for markup) and its buttons.
#[component]
pub fn Head(
    #[prop(into)] title: Words,
    #[prop(optional, into)] lead_text: Words,
    #[prop(optional)] mark: Option<Mark>,
    #[prop(optional)] lead: Option<Lead>,
    #[prop(optional)] actions: Option<Actions>,
) -> impl IntoView {
    let text = lead_text.get().map(|text| view! { <p class="lead">{text}</p> });
    let lead = lead.map(|lead| view! { <div class="lead">{(lead.children)()}</div> });
    view! {
        <div class="head">
            <div class="words">
                <div class="title">
                    <h1 dir="auto">{title.get()}</h1>
                    {mark.map(|mark| (mark.children)())}
                </div>
                {text}
                {lead}
            </div>
            {super::slots::actions(actions)}
        </div>
    }
}

/// The answer a page opens with instead of a title: `text` is the `h1`, `meaning` says what it means for the data.
#[component]
pub fn Answer(#[prop(into)] text: Words, #[prop(optional, into)] meaning: Words) -> impl IntoView {
    view! {
        <div>
            <h1 class="answer">{text.get()}</h1>
            {meaning.get().map(|meaning| view! { <p>{meaning}</p> })}
        </div>
    }
}
