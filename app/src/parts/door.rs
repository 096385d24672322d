//! The frame of sign-in and set-up: the form on the left, what Concord promises on the right.

use leptos::prelude::*;

use super::{Brand, Sprite, Words};

/// The frame before anyone is signed in: the form on the left, the five promises on the right. `status` is one line
/// under the promises, such as the server's name and version.
#[component]
pub fn Door(#[prop(into)] title: Words, #[prop(optional, into)] status: Words, children: Children) -> impl IntoView {
    let promises = [
        ("Nothing is written that was not shown.", "A plan comes first."),
        ("Nothing is lost.", "The counters balance."),
        ("Nothing goes in circles.", "Our own writes are recognised by content."),
        ("Nothing is overwritten on a guess.", "A person decides."),
        ("Nothing is hidden.", "What happened, when, by whom, and why."),
    ]
    .map(|(promise, how)| {
        view! {
            <li>
                <b>{promise}</b>
                {how}
            </li>
        }
    })
    .collect_view();
    let status = status.get().map(|status| view! { <p class="meta">{status}</p> });
    view! {
        <Sprite />
        <div class="door">
            <main>
                <div class="inner">
                    <div>
                        <Brand />
                        <h1>{title.get()}</h1>
                    </div>
                    {children()}
                </div>
            </main>
            <aside aria-label="What Concord promises">
                <div class="stack">
                    <ol class="promises">{promises}</ol>
                    {status}
                </div>
            </aside>
        </div>
    }
}
