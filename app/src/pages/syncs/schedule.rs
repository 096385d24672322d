//! When a sync runs by itself: two timings, their zone, the hours in which nothing starts, and the next starts.

use domain::{
    Right, limits,
    schedule::Kind,
    view::{ScheduleBriefView, ScheduleDraft, ScheduleView, SyncView, TimingView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::fields::Save;
use crate::{
    AppError,
    islands::next_starts::NextStarts,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen, capital},
    parts::{
        Actions, Button, Card, Choice, Crumb, Fact, Facts, Field, Frame, Glyph, Head, Item, Items, LinkButton, Moment,
        Notice, Place, Press, SelectField, TextField, Tone,
    },
};

const FIELDS: [&str; 5] = ["changes", "full", "zone", "quiet", "reason"];
/// The choice that lets the line beside it count.
const BY_LINE: &str = "cron";

/// The schedule of a sync with its next starts.
#[server(endpoint = "schedule")]
pub async fn schedule(name: String) -> Result<ScheduleView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.schedule(&viewer, &name).await?)
}

/// What a form would set, with its starts, before anything is saved.
#[server(endpoint = "preview-schedule")]
pub async fn preview_schedule(name: String, draft: ScheduleDraft) -> Result<ScheduleView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.preview_schedule(&viewer, &name, &draft).await?)
}

/// Sets when a sync runs by itself, or only shows the starts that would follow; leads back to the page with them.
#[server(endpoint = "change-schedule")]
pub async fn change_schedule(name: String, draft: ScheduleDraft) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    let (form, entered) = (form(&name), entered(&draft));
    let done = if draft.press == "show" {
        let shown = preview_schedule(name.clone(), draft.clone()).await;
        kept::refused(&form, &entered, shown).await?;
        kept::keep(&form, &entered).await?;
        "shown"
    } else {
        let changed = engine.change_schedule(&editor, &name, &draft).await.map_err(AppError::from);
        let changed = kept::refused(&form, &entered, changed).await?;
        if changed { "saved" } else { "same" }
    };
    page::leave_for(&format!("/syncs/{}/schedule?done={done}", page::encoded(&name)));
    Ok(())
}

/// Where a refused form is kept.
fn form(sync: &str) -> String {
    format!("schedule:{sync}")
}

/// What stood in the form, for the page that says what is wrong with it.
#[cfg(feature = "ssr")]
fn entered(draft: &ScheduleDraft) -> [(&'static str, &str); 7] {
    [
        ("changes", &draft.changes),
        ("changes_cron", &draft.changes_cron),
        ("full", &draft.full),
        ("full_cron", &draft.full_cron),
        ("zone", &draft.zone),
        ("quiet", &draft.quiet),
        ("reason", &draft.reason),
    ]
}

/// The page of a sync's schedule.
#[component]
pub fn SchedulePage() -> impl IntoView {
    let name = page::param("name");
    let done = page::query("done");
    let refused = page::refused::<ChangeSchedule>();
    let load = async move {
        let kept = kept::take(&form(&name)).await;
        let is_shown = !kept.is_empty() && kept.problems().is_empty();
        let shown = if is_shown { Some(preview_schedule(name.clone(), draft_of(&kept)).await?) } else { None };
        Ok((schedule(name).await?, kept, shown))
    };
    page::loaded("Schedule", load, move |seen, (schedule, kept, shown)| {
        let address = format!("/syncs/{}", schedule.sync);
        let crumbs =
            vec![Crumb::place(Place::Syncs), Crumb::to(schedule.sync.clone(), address), Crumb::here("Schedule")];
        let lead = "Webhooks carry a change over when it happens. A schedule finds what no webhook told of, and is all there is where none come.";
        view! {
            <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
                <Head title=format!("Schedule of {}", schedule.sync) lead_text=lead />
                <Refused error=refused />
                <Done done=done.clone() shown=shown.is_some() />
                <Standing schedule=schedule.clone() now=seen.now() />
                <div class="cols-main">
                    <Form seen=seen schedule=schedule.clone() kept=kept />
                    <div class="stack">
                        <Starts schedule=shown.unwrap_or(schedule) />
                        <Rules />
                    </div>
                </div>
            </Frame>
        }
        .into_any()
    })
}

/// The form as it was typed.
fn draft_of(kept: &Kept) -> ScheduleDraft {
    let value = |field: &str| kept.value(field).unwrap_or_default();
    ScheduleDraft {
        changes: value("changes"),
        changes_cron: value("changes_cron"),
        full: value("full"),
        full_cron: value("full_cron"),
        zone: value("zone"),
        quiet: value("quiet"),
        reason: value("reason"),
        press: String::new(),
    }
}

#[component]
fn Done(done: String, shown: bool) -> impl IntoView {
    if shown {
        let what = "This is when it would start. Nothing is saved yet.";
        return Some(
            view! { <Notice tone=Tone::Accent what=what safety="Save it below, or leave the page." live=true /> },
        );
    }
    let (what, safety) = match done.as_str() {
        "saved" => ("The schedule is saved.", "It holds from now on."),
        "same" => ("The schedule was like this already.", "Nothing was changed."),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Ok what=what safety=safety live=true /> })
}

/// What keeps the schedule from starting anything, if something does.
#[component]
fn Standing(schedule: ScheduleView, now: OffsetDateTime) -> impl IntoView {
    let is_off = schedule.changes.words.is_none() && schedule.full.words.is_none();
    if !schedule.enabled && !is_off {
        let href = format!("/syncs/{}?ask=on", schedule.sync);
        return view! {
            <Notice
                tone=Tone::Warn
                what=format!("{} is switched off, so nothing starts by itself.", schedule.sync)
                safety="What falls due meanwhile is not made up for."
            >
                <Actions slot>
                    <LinkButton text="Switch it on…" href=href />
                </Actions>
            </Notice>
        }
        .into_any();
    }
    let Some(since) = [schedule.full.overdue_at, schedule.changes.overdue_at].into_iter().flatten().min() else {
        return ().into_any();
    };
    let since = crate::parts::ago(since.instant(), now);
    match schedule.open_run {
        Some(number) => view! {
            <Notice
                tone=Tone::Warn
                what=format!("A start has been due since {since} and waits for run {number}.")
                safety="It starts once that has ended. Nothing is missed: it reads everything since the last time."
            >
                <Actions slot>
                    <LinkButton text=format!("See run {number}") href=format!("/runs/{number}") />
                </Actions>
            </Notice>
        }
        .into_any(),
        None => view! {
            <Notice
                tone=Tone::Accent
                what=format!("A start has been due since {since}.")
                safety="It begins within a minute; where a connection is refused or blocked, within the hour."
            />
        }
        .into_any(),
    }
}

/// What the fields show: what was refused, else what is stored.
#[derive(Clone)]
struct Values {
    kept: Kept,
    stored: ScheduleView,
}

impl Values {
    fn text(&self, field: &str, stored: impl FnOnce(&ScheduleView) -> String) -> String {
        if self.kept.is_empty() { stored(&self.stored) } else { self.kept.value(field).unwrap_or_default() }
    }

    /// The choice and the line of a timing.
    fn timing(&self, kind: Kind) -> (String, String) {
        let stored = match kind {
            Kind::Changes => &self.stored.text.changes,
            Kind::Full => &self.stored.text.full,
        };
        let named = stored == "off" || kind.presets().iter().any(|(name, _)| name == stored);
        let (choice, line) = if named { (stored.as_str(), "") } else { (BY_LINE, stored.as_str()) };
        (
            self.text(kind.as_str(), |_| choice.to_owned()),
            self.text(&format!("{}_cron", kind.as_str()), |_| line.to_owned()),
        )
    }
}

#[component]
fn Form(seen: Seen, schedule: ScheduleView, kept: Kept) -> impl IntoView {
    let lacks = seen.lacks(Right::EditMapping);
    let fixed = lacks.is_some();
    let back = format!("/syncs/{}", schedule.sync);
    let rest = kept.rest(&FIELDS).into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem live=true /> });
    let rest = rest.collect_view();
    let name = schedule.sync.clone();
    let reason = kept.clone();
    let values = Values { kept, stored: schedule };
    view! {
        <form method="post" action=ChangeSchedule::url()>
            {rest}
            <input type="hidden" name="name" value=name />
            <fieldset class="stack" disabled=fixed>
                <Timing kind=Kind::Changes values=values.clone() />
                <Timing kind=Kind::Full values=values.clone() />
                <When values=values />
                <Save kept=reason>
                    <Guarded text="Save the schedule" press=Press::Primary lacks=lacks />
                    <Button
                        text="Show the starts first"
                        name="draft[press]"
                        value="show"
                        unchecked=true
                        disabled=fixed
                    />
                    <LinkButton text="Leave it as it is" href=back press=Press::Bare />
                </Save>
            </fieldset>
        </form>
    }
}

#[component]
fn Timing(kind: Kind, values: Values) -> impl IntoView {
    let (title, note, stored, example) = match kind {
        Kind::Changes => (
            "Changes",
            "Reads what changed since the last time: two calls when nothing did.",
            &values.stored.changes,
            "*/10 8-18 * * 1-5",
        ),
        Kind::Full => (
            "Full",
            "Reads both lists whole. Only this can show that a record is gone.",
            &values.stored.full,
            "30 3 * * 1-5",
        ),
    };
    let (choice, line) = values.timing(kind);
    let presets = kind.presets().iter().map(|(name, cron)| Choice::new(*name, preset_words(name, cron)));
    let choices = std::iter::once(Choice::new("off", "Off"))
        .chain(presets)
        .chain([Choice::new(BY_LINE, "By a cron line")])
        .collect();
    let problem = values.kept.problem(kind.as_str());
    let (at_choice, at_line) = if choice == BY_LINE { (None, problem) } else { (problem, None) };
    let now = stored.words.clone().unwrap_or_else(|| "off".to_owned());
    let field = kind.as_str();
    view! {
        <Card title=title note=note>
            <div class="form two">
                <SelectField
                    label="Starts"
                    name=format!("draft[{field}]")
                    id=field
                    choices=choices
                    chosen=choice
                    hint=format!("Now: {now}.")
                    error=at_choice
                />
                <TextField
                    label="Cron line"
                    name=format!("draft[{field}_cron]")
                    id=format!("{field}_cron")
                    mono=true
                    optional=true
                    value=line
                    placeholder=example
                    hint="Counts with “By a cron line”: minute, hour, day of the month, month, day of the week."
                    error=at_line
                />
            </div>
        </Card>
    }
}

/// A preset with its hour, where it has one.
fn preset_words(name: &str, cron: &str) -> String {
    match cron {
        "0 2 * * *" => "Nightly, at 02:00".to_owned(),
        "0 2 * * 0" => "Weekly, Sunday at 02:00".to_owned(),
        _ => capital(name),
    }
}

#[component]
fn When(values: Values) -> impl IntoView {
    let zone = values.text("zone", |stored| stored.text.zone.clone());
    let quiet = values.text("quiet", |stored| stored.text.quiet.clone());
    let problem = values.kept.problem("zone");
    let described_by = if problem.is_some() { "zone-error zone-hint" } else { "zone-hint" };
    let zones = values.stored.zones.iter().map(|zone| view! { <option value=zone.clone() /> }).collect_view();
    view! {
        <Card title="Clock" note="Both timings and the quiet hours go by it.">
            <div class="form two">
                <Field
                    label="Time zone"
                    for_id="zone"
                    hint="UTC, or a place such as Europe/Berlin. Summer time is minded."
                    error=problem.clone()
                >
                    <input
                        class="input"
                        id="zone"
                        name="draft[zone]"
                        list="zones"
                        autocomplete="off"
                        value=zone
                        aria-invalid=problem.is_some().then_some("true")
                        aria-describedby=described_by
                    />
                    <datalist id="zones">{zones}</datalist>
                </Field>
                <TextField
                    label="Quiet hours"
                    name="draft[quiet]"
                    id="quiet"
                    optional=true
                    value=quiet
                    placeholder="22:00-06:00"
                    hint="Nothing starts in them. What falls due starts once when they end."
                    error=values.kept.problem("quiet")
                />
            </div>
        </Card>
    }
}

/// When both timings start next.
#[component]
fn Starts(schedule: ScheduleView) -> impl IntoView {
    view! {
        <Next title="Next for changes" zone=schedule.zone_label.clone() timing=schedule.changes />
        <Next title="Next full run" zone=schedule.zone_label timing=schedule.full />
    }
}

#[component]
fn Next(title: &'static str, zone: String, timing: TimingView) -> impl IntoView {
    match timing.words {
        Some(words) => view! {
            <Card title=title note=capital(&words) flush=true>
                <NextStarts caption=title.to_owned() zone=zone starts=timing.upcoming />
            </Card>
        }
        .into_any(),
        None => view! {
            <Card title=title>
                <p class="quiet">"Off: it never starts by itself."</p>
            </Card>
        }
        .into_any(),
    }
}

/// What holds of every start.
#[component]
fn Rules() -> impl IntoView {
    let gap = format!("At most every {} minutes", limits::SCHEDULE_GAP_MIN);
    let rules = [
        ("Never beside another run of the sync", "It waits for the end, and starts once."),
        ("Once after downtime", "Not once for each time missed."),
        ("A full run takes the changes along", "Where both are due, one run reads both."),
        ("Too many changes wait for a person", "The plan is shown, and nothing starts beside it."),
        (gap.as_str(), "A timing that is closer is refused."),
    ];
    let rules = rules.map(|(name, note)| view! { <Item name=name note=note glyph=Glyph::Shield tone=Tone::Idle /> });
    view! {
        <Card title="What holds of every start">
            <Items plain=true>{rules.into_iter().collect_view()}</Items>
        </Card>
    }
}

/// The schedule on the page of its sync.
#[component]
pub fn ScheduleCard(sync: SyncView, may: bool, now: OffsetDateTime) -> impl IntoView {
    let text = if may { "Edit the schedule" } else { "Open the schedule" };
    let ScheduleBriefView { changes, full, quiet, .. } = sync.schedule.clone();
    let off = || "off".to_owned();
    let quiet = quiet.map(|quiet| view! { <Fact name="Quiet hours" value=quiet /> });
    let href = format!("/syncs/{}/schedule", sync.name);
    view! {
        <Card title="Schedule">
            <Actions slot>
                <LinkButton
                    text=text
                    href=href
                    small=true
                    glyph=Glyph::Clock
                />
            </Actions>
            <Facts>
                <Fact name="Changes" value=capital(&changes.unwrap_or_else(off)) />
                <Fact name="Full" value=capital(&full.unwrap_or_else(off)) />
                {quiet}
                <Fact name="Next">
                    <NextDue sync=sync now=now />
                </Fact>
            </Facts>
        </Card>
    }
}

/// When a sync next runs by itself, in a few words.
#[component]
pub fn NextDue(sync: SyncView, now: OffsetDateTime) -> impl IntoView {
    let is_off = sync.schedule.changes.is_none() && sync.schedule.full.is_none();
    match sync.schedule.next {
        Some((mode, at)) if at.instant() > now => view! {
            {format!("{mode} ")}
            <Moment at=at.instant() now=now />
        }
        .into_any(),
        Some((mode, _)) => format!("{mode}, as soon as nothing else runs").into_any(),
        None if is_off => "nothing is scheduled".into_any(),
        None => "not while it is switched off".into_any(),
    }
}
