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

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;

    use super::*;

    fn rendered() -> String {
        let owner = Owner::new();
        owner.set();
        view! { <Gallery now=datetime!(2026-11-18 14:06:58 UTC) /> }.to_html()
    }

    /// Every value of `attribute` in the page.
    fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
        let opening = format!(" {attribute}=\"");
        page.split(&opening).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn no_part_carries_a_style_attribute_or_a_script() {
        let page = rendered();
        assert!(values(&page, "style").is_empty());
        assert!(!page.contains("<script") && !page.contains(" onclick="));
    }

    #[test]
    fn every_id_is_given_once_and_every_reference_leads_somewhere() {
        let page = rendered();
        let ids = values(&page, "id");
        let known: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(known.len(), ids.len(), "an id stands twice");
        let icons = values(&page, "href").into_iter().filter_map(|href| href.strip_prefix('#'));
        let icons = icons.filter(|id| id.starts_with("i-"));
        let described = values(&page, "aria-describedby").into_iter().flat_map(str::split_whitespace);
        let labelled = values(&page, "for").into_iter();
        for id in icons.chain(described).chain(labelled) {
            assert!(known.contains(id), "nothing has the id {id}");
        }
    }
}
