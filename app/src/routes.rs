//! The table of addresses. All of them are loaded completely before they are sent.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::pages;

/// The application: one page by its address.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Concord".to_owned() } else { format!("{text} · Concord") } />
        <Router>
            <Routes fallback=pages::missing::Missing>
                <Route path=path!("/setup/:token") view=pages::setup::SetUp ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=pages::sign_in::SignInPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
