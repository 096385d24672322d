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
                <Route path=path!("/") view=pages::overview::Overview ssr=SsrMode::Async />
                <Route path=path!("/connections") view=pages::connections::ConnectionsPage ssr=SsrMode::Async />
                <Route path=path!("/connections/new") view=pages::connections::add::AddConnectionPage ssr=SsrMode::Async />
                <Route path=path!("/connections/:id") view=pages::connections::one::ConnectionPage ssr=SsrMode::Async />
                <Route path=path!("/syncs") view=pages::syncs::SyncsPage ssr=SsrMode::Async />
                <Route path=path!("/syncs/new") view=pages::syncs::add::AddSyncPage ssr=SsrMode::Async />
                <Route path=path!("/syncs/:name") view=pages::syncs::one::SyncPage ssr=SsrMode::Async />
                <Route path=path!("/syncs/:name/mapping") view=pages::syncs::mapping::MappingPage ssr=SsrMode::Async />
                <Route path=path!("/syncs/:name/settings") view=pages::syncs::settings::SettingsPage ssr=SsrMode::Async />
                <Route path=path!("/syncs/:name/schedule") view=pages::syncs::schedule::SchedulePage ssr=SsrMode::Async />
                <Route path=path!("/runs") view=pages::runs::RunsPage ssr=SsrMode::Async />
                <Route path=path!("/runs/:number") view=pages::runs::one::RunPage ssr=SsrMode::Async />
                <Route path=path!("/records") view=pages::records::RecordsPage ssr=SsrMode::Async />
                <Route path=path!("/records/:sync/:side/:id") view=pages::records::one::RecordPage ssr=SsrMode::Async />
                <Route path=path!("/records/:sync/:side/:id/resync") view=pages::records::resync::ResyncPage ssr=SsrMode::Async />
                <Route path=path!("/deletions") view=pages::removals::RemovalsPage ssr=SsrMode::Async />
                <Route path=path!("/audit") view=pages::audit::AuditPage ssr=SsrMode::Async />
                <Route path=path!("/team") view=pages::team::TeamPage ssr=SsrMode::Async />
                <Route path=path!("/workspaces") view=pages::workspaces::WorkspacesPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
