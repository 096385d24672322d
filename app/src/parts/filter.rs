//! The bar above a list that narrows it. A plain form of method get: its answer has an address and works without a
//! script.

use leptos::prelude::*;

use super::{Button, Glyph, Icon, Takes, Words};

/// The form. Children are `Search`, `Pair` and `Select`; `result` says how many rows are left, `clear` leads back
/// to all of them.
#[component]
pub fn Filter(
    #[prop(into)] action: Words,
    #[prop(into)] label: Words,
    #[prop(optional, into)] result: Words,
    #[prop(optional, into)] clear: Words,
    #[prop(default = Words::from("Apply"), into)] button: Words,
    children: Children,
) -> impl IntoView {
    view! {
        <form class="filter" method="get" action=action.get() role="search" aria-label=label.get()>
            {children()}
            <Button text=button />
            {clear.get().map(|href| view! { <a href=href>"Show all"</a> })}
            {result.get().map(|result| view! { <span class="meta result">{result}</span> })}
        </form>
    }
}

/// The search field. `label` is read aloud, `placeholder` says what can be typed.
#[component]
pub fn Search(
    #[prop(into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(into)] label: Words,
    #[prop(optional, into)] placeholder: Words,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! {
        <span class="with-icon search">
            <Icon glyph=Glyph::Search />
            <input
                class="input"
                type="search"
                name=name.get()
                value=value.get()
                placeholder=placeholder.get()
                aria-label=label.get()
                autofocus=autofocus
            />
        </span>
    }
}

/// A word with the control that follows it: `From [date]`. A control inside a label needs no id.
#[component]
pub fn Pair(#[prop(into)] label: Words, children: Children) -> impl IntoView {
    view! { <label class="pair"><span>{label.get()}</span>{children()}</label> }
}

/// A bare input for use inside a `Pair`.
#[component]
pub fn PairInput(
    #[prop(into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(optional)] takes: Takes,
) -> impl IntoView {
    view! { <input class="input" type=takes.kind() name=name.get() value=value.get() /> }
}
