//! Tabs and segments: links that choose what a page shows, so that every view has an address.

use leptos::prelude::*;

use super::{Words, figure};

/// One view of the page.
#[derive(Clone, Debug)]
pub struct Tab {
    pub label: String,
    pub href: String,
    pub count: Option<u64>,
    pub current: bool,
}

impl Tab {
    /// A view with its address.
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), count: None, current }
    }

    /// Adds how many rows it has.
    pub fn count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }
}

fn links(tabs: Vec<Tab>) -> Vec<impl IntoView> {
    tabs.into_iter()
        .map(|Tab { label, href, count, current }| {
            let count = count.map(|count| view! { <span class="n">{figure(count)}</span> });
            view! {
                <a href=href aria-current=current.then_some("page")>
                    {label}
                    {count}
                </a>
            }
        })
        .collect()
}

/// A row of tabs; `label` says what they choose. Scrolls sideways in itself when there is no room.
#[component]
pub fn Tabs(#[prop(into)] label: Words, tabs: Vec<Tab>) -> impl IntoView {
    let links = links(tabs).into_iter().map(|link| view! { <li>{link}</li> }).collect_view();
    view! {
        <nav class="tabs" aria-label=label.get()>
            <ul>{links}</ul>
        </nav>
    }
}

/// Two or three views of one card.
#[component]
pub fn Segments(#[prop(into)] label: Words, tabs: Vec<Tab>) -> impl IntoView {
    view! {
        <nav class="segments" aria-label=label.get()>
            {links(tabs)}
        </nav>
    }
}
