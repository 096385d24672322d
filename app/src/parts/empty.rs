//! Nothing here yet, and could not load. Both are left-aligned sentences with the next step, without a picture.

use leptos::prelude::*;

use super::{Actions, Words, shortened};

/// What would stand here, and the next step (`Actions`).
#[component]
pub fn Empty(
    #[prop(into)] what: Words,
    #[prop(into)] meaning: Words,
    #[prop(optional)] actions: Option<Actions>,
) -> impl IntoView {
    view! {
        <div class="bare-state">
            <h3>{what.get()}</h3>
            <p>{meaning.get()}</p>
            {super::slots::actions(actions)}
        </div>
    }
}

/// What failed, what goes on regardless, one button (`Actions`), and the request number for whoever is asked for
/// help.
#[component]
pub fn Failure(
    #[prop(into)] what: Words,
    #[prop(into)] goes_on: Words,
    #[prop(optional, into)] request: Words,
    #[prop(optional)] actions: Option<Actions>,
) -> impl IntoView {
    let request = request.get().map(|request| {
        view! {
            <p class="meta">
                "Request " <code title=request.clone()>{shortened(&request, 6)}</code>
            </p>
        }
    });
    view! {
        <div class="bare-state" role="alert">
            <h3>{what.get()}</h3>
            <p>{goes_on.get()}</p>
            {super::slots::actions(actions)}
            {request}
        </div>
    }
}
