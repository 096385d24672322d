//! One record: why it stands as it does, both sides with what was agreed last, and what happened to it.

use domain::{
    Right, Side,
    view::{EngagementView, FieldView, HistoryView, PairState, RecordView, TraceStepView},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    super::{audit::line::begun, standing},
    SideId, Which,
    billing::Billing,
    engagements::{Engagements, RetryEngagement, record_engagements},
    gone::{Gone, LastValues},
    question::{Question, TakePartAgain},
};
use crate::{
    AppError,
    page::{self, Guarded, Refused, Seen, encoded},
    parts::{
        Actions, Badge, Card, Cell, Change, Col, Crumb, Diffs, Empty, Frame, Glyph, Half, Happened, Head, History,
        Lead, LinkButton, Mark, Moment, More, Name, Place, Press, Reached, Row, Standing, State, Step, Table, Tone,
        Trace, changed_letters, counted, exact,
    },
};

/// One record by its id on either side.
#[server(endpoint = "record-page")]
pub async fn record_page(sync: String, side: String, id: String) -> Result<RecordView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    Ok(engine.record(&viewer, &sync, side, &id).await?)
}

/// Where a record stands.
#[must_use]
pub fn address(sync: &str, side: &str, id: &str) -> String {
    format!("/records/{}/{side}/{}", encoded(sync), encoded(id))
}

/// The page of one record.
#[component]
pub fn RecordPage() -> impl IntoView {
    let which = Which::from_address();
    let Which { sync, side, id } = which.clone();
    let refused = page::refused::<TakePartAgain>().or_else(page::refused::<RetryEngagement>);
    let load = async move {
        let record = record_page(sync.clone(), side, id).await?;
        let engagements = match &record.contact_id {
            Some(contact_id) => record_engagements(sync, contact_id.clone()).await?,
            None => Vec::new(),
        };
        Ok((record, engagements))
    };
    page::loaded("Record", load, move |seen, (record, engagements)| {
        view! { <Record seen=seen record=record engagements=engagements which=which refused=refused /> }.into_any()
    })
}

/// What a record is called where it has to be called something.
pub(super) fn called(record: &RecordView) -> String {
    if record.name.is_empty() { "No name".to_owned() } else { record.name.clone() }
}

/// How the pair stands by the copies as they are now: the stored state is as old as the last plan or write.
fn as_read(record: &RecordView) -> PairState {
    match record.state {
        PairState::InStep if !record.would.is_empty() => PairState::Drifted,
        state => state,
    }
}

#[component]
fn Record(
    seen: Seen,
    record: RecordView,
    engagements: Vec<EngagementView>,
    which: Which,
    refused: Option<AppError>,
) -> impl IntoView {
    let here = which.address();
    let now = seen.now();
    let state = as_read(&record);
    let standing = standing::of_pair(state);
    let name = called(&record);
    let crumbs = vec![Crumb::place(Place::Records), Crumb::here(name.clone())];
    let read = read_words(&record, now);
    let (question, answer, trace) = (record.question.clone(), record.answer.clone(), steps(&record));
    let gone = record.gone.clone();
    let is_gone = gone.is_some();
    let why = match gone {
        Some(gone) => view! { <Gone record=record.clone() gone=gone now=now /> }.into_any(),
        None => view! {
            <Card title=question note=answer flush=true>
                <Trace steps=trace />
            </Card>
        }
        .into_any(),
    };
    let fields = record.fields.clone();
    let billing = record.billing.clone();
    let asked = record.asked.clone();
    let is_asked = asked.is_some();
    let carried = view! { <Engagements seen=seen.clone() engagements=engagements which=which.clone() /> };
    let asked = asked.map(|question| view! { <Question seen=seen.clone() question=question which=which /> });
    let ids = view! { <Ids record=record.clone() now=now /> };
    // Where something is asked, the answer is the way on.
    let resync = match seen.lacks(Right::Run) {
        _ if is_asked || is_gone => ().into_any(),
        Some(why) => view! { <Guarded text="Resync…" lacks=Some(why) /> }.into_any(),
        None => {
            let press =
                if matches!(state, PairState::Drifted | PairState::Failed) { Press::Primary } else { Press::Plain };
            view! { <LinkButton text="Resync…" href=format!("{here}/resync") press=press glyph=Glyph::Turning /> }
                .into_any()
        }
    };
    let sides = if is_gone {
        view! { <LastValues record=record.clone() /> }.into_any()
    } else {
        view! { <Sides fields=fields read=read /> }.into_any()
    };
    view! {
        <Frame here=Place::Records viewer=seen.viewer() crumbs=crumbs>
            <Head title=name>
                <Mark slot>
                    <Badge tone=standing.tone glyph=standing.glyph text=standing.word />
                </Mark>
                <Lead slot>{ids}</Lead>
                <Actions slot>{resync}</Actions>
            </Head>
            <Refused error=refused />
            {asked}
            {why}
            <Billing billing=billing now=now />
            <div class="cols-main">
                <div class="stack">{sides} {carried}</div>
                <Past record=record may=seen.may(Right::SeeAudit) now=now />
            </div>
        </Frame>
    }
}

#[component]
pub(super) fn Ids(record: RecordView, now: OffsetDateTime) -> impl IntoView {
    let paired = record.linked_at.map(|at| {
        let by = record.matched_by.clone().map(|by| if by.starts_with("created") { by } else { format!("by {by}") });
        view! {
            <span>
                "paired " <Moment at=at.instant() now=now /> {by.map(|by| format!(", {by}"))}
            </span>
        }
    });
    // Of a deleted record nothing is still to come on the other side.
    let is_gone = record.gone.is_some();
    let sides = [(Side::Highlevel, record.contact_id), (Side::Chargify, record.customer_id)];
    let ids = sides.into_iter().filter(move |(_, id)| id.is_some() || !is_gone);
    let ids = ids.map(|(side, id)| view! { <SideId side=side id=id /> }).collect_view();
    view! {
        <div class="line">
            {record.email.map(|email| view! { <bdi>{email}</bdi> })} {ids} {paired} <span>
                "sync " <a href=format!("/syncs/{}", encoded(&record.sync))>{record.sync.clone()}</a>
            </span>
        </div>
    }
}

/// When either side was read last, in words.
fn read_words(record: &RecordView, now: OffsetDateTime) -> String {
    use crate::parts::ago;
    match (record.highlevel_read_at, record.chargify_read_at) {
        (Some(left), Some(right)) => {
            format!("GoHighLevel read {}, Chargify read {}", ago(left.instant(), now), ago(right.instant(), now))
        }
        (Some(left), None) => format!("GoHighLevel read {}", ago(left.instant(), now)),
        (None, Some(right)) => format!("Chargify read {}", ago(right.instant(), now)),
        (None, None) => String::new(),
    }
}

fn steps(record: &RecordView) -> Vec<Step> {
    let tone = match record.state {
        PairState::Failed => Tone::Bad,
        PairState::LeftOut => Tone::Idle,
        _ => Tone::Warn,
    };
    let step = |TraceStepView { title, state, detail }: &TraceStepView| {
        let reached = match state.as_str() {
            "done" => Reached::Done,
            "stopped" => Reached::Stopped(tone),
            _ => Reached::NotReached,
        };
        let why = if reached == Reached::NotReached { String::new() } else { page::capital(detail) };
        Step::new(title, why, reached)
    };
    record.trace.iter().map(step).collect()
}

/// Every mapped field on both sides, with what was agreed last and what would happen to it now.
#[component]
fn Sides(fields: Vec<FieldView>, read: String) -> impl IntoView {
    let note = if read.is_empty() { counted(fields.len() as u64, "mapped field", "mapped fields") } else { read };
    let columns = vec![
        Col::text("Field"),
        Col::side(Half::HighLevel, "GoHighLevel"),
        Col::text("Agreed last"),
        Col::side(Half::Chargify, "Chargify"),
        Col::text("Now"),
    ];
    // What differs comes first: that is what one opens this page for.
    let (mut first, rest): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| is_open(&field.verdict));
    first.extend(rest);
    let rows = first.into_iter().map(|field| view! { <BothSides field=field /> }).collect_view();
    view! {
        <Card title="Both sides" note=note flush=true>
            <Table caption="Both sides of the record" columns=columns wide=true class="sides">
                {rows}
            </Table>
        </Card>
    }
}

fn is_open(verdict: &str) -> bool {
    matches!(verdict, "to_chargify" | "to_highlevel" | "ask" | "broken")
}

#[component]
fn BothSides(field: FieldView) -> impl IntoView {
    let FieldView { label, highlevel_field, chargify_field, highlevel, base, chargify, verdict, detail } = field;
    let standing = if matches!(verdict.as_str(), "ask" | "broken") { Standing::Asking } else { Standing::Usual };
    let differs = is_open(&verdict);
    let left = matches!(verdict.as_str(), "to_chargify" | "ask");
    let right = matches!(verdict.as_str(), "to_highlevel" | "ask");
    // A value is compared with what was agreed; where nothing was agreed yet, with the other side.
    let agreed = |other: &Option<String>| base.clone().or_else(|| other.clone()).filter(|_| differs);
    let (before_left, before_right) = (agreed(&chargify).filter(|_| left), agreed(&highlevel).filter(|_| right));
    let named = format!("{highlevel_field} · {chargify_field}");
    view! {
        <Row standing=standing>
            <Name text=label sub=named />
            <Cell label="GoHighLevel">
                <Held value=highlevel before=before_left />
            </Cell>
            <Cell label="Agreed last" class="quiet">
                <Held value=base.clone() before=None />
            </Cell>
            <Cell label="Chargify">
                <Held value=chargify before=before_right />
            </Cell>
            <Cell label="Now">
                <Verdict verdict=verdict detail=detail />
            </Cell>
        </Row>
    }
}

/// A value as it is held, the letters that differ from `before` marked.
#[component]
fn Held(value: Option<String>, before: Option<String>) -> impl IntoView {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return view! { <em class="empty-word">"empty"</em> }.into_any();
    };
    let marked = changed_letters(before.as_deref().unwrap_or_default(), &value)
        .map(|(start, middle, end)| (start.to_owned(), middle.to_owned(), end.to_owned()));
    match marked {
        Some((start, middle, end)) => {
            view! { <bdi>{start} <mark class="changed">{middle}</mark> {end}</bdi> }.into_any()
        }
        None => view! { <bdi>{value}</bdi> }.into_any(),
    }
}

#[component]
fn Verdict(verdict: String, detail: String) -> impl IntoView {
    let (tone, glyph, word) = match verdict.as_str() {
        "in_step" => (Tone::Idle, Glyph::Check, "in step"),
        "to_chargify" => (Tone::Accent, Glyph::Right, "goes to Chargify"),
        "to_highlevel" => (Tone::Accent, Glyph::Left, "goes to GoHighLevel"),
        "ask" => (Tone::Warn, Glyph::Ambiguous, "waits for a decision"),
        "broken" => (Tone::Bad, Glyph::Failed, "cannot be written"),
        "left_alone" => (Tone::Idle, Glyph::Unchanged, "left alone"),
        _ => (Tone::Idle, Glyph::Unreached, "no pair yet"),
    };
    let detail = match verdict.as_str() {
        "to_chargify" | "to_highlevel" if detail.is_empty() => "as empty".to_owned(),
        "to_chargify" | "to_highlevel" => format!("as {detail}"),
        "ask" => "Changed on both sides.".to_owned(),
        _ => detail,
    };
    view! {
        <State tone=tone glyph=glyph text=word />
        {(!detail.is_empty()).then(|| view! { <span class="sub">{detail}</span> })}
    }
}

/// What happened to the record, newest first.
#[component]
fn Past(record: RecordView, may: bool, now: OffsetDateTime) -> impl IntoView {
    const SHOWN: usize = 6;
    let trail = record.contact_id.as_ref().or(record.customer_id.as_ref()).map(|id| {
        let href = format!("/audit?record={}", encoded(id));
        view! { <LinkButton text="In the audit trail" href=href small=true press=Press::Bare /> }
    });
    let trail = trail.filter(|_| may);
    let mut lines = record.history.into_iter().map(move |line| view! { <Line line=line now=now /> });
    let newest: Vec<_> = lines.by_ref().take(SHOWN).collect();
    let older: Vec<_> = lines.collect();
    if newest.is_empty() {
        let meaning = if may {
            "Concord has written nothing to either side of it."
        } else {
            "Your role does not include the right to see the audit trail."
        };
        return view! {
            <Card title="History" flush=true>
                <Empty what="Nothing happened yet" meaning=meaning />
            </Card>
        }
        .into_any();
    }
    let older = (!older.is_empty()).then(|| {
        let count = counted(older.len() as u64, "older line", "older lines");
        view! {
            <div class="card-body">
                <More summary=count>
                    <History>{older}</History>
                </More>
            </div>
        }
    });
    view! {
        <Card title="History" flush=true>
            <Actions slot>{trail}</Actions>
            <History>{newest}</History>
            {older}
        </Card>
    }
    .into_any()
}

#[component]
fn Line(line: HistoryView, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph) = match (line.action.as_str(), line.outcome.as_str()) {
        (_, "failed") | ("record.write_refused", _) => (Tone::Bad, Glyph::Failed),
        (_, "refused") => (Tone::Warn, Glyph::Warning),
        ("record.created", _) => (Tone::Ok, Glyph::Created),
        ("record.updated", _) => (Tone::Ok, Glyph::Pencil),
        ("record.linked", _) => (Tone::Ok, Glyph::Chain),
        ("record.unlinked", _) => (Tone::Idle, Glyph::Removed),
        ("note.written", _) => (Tone::Ok, Glyph::Created),
        ("note.rewritten", _) => (Tone::Ok, Glyph::Pencil),
        ("note.marked_deleted", _) => (Tone::Idle, Glyph::Removed),
        ("note.retried", _) => (Tone::Accent, Glyph::Turning),
        ("record.restored", _) => (Tone::Ok, Glyph::Undo),
        ("record.decided" | "record.decision_taken_back", _) => (Tone::Accent, Glyph::Decision),
        _ => (Tone::Idle, Glyph::Unchanged),
    };
    let run =
        line.run_number.map(|number| view! { <a href=format!("/runs/{number}")>{format!("Open run {number}")}</a> });
    let changes: Vec<_> =
        line.changes.into_iter().map(|change| Change::new(change.field, change.before, change.after)).collect();
    let diffs = (!changes.is_empty()).then(|| view! { <Diffs changes=changes /> });
    view! {
        <Happened glyph=glyph tone=tone what=begun(&line.words) at=line.at.instant() now=now>
            {run}
            {diffs}
        </Happened>
    }
}

/// The exact instants of a record's two copies, for the page that is about to read them anew.
pub(super) fn read_exactly(record: &RecordView) -> Option<String> {
    record.highlevel_read_at.or(record.chargify_read_at).map(|at| exact(at.instant()))
}
