//! A question before something happens. It is a page of its own with an address, so it needs no script and no
//! dialog; going back is a link.

use leptos::prelude::*;

use super::{Actions, Words};

/// The question as a page: `question` is its `h1`, `effect` says in numbers what will happen and what stays. The
/// form and the way back stand in `Actions`; the safe one comes last and takes `autofocus`. Children are more to
/// read or fields to fill in.
#[component]
pub fn Confirm(
    #[prop(into)] question: Words,
    #[prop(into)] effect: Words,
    #[prop(optional)] children: Option<Children>,
    actions: Actions,
) -> impl IntoView {
    view! {
        <div class="ask-page">
            <section class="confirm">
                <h1>{question.get()}</h1>
                <p>{effect.get()}</p>
                {children.map(|children| children())}
                {super::slots::actions(Some(actions))}
            </section>
        </div>
    }
}

/// Something that opens in place: the details a person may want but does not need.
#[component]
pub fn More(#[prop(into)] summary: Words, #[prop(optional)] open: bool, children: Children) -> impl IntoView {
    view! {
        <details open=open>
            <summary>
                <super::Icon glyph=super::Glyph::Next />
                {summary.get()}
            </summary>
            <div>{children()}</div>
        </details>
    }
}
