//! Every part in every state, on one page: to look at the design system, and for the accessibility scan.

pub mod controls;
pub mod lists;
pub mod runs;
pub mod screens;

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Crumb, Frame, Head, Place, Viewer};

/// The gallery. It shows sample data only and is served in demo mode.
#[component]
pub fn Gallery(now: OffsetDateTime) -> impl IntoView {
    let viewer = Viewer {
        workspace: "Meridian Cycles".to_owned(),
        many_workspaces: true,
        person: "Amara Nwosu".to_owned(),
        role: "Owner".to_owned(),
        sign_out: "/sign-out".to_owned(),
        counts: vec![(Place::Syncs, 3)],
    };
    let crumbs = vec![Crumb::place(Place::Overview), Crumb::here("Parts and states")];
    view! {
        <Frame here=Place::Elsewhere viewer=viewer crumbs=crumbs>
            <Head
                title="Parts and states"
                lead_text="Every part in every state it can be in. The screens are made of nothing else."
            />
            <controls::Controls />
            <lists::Lists now=now />
            <runs::Runs />
            <screens::Screens now=now />
        </Frame>
    }
}
