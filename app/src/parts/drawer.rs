//! The drawer: details of one line, beside its list where there is room and after it where there is none. It is a
//! place with an address, so closing it is a link.

use leptos::prelude::*;

use super::{Foot, Glyph, LinkButton, Press, Words};

/// A list (first child) with a drawer (second child).
#[component]
pub fn WithDrawer(children: Children) -> impl IntoView {
    view! { <div class="with-drawer">{children()}</div> }
}

/// The drawer, with the anchor `opened`. Children are `DrawerPart`s: the sentence first, then what changed, what it led to, and the ids last.
#[component]
pub fn Drawer(
    #[prop(into)] title: Words,
    #[prop(optional, into)] note: Words,
    #[prop(into)] close: Words,
    #[prop(optional)] foot: Option<Foot>,
    children: Children,
) -> impl IntoView {
    let title = title.text();
    let label = title.clone();
    view! {
        <aside class="drawer" id="opened" aria-label=label>
            <header>
                <div>
                    <h2>{title}</h2>
                    {note.get().map(|note| view! { <p>{note}</p> })}
                </div>
                <LinkButton text="Close" href=close press=Press::Bare small=true glyph=Glyph::Close icon_only=true />
            </header>
            {children()}
            {foot.map(|foot| view! { <footer>{(foot.children)()}</footer> })}
        </aside>
    }
}

/// One part of a drawer, divided from the next by a line; `title` is its `h3`.
#[component]
pub fn DrawerPart(#[prop(optional, into)] title: Words, children: Children) -> impl IntoView {
    view! {
        <section>
            {title.get().map(|title| view! { <h3>{title}</h3> })}
            {children()}
        </section>
    }
}
