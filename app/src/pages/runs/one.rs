//! One run: the plan to approve, the run as it goes, and what became of it, on the same card.

use domain::{
    Right,
    view::{ItemFilter, ItemPageView, RunLiveView, RunView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::{
    super::standing,
    card::{self, Sum, SumFoot, Way},
    items::{self, Records, run_items},
    plan::Details,
};
use crate::{
    AppError,
    islands::run_live::RunLive,
    page::{self, Guarded, Refused, Seen, encoded},
    parts::{
        Actions, Badge, Card, Confirm, Crumb, Foot, Frame, Glyph, Head, Lead, LinkButton, Mark, Moment, Notice, Place,
        Press, Tone, counted, figure,
    },
};

/// A run with its gauges.
#[server(endpoint = "run-page")]
pub async fn run_page(number: u64) -> Result<RunLiveView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.run_live(&viewer, number).await?)
}

/// Lets a plan that waits be written. Leads back to the run.
#[server(endpoint = "approve-run")]
pub async fn approve_run(number: u64) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    engine.approve_run(&runner, number).await?;
    page::leave_for(&format!("/runs/{number}"));
    Ok(())
}

/// Turns down a plan, or ends a run after what is on its way. Leads back to the run.
#[server(endpoint = "cancel-run")]
pub async fn cancel_run(number: u64) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    engine.cancel_run(&runner, number).await?;
    page::leave_for(&format!("/runs/{number}"));
    Ok(())
}

/// The page of one run; `?ask=cancel` asks before it is ended, `?tab=`, `?q=`, `?field=` choose its records.
#[component]
pub fn RunPage() -> impl IntoView {
    let number: u64 = page::param("number").parse().unwrap_or(0);
    let ask = page::query("ask") == "cancel";
    let filter = items::asked();
    let refused = page::refused::<ApproveRun>().or_else(page::refused::<CancelRun>);
    let load = {
        let filter = filter.clone();
        async move { Ok((run_page(number).await?, run_items(number, filter).await?)) }
    };
    page::loaded(format!("Run {number}"), load, move |seen, (live, items)| {
        if ask && live.run.finished_at.is_none() {
            return view! { <AskCancel seen=seen run=live.run refused=refused /> }.into_any();
        }
        view! { <Run seen=seen live=live items=items filter=filter refused=refused /> }.into_any()
    })
}

/// What a run of that mode is called: "Full run", "Dry run".
#[must_use]
pub fn mode_words(mode: &str) -> &'static str {
    match mode {
        "full" => "Full run",
        "changes" => "Changes",
        "reconcile" => "Reconcile",
        "dry-run" => "Dry run",
        "resync" => "Resync",
        _ => "Run",
    }
}

fn noun(run: &RunView) -> &'static str {
    if run.status == "awaiting_approval" { "Plan" } else { "Run" }
}

#[component]
fn AskCancel(seen: Seen, run: RunView, refused: Option<AppError>) -> impl IntoView {
    let number = run.number;
    let back = format!("/runs/{number}");
    let waits = run.status == "awaiting_approval";
    let changes = counted(card::changes(&run), "change", "changes");
    let (question, effect, yes, no) = if waits {
        (
            format!("Turn down plan {number}?"),
            format!(
                "Its {changes} are not written. Nothing has been written so far, and you can plan again at any time."
            ),
            "Turn it down",
            "Go on reading it",
        )
    } else {
        (
            format!("Cancel run {number}?"),
            format!(
                "What is on its way is finished and kept: {} written so far. The rest stays as it is and goes out with the next run.",
                counted(run.counts.created + run.counts.updated, "record", "records")
            ),
            "Cancel the run",
            "Let it go on",
        )
    };
    let crumbs = vec![
        Crumb::place(Place::Runs),
        Crumb::to(format!("{} {number}", noun(&run)), back.clone()),
        Crumb::here("Cancel"),
    ];
    let lacks = seen.lacks(Right::Run);
    view! {
        <Frame here=Place::Runs viewer=seen.viewer() crumbs=crumbs>
            <Refused error=refused />
            <Confirm question=question effect=effect>
                <Actions slot>
                    <form method="post" action=CancelRun::url()>
                        <input type="hidden" name="number" value=number.to_string() />
                        <Guarded text=yes press=Press::Danger lacks=lacks />
                    </form>
                    <LinkButton text=no href=back autofocus=true />
                </Actions>
            </Confirm>
        </Frame>
    }
}

#[component]
fn Run(
    seen: Seen,
    live: RunLiveView,
    items: ItemPageView,
    filter: ItemFilter,
    refused: Option<AppError>,
) -> impl IntoView {
    let run = live.run.clone();
    let now = seen.now();
    let going = card::goes_on(&run);
    let crumbs = vec![Crumb::place(Place::Runs), Crumb::here(format!("{} {}", noun(&run), run.number))];
    let how = standing::of_run(&run.status);
    let title = format!("{} {}: {} of {}", noun(&run), run.number, mode_words(&run.mode).to_lowercase(), run.sync);
    let top = going.then(|| view! { <Watching number=run.number /> });
    let said = said(&run);
    let resting = run.resting.iter().cloned();
    let resting =
        resting.map(|why| view! { <Notice tone=Tone::Warn what="A rule rests." safety=why /> }).collect_view();
    // A run that ended before it had read anything has neither a plan nor records to show.
    let planned = !matches!(run.status.as_str(), "queued" | "reading" | "planning");
    let empty = run.finished_at.is_some() && run.counts.read == 0 && run.status != "complete";
    let details = view! { <Details run=run.clone() excluded=items.excluded.clone() /> };
    let card = if !planned {
        view! { <RunLive first=live /> }.into_any()
    } else if going {
        view! {
            <RunLive first=live />
            <Card flush=true>{details}</Card>
        }
        .into_any()
    } else if empty {
        ().into_any()
    } else {
        view! { <Still live=live>{details}</Still> }.into_any()
    };
    let origin = view! { <Origin run=run.clone() now=now /> };
    let presses = view! { <Presses seen=seen.clone() run=run.clone() /> };
    let plan = card::is_plan(&run);
    let records = (planned && !empty)
        .then(|| view! { <Records number=run.number sync=run.sync plan=plan filter=filter items=items /> });
    view! {
        <Frame here=Place::Runs viewer=seen.viewer() crumbs=crumbs>
            <Actions slot>{top}</Actions>
            <Head title=title>
                <Mark slot>
                    <Badge tone=how.tone glyph=how.glyph text=how.word />
                </Mark>
                <Lead slot>{origin}</Lead>
                <Actions slot>{presses}</Actions>
            </Head>
            <Refused error=refused />
            {said}
            {resting}
            {card}
            {records}
        </Frame>
    }
}

/// At the top while it goes on. Without a script the page loads itself anew.
#[component]
fn Watching(number: u64) -> impl IntoView {
    view! {
        <span class="meta">"This page may be closed, the run goes on"</span>
        <LinkButton text="Reload" href=format!("/runs/{number}") small=true glyph=Glyph::Turning />
        <noscript>
            <meta http-equiv="refresh" content="3" />
        </noscript>
    }
}

/// Who began it, when, and by which mapping.
#[component]
fn Origin(run: RunView, now: OffsetDateTime) -> impl IntoView {
    let approved = run.approved_by.clone().map(|person| format!(" Approved by {person}.")).unwrap_or_default();
    let written = match run.status.as_str() {
        "awaiting_approval" => " Nothing has been written.",
        _ if run.mode == "dry-run" => " It cannot write.",
        _ => "",
    };
    let alone = (run.left_alone > 0)
        .then(|| format!(" {} without a contact left alone.", counted(run.left_alone, "customer", "customers")));
    let ended = run.finished_at.map(|at| view! { ", ended " <Moment at=at.instant() now=now /> });
    view! {
        "Started " <Moment at=run.queued_at.instant() now=now />
        {format!(" by {}", run.started_by)} {ended} ", with " <a href=format!("/syncs/{}", encoded(&run.sync))>
            {format!("mapping version {}", run.mapping_version)}
        </a> "." {approved} {alone} {written}
    }
}

/// What can be done with it now.
#[component]
fn Presses(seen: Seen, run: RunView) -> impl IntoView {
    let ask = format!("/runs/{}?ask=cancel", run.number);
    let may_run = seen.lacks(Right::Run);
    let end = |text: &'static str, press: Press| match may_run.clone() {
        Some(_) => ().into_any(),
        None => view! { <LinkButton text=text href=ask.clone() press=press /> }.into_any(),
    };
    match run.status.as_str() {
        "awaiting_approval" => {
            let approve = format!("Approve {}", counted(card::changes(&run), "change", "changes"));
            view! {
                {end("Turn down…", Press::Plain)}
                <form method="post" action=ApproveRun::url()>
                    <input type="hidden" name="number" value=run.number.to_string() />
                    <Guarded text=approve press=Press::Primary lacks=seen.lacks(Right::Approve) />
                </form>
            }
            .into_any()
        }
        _ if run.finished_at.is_some() => {
            view! { <LinkButton text="Plan again" href=format!("/syncs/{}", encoded(&run.sync)) /> }.into_any()
        }
        _ if run.cancel_requested => view! { <span class="meta">"It ends after what is on its way"</span> }.into_any(),
        _ => match seen.lacks(Right::Run) {
            Some(why) => view! { <Guarded text="Cancel…" lacks=Some(why) /> }.into_any(),
            None => end("Cancel…", Press::Danger),
        },
    }
}

/// Why it stopped, or how it ended, where that needs words.
fn said(run: &RunView) -> Option<AnyView> {
    let detail = run.detail.clone().unwrap_or_default();
    let counts = run.counts;
    let kept = match counts.created + counts.updated {
        0 => "Nothing was written.".to_owned(),
        1 => "The one record written before is kept.".to_owned(),
        written => format!("The {} records written before are kept.", figure(written)),
    };
    let (tone, what, safety) = match run.status.as_str() {
        "awaiting_approval" if !detail.is_empty() => (Tone::Warn, detail, "Nothing has been written.".to_owned()),
        "failed" => (Tone::Bad, "The run failed.".to_owned(), format!("{detail} {kept}")),
        "complete_with_failures" if !detail.is_empty() => {
            (Tone::Warn, "The run stopped early.".to_owned(), format!("{detail} {kept}"))
        }
        "complete_with_failures" => (
            Tone::Warn,
            left_words(counts.failed, counts.parked),
            "Everything else is done. Each says below what to do.".to_owned(),
        ),
        "cancelled" => (Tone::Idle, "The run was cancelled.".to_owned(), kept),
        _ if run.cancel_requested && run.finished_at.is_none() => {
            (Tone::Warn, "The run is ending.".to_owned(), "What is on its way is finished and kept.".to_owned())
        }
        _ => return None,
    };
    if run.status != "failed" {
        return Some(view! { <Notice tone=tone what=what safety=safety /> }.into_any());
    }
    let notice = view! {
        <Notice tone=tone what=what safety=safety>
            <Actions slot>
                <LinkButton text="See the connections" href="/connections" />
            </Actions>
        </Notice>
    };
    Some(notice.into_any())
}

/// What a run that went through left undone.
fn left_words(failed: u64, parked: u64) -> String {
    let failed_words = counted(failed, "record failed", "records failed");
    match (failed, parked) {
        (_, 0) => format!("{failed_words}."),
        (0, _) => format!("{}.", counted(parked, "record is parked", "records are parked")),
        (_, 1) => format!("{failed_words} and 1 is parked."),
        (_, _) => format!("{failed_words} and {} are parked.", figure(parked)),
    }
}

/// The card of a run on which nothing moves.
#[component]
fn Still(live: RunLiveView, children: Children) -> impl IntoView {
    let run = live.run.clone();
    let sum = view! { <Sum run=run.clone() /> };
    let way = run.finished_at.is_some().then(|| view! { <Way view=live /> });
    view! {
        <Card flush=true>
            {way}
            {sum}
            {children()}
            <Foot slot>
                <SumFoot run=run />
            </Foot>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_run_reads_well_for_every_number() {
        let table = [
            (0, 1, "1 record is parked."),
            (0, 3, "3 records are parked."),
            (1, 0, "1 record failed."),
            (2, 0, "2 records failed."),
            (1, 1, "1 record failed and 1 is parked."),
            (1, 3, "1 record failed and 3 are parked."),
            (1_200, 1, "1,200 records failed and 1 is parked."),
        ];
        for (failed, parked, words) in table {
            assert_eq!(left_words(failed, parked), words);
        }
    }
}
