//! Syncs: the list, the steps to a new one, one sync, and its mapping.

pub mod add;
pub mod draft;
pub mod fields;
pub mod mapping;
pub mod one;
pub mod schedule;
pub mod settings;
pub mod words;

use domain::{Right, limits, view::SyncView};
use leptos::prelude::*;

use super::overview::SyncsCard;
use crate::{
    AppError, page,
    parts::{Actions, Frame, Glyph, Head, LinkButton, Place, Press, figure},
};

/// The workspace's syncs.
#[server(endpoint = "syncs")]
pub async fn syncs() -> Result<Vec<SyncView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.syncs(&viewer).await?)
}

/// One sync by its name.
#[server(endpoint = "sync")]
pub async fn sync(name: String) -> Result<SyncView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.sync(&viewer, &name).await?)
}

/// The list of syncs.
#[component]
pub fn SyncsPage() -> impl IntoView {
    page::loaded("Syncs", syncs(), |seen, syncs| {
        let add = seen
            .may(Right::EditMapping)
            .then(|| view! { <LinkButton text="New sync" href="/syncs/new" press=Press::Primary glyph=Glyph::Plus /> });
        view! {
            <Frame here=Place::Syncs viewer=seen.viewer()>
                <Head
                    title="Syncs"
                    lead_text="Each joins one GoHighLevel location with one Chargify site. Nothing is written that a plan has not shown."
                >
                    <Actions slot>{add}</Actions>
                </Head>
                <SyncsCard seen=seen syncs=syncs alone=true />
            </Frame>
        }
        .into_any()
    })
}

/// The steps to a new sync; `at` is the one being taken, counted from 1.
#[component]
pub fn Steps(at: usize) -> impl IntoView {
    use crate::parts::{Phase, Phases, Progress};
    let steps = [
        ("Connect", "the two sides"),
        ("Scope", "who takes part"),
        ("Map", "which fields travel"),
        ("Plan", "see every change"),
        ("Start", "approve, then write"),
    ];
    let phases = steps
        .into_iter()
        .enumerate()
        .map(|(place, (name, what))| {
            let progress = match (place + 1).cmp(&at) {
                std::cmp::Ordering::Less => Progress::Done,
                std::cmp::Ordering::Equal => Progress::Here,
                std::cmp::Ordering::Greater => Progress::Waiting,
            };
            Phase::new(format!("{}. {name}", place + 1), what, progress)
        })
        .collect();
    view! {
        <nav aria-label="Steps to a new sync">
            <Phases phases=phases />
        </nav>
    }
}

/// What makes a run stop for a person, and what no run does: each with its meaning.
fn guard_rails() -> [(String, String); 4] {
    [
        (
            format!("It stops before it changes more than {} % of the pairs", limits::FUSE_PERCENT),
            format!("{} changed pairs always pass, however small the sync is.", figure(limits::FUSE_FLOOR)),
        ),
        (
            format!("It stops before it creates or changes more than {} records", figure(limits::FUSE_RECORDS)),
            "A person sees the plan, then approves it or turns it down.".to_owned(),
        ),
        (
            format!("It stops before it parts more than {} pairs", figure(limits::FUSE_REMOVALS)),
            "No run deletes a contact or a customer.".to_owned(),
        ),
        (
            "Once approved, it writes what its plan showed".to_owned(),
            "A record that changed since is planned again first.".to_owned(),
        ),
    ]
}
