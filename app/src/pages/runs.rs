//! Runs: the list of them, and each as a plan that waits, a run that goes on, or what became of it.

use domain::view::{RunPageView, RunView};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::standing;
use crate::{
    AppError,
    page::{self, Seen, encoded},
    parts::{
        Actions, Card, Cell, Col, Crumb, Empty, Figure, Frame, Head, LinkButton, Moment, Name, Pager, Place, Row,
        Standing, State, Table, counted, lasting,
    },
};

pub mod card;
pub mod items;
pub mod one;
pub mod plan;

/// Runs, newest first: of all syncs or of one; `before` is the `next` of the page before.
#[server(endpoint = "runs")]
pub async fn runs(sync: Option<String>, before: Option<u64>) -> Result<RunPageView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.runs(&viewer, sync.as_deref(), before).await?)
}

/// All runs; `?sync=` narrows to one sync, `?before=` pages on.
#[component]
pub fn RunsPage() -> impl IntoView {
    let sync = Some(page::query("sync")).filter(|sync| !sync.is_empty());
    let before = page::query("before").parse().ok();
    let load = runs(sync.clone(), before);
    page::loaded("Runs", load, move |seen, view| {
        view! { <Runs seen=seen view=view sync=sync first=before.is_none() /> }.into_any()
    })
}

#[component]
fn Runs(seen: Seen, view: RunPageView, sync: Option<String>, first: bool) -> impl IntoView {
    let now = seen.now();
    let shown = counted(view.runs.len() as u64, "run", "runs");
    let of = sync.as_ref().map(|sync| format!("sync={}&", encoded(sync))).unwrap_or_default();
    let older = view.next.map(|next| format!("/runs?{of}before={next}"));
    let newest = (!first).then(|| format!("/runs?{}", of.trim_end_matches('&')));
    let lead = match &sync {
        Some(sync) => format!("Of {sync}, newest first."),
        None => "Of all syncs, newest first. A plan that waits for you stands among them.".to_owned(),
    };
    let crumbs = vec![Crumb::here("Runs")];
    let content = if view.runs.is_empty() {
        view! { <NoRuns /> }.into_any()
    } else {
        let columns = vec![
            Col::text("Run"),
            Col::text("State"),
            Col::figure("Read"),
            Col::figure("Created"),
            Col::figure("Updated"),
            Col::figure("Waiting"),
            Col::figure("Failed"),
            Col::text("Started"),
        ];
        let rows = view.runs.into_iter().map(|run| view! { <RunRow run=run now=now /> }).collect_view();
        view! {
            <Card flush=true>
                <Table caption="Runs" columns=columns>
                    {rows}
                </Table>
                <Pager shown=shown newer=newest newer_text="Newest" older=older />
            </Card>
        }
        .into_any()
    };
    view! {
        <Frame here=Place::Runs viewer=seen.viewer() crumbs=crumbs>
            <Head title="Runs" lead_text=lead>
                <Actions slot>
                    {sync.is_some().then(|| view! { <LinkButton text="Of all syncs" href="/runs" /> })}
                </Actions>
            </Head>
            {content}
        </Frame>
    }
}

#[component]
fn NoRuns() -> impl IntoView {
    view! {
        <Card flush=true>
            <Empty
                what="No run yet"
                meaning="A run reads both sides, shows every change it would make, and writes what you approve. Plan one on the page of a sync."
            >
                <Actions slot>
                    <LinkButton text="See the syncs" href="/syncs" />
                </Actions>
            </Empty>
        </Card>
    }
}

#[component]
fn RunRow(run: RunView, now: OffsetDateTime) -> impl IntoView {
    let how = standing::of_run(&run.status);
    let counts = run.counts;
    let waits = run.status == "awaiting_approval";
    let took = run.finished_at.map(|end| u64::try_from(end.0 - run.queued_at.0).unwrap_or(0));
    let by = if run.started_by == domain::schedule::STARTER {
        "scheduled".to_owned()
    } else {
        format!("by {}", run.started_by)
    };
    let by = took.map_or_else(|| by.clone(), |ms| format!("{by}, took {}", lasting(ms)));
    let name = format!("{} {}", if waits { "Plan" } else { "Run" }, run.number);
    let sub = format!("{} of {}", one::mode_words(&run.mode), run.sync);
    view! {
        <Row standing=if waits { Standing::Asking } else { Standing::Usual }>
            <Name text=name href=format!("/runs/{}", run.number) sub=sub />
            <Cell label="State">
                <State tone=how.tone glyph=how.glyph text=how.word />
            </Cell>
            <Figure label="Read" value=counts.read />
            <Figure label="Created" value=counts.created />
            <Figure label="Updated" value=counts.updated />
            <Figure label="Waiting" value=counts.ambiguous + counts.parked />
            <Figure label="Failed" value=counts.failed />
            <Cell label="Started" sub=by>
                <Moment at=run.queued_at.instant() now=now />
            </Cell>
        </Row>
    }
}
