//! One sync: how it stands, plan a run, switch it on and off, who takes part, which fields travel.

use domain::{
    Right,
    view::{MappingVersionView, RuleView, SyncView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::{super::standing, Steps, schedule::ScheduleCard, sync};
use crate::{
    AppError,
    page::{self, Guarded, Refused, Seen, encoded},
    parts::{
        Actions, Badge, Card, Cell, Choice, Col, Confirm, Crumb, Fact, Facts, Frame, Glyph, Half, Happened, Head,
        History, LinkButton, Mark, Moment, Name, Notice, Pair, Place, Press, Row, Select, Table, Tone, counted, figure,
    },
};

/// Versions of a mapping, newest first.
#[server(endpoint = "mapping-versions")]
pub async fn mapping_versions(name: String) -> Result<Vec<MappingVersionView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.mapping_versions(&viewer, &name).await?)
}

/// Starts a run that stops with its plan: nothing is written before a person approves it. Leads to the run.
#[server(endpoint = "plan-run")]
pub async fn plan_run(name: String, mode: String) -> Result<u64, AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let start = engine::StartRun { sync: name, mode, chosen: None, approval: engine::Approval::Always };
    let number = engine.start_run(&runner, start).await?;
    page::leave_for(&format!("/runs/{number}"));
    Ok(number)
}

/// Lets webhooks and the schedule write, or only runs started by hand.
#[server(endpoint = "switch-sync")]
pub async fn switch_sync(name: String, on: bool) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    engine.set_enabled(&editor, &name, on).await?;
    let done = if on { "on" } else { "off" };
    page::leave_for(&format!("/syncs/{}?done={done}", encoded(&name)));
    Ok(())
}

/// The page of one sync; `?ask=on` and `?ask=off` ask before switching.
#[component]
pub fn SyncPage() -> impl IntoView {
    let name = page::param("name");
    let ask = page::query("ask");
    let done = page::query("done");
    let refused = page::refused::<PlanRun>().or_else(page::refused::<SwitchSync>);
    let load = async move { Ok((sync(name.clone()).await?, mapping_versions(name).await?)) };
    page::loaded(page::param("name"), load, move |seen, (sync, versions)| match ask.as_str() {
        "on" | "off" => view! { <AskSwitch seen=seen sync=sync on=ask == "on" refused=refused /> }.into_any(),
        _ => view! { <Sync seen=seen sync=sync versions=versions refused=refused done=done /> }.into_any(),
    })
}

#[component]
fn AskSwitch(seen: Seen, sync: SyncView, on: bool, refused: Option<AppError>) -> impl IntoView {
    let back = format!("/syncs/{}", sync.name);
    let crumbs = vec![Crumb::place(Place::Syncs), Crumb::to(sync.name.clone(), back.clone()), Crumb::here("Switch")];
    let (question, effect, yes, press) = if on {
        (
            format!("Let {} write by itself?", sync.name),
            format!(
                "From now on each change to a contact or customer is carried over when it happens, by version {} of the mapping. Runs you start still show their plan and wait for approval.",
                sync.mapping_version
            ),
            "Switch it on",
            Press::Primary,
        )
    } else {
        (
            format!("Stop {} from writing by itself?", sync.name),
            "Webhooks are still recorded, so nothing is lost; nothing is written until you switch it on or start a run. What was written stays.".to_owned(),
            "Switch it off",
            Press::Danger,
        )
    };
    let lacks = seen.lacks(Right::EditMapping);
    view! {
        <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
            <Refused error=refused />
            <Confirm question=question effect=effect>
                <Actions slot>
                    <form method="post" action=SwitchSync::url()>
                        <input type="hidden" name="name" value=sync.name />
                        <input type="hidden" name="on" value=on.to_string() />
                        <Guarded text=yes press=press lacks=lacks />
                    </form>
                    <LinkButton text="Leave it as it is" href=back autofocus=true />
                </Actions>
            </Confirm>
        </Frame>
    }
}

#[component]
fn Sync(
    seen: Seen,
    sync: SyncView,
    versions: Vec<MappingVersionView>,
    refused: Option<AppError>,
    done: String,
) -> impl IntoView {
    let now = seen.now();
    let in_steps = page::query("step") == "4" && sync.open_run.is_none() && sync.last_run.is_none();
    let standing = standing::of_sync(&sync);
    let crumbs = vec![Crumb::place(Place::Syncs), Crumb::here(sync.name.clone())];
    let lead = format!("{} ↔ {}", sync.highlevel, sync.chargify);
    let switch = view! { <Switch sync=sync.clone() lacks=seen.lacks(Right::EditMapping) /> };
    view! {
        <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
            <Head title=sync.name.clone() lead_text=lead>
                <Mark slot>
                    <Badge tone=standing.tone glyph=standing.glyph text=standing.word />
                </Mark>
                <Actions slot>{switch}</Actions>
            </Head>
            {in_steps.then(|| view! { <Steps at=4 /> })}
            <Refused error=refused />
            <Done done=done />
            <PlanCard sync=sync.clone() lacks=seen.lacks(Right::Run) now=now />
            <div class="cols-main">
                <div class="stack">
                    {resting(&sync)}
                    <Rules seen=seen.clone() sync=sync.clone() />
                </div>
                <div class="stack">
                    <ScheduleCard sync=sync.clone() may=seen.may(Right::EditMapping) now=now />
                    <Scope sync=sync may=seen.may(Right::EditMapping) />
                    <Versions versions=versions now=now />
                </div>
            </div>
        </Frame>
    }
}

#[component]
fn Done(done: String) -> impl IntoView {
    let (what, safety) = match done.as_str() {
        "on" => ("It is switched on.", "Changes are now carried over when they happen."),
        "off" => ("It is switched off.", "Webhooks are recorded; nothing is written by itself."),
        "settings" => ("The settings are saved.", "They hold from the next run on. Nothing was written."),
        "same-settings" => ("The settings were like this already.", "Nothing was changed."),
        "mapping" => ("The new version of the mapping is saved.", "The next run uses it. Nothing was written."),
        "same" => ("The mapping was saved like this already.", "Nothing was changed."),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Ok what=what safety=safety live=true /> })
}

#[component]
fn Switch(sync: SyncView, lacks: Option<String>) -> impl IntoView {
    let (text, ask) = if sync.enabled { ("Switch off…", "off") } else { ("Switch on…", "on") };
    match lacks {
        Some(why) => view! { <Guarded text=text lacks=Some(why) /> }.into_any(),
        None => view! { <LinkButton text=text href=format!("/syncs/{}?ask={ask}", sync.name) /> }.into_any(),
    }
}

/// The next run, or the one that is going on.
#[component]
fn PlanCard(sync: SyncView, lacks: Option<String>, now: OffsetDateTime) -> impl IntoView {
    if let Some(number) = sync.open_run {
        let waits = sync.last_run.as_ref().is_some_and(|(_, _, status)| status == "awaiting_approval");
        let (tone, what, safety, text) = if waits {
            (
                Tone::Warn,
                format!("The plan of run {number} waits for you."),
                "Nothing has been written.",
                "See the plan",
            )
        } else {
            (
                Tone::Accent,
                format!("Run {number} is going on."),
                "It survives a restart; you can leave this page.",
                "Watch it",
            )
        };
        return view! {
            <Notice tone=tone what=what safety=safety>
                <Actions slot>
                    <LinkButton text=text href=format!("/runs/{number}") press=Press::Primary />
                </Actions>
            </Notice>
        }
        .into_any();
    }
    let modes = vec![
        Choice::new("full", "Everything: read both sides completely"),
        Choice::new("changes", "Changes since the last run"),
        Choice::new("reconcile", "Reconcile: compare all pairs"),
        Choice::new("dry-run", "Dry run: a plan that can never write"),
    ];
    let chosen = if sync.last_run.is_none() { "full" } else { "changes" };
    let last = sync.last_run.clone().map(|(number, mode, status)| {
        let standing = standing::of_run(&status);
        let at = sync.last_run_at.map(|at| view! { ", " <Moment at=at.instant() now=now /> });
        view! {
            <p class="meta">
                "Last: " <a href=format!("/runs/{number}")>{format!("run {number}, {mode}")}</a>
                {format!(", {}", standing.word.to_lowercase())} {at}
            </p>
        }
    });
    view! {
        <Card title="Plan a run" note="The plan shows every change. Nothing is written before you approve it.">
            <form class="line" method="post" action=PlanRun::url()>
                <input type="hidden" name="name" value=sync.name />
                <Pair label="Read">
                    <Select name="mode" choices=modes chosen=chosen />
                </Pair>
                <Guarded text="Plan it" press=Press::Primary glyph=Glyph::Play lacks=lacks />
            </form>
            {last}
        </Card>
    }
    .into_any()
}

#[component]
fn Scope(sync: SyncView, may: bool) -> impl IntoView {
    let email = if sync.require_email { "Contacts with an e-mail address" } else { "All contacts" };
    let mut who = email.to_owned();
    if let Some(tag) = &sync.only_tag {
        who.push_str(&format!(" and the tag {tag}"));
    }
    if let Some(tag) = &sync.not_tag {
        who.push_str(&format!(", never with the tag {tag}"));
    }
    let partners = matched_by(&sync);
    let settings = format!("/syncs/{}/settings", sync.name);
    let creates = if sync.create_contacts { "a contact is made" } else { "they stay as they are" };
    let text = if may { "Edit the settings" } else { "All settings" };
    view! {
        <Card title="Settings">
            <Actions slot>
                <LinkButton
                    text=text
                    href=settings
                    small=true
                    glyph=Glyph::Pencil
                />
            </Actions>
            <Facts>
                <Fact name="Who takes part" value=who />
                <Fact name="Partners by" value=partners />
                <Fact name="Customers without a contact" value=creates />
                <Fact name="Calls in flight" value=format!("{} of 4 at Chargify at most", sync.slots) />
                <Fact name="Known" value=format!(
                    "{}, {}, {}",
                    counted(sync.contacts, "contact", "contacts"),
                    counted(sync.customers, "customer", "customers"),
                    counted(sync.links, "pair", "pairs"),
                ) />
                <Fact name="Waiting">
                    <a href=format!("/records?sync={}&state=waiting", encoded(&sync.name))>{figure(sync.waiting)}</a>
                </Fact>
            </Facts>
        </Card>
    }
}

/// By what a contact finds its customer, in the order in which it is tried.
fn matched_by(sync: &SyncView) -> String {
    let ways =
        [(sync.match_reference, "reference"), (sync.match_email, "e-mail"), (sync.match_phone_name, "phone and name")];
    let ways: Vec<_> = ways.into_iter().filter_map(|(on, way)| on.then_some(way)).collect();
    if ways.is_empty() { "nothing: each contact gets a customer of its own".to_owned() } else { ways.join(", then ") }
}

/// What is said of rules that rest because a field of theirs is gone.
fn resting(sync: &SyncView) -> impl IntoView + use<> {
    let notice = |rule: &RuleView| {
        let why = rule.rests.clone()?;
        let what = format!("{} – {} rests.", rule.highlevel_label, rule.chargify_label);
        Some(view! { <Notice tone=Tone::Warn what=what safety=why /> })
    };
    sync.rules.iter().filter_map(notice).collect_view()
}

#[component]
fn Rules(seen: Seen, sync: SyncView) -> impl IntoView {
    let columns = vec![
        Col::side(Half::HighLevel, "GoHighLevel"),
        Col::text("Direction"),
        Col::side(Half::Chargify, "Chargify"),
        Col::text("Both changed, emptied"),
        Col::text("Steps"),
    ];
    let rows = sync.rules.iter().cloned().map(|rule| view! { <RuleRow rule=rule /> }).collect_view();
    let note = format!("Version {}, {}", sync.mapping_version, counted(sync.rules.len() as u64, "rule", "rules"));
    let text = if seen.may(Right::EditMapping) { "Edit the mapping" } else { "Open the mapping" };
    view! {
        <Card title="Mapping" note=note flush=true>
            <Actions slot>
                <LinkButton text=text href=format!("/syncs/{}/mapping", sync.name) small=true glyph=Glyph::Pencil />
            </Actions>
            <Table caption="Mapping" columns=columns wide=true>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn RuleRow(rule: RuleView) -> impl IntoView {
    let steps = if rule.transform.is_empty() { "as it is".to_owned() } else { rule.transform };
    view! {
        <Row>
            <Name text=rule.highlevel_label sub=rule.highlevel_sample />
            <Cell label="Direction" text=super::words::direction_words(&rule.direction) />
            <Cell label="Chargify" text=rule.chargify_label sub=rule.chargify_sample />
            <Cell
                label="Both changed"
                text=super::words::conflict_words(&rule.conflict)
                sub=super::words::empty_words(&rule.empty)
            />
            <Cell label="Steps" text=steps class="quiet" />
        </Row>
    }
}

#[component]
fn Versions(versions: Vec<MappingVersionView>, now: OffsetDateTime) -> impl IntoView {
    const SHOWN: usize = 5;
    let line = move |version: MappingVersionView| {
        view! {
            <Happened
                glyph=Glyph::Pencil
                what=format!("Version {}: {}", version.version, version.reason)
                by=version.author
                at=version.created_at.instant()
                now=now
            />
        }
    };
    let mut versions = versions.into_iter();
    let newest = versions.by_ref().take(SHOWN).map(line).collect_view();
    let older: Vec<_> = versions.collect();
    let older = (!older.is_empty()).then(|| {
        let count = counted(older.len() as u64, "older version", "older versions");
        let lines = older.into_iter().map(line).collect_view();
        view! {
            <div class="card-body">
                <crate::parts::More summary=count>
                    <History>{lines}</History>
                </crate::parts::More>
            </div>
        }
    });
    view! {
        <Card title="Versions of the mapping" flush=true>
            <History>{newest}</History>
            {older}
        </Card>
    }
}
