//! Notes, tasks and appointments of a contact: what each became in Chargify, how it stands, and what one can do.

use domain::{Right, view::EngagementView};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::{Which, one::address};
use crate::{
    AppError,
    page::{self, Guarded, Seen},
    parts::{Acts, Card, Cell, Col, Glyph, Moment, More, Name, Row, Standing, State, Table, Tone, counted},
};

/// So many stand on the page at once; the others are folded away.
const SHOWN: usize = 12;

/// What a contact has besides its fields, as kept. No service is asked.
#[server(endpoint = "record-engagements")]
pub async fn record_engagements(sync: String, contact_id: String) -> Result<Vec<EngagementView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.engagements(&viewer, &sync, &contact_id).await?)
}

/// Has one that failed tried again, or written anew; leads back to the record.
#[server(endpoint = "retry-engagement")]
pub async fn retry_engagement(
    sync: String,
    side: String,
    id: String,
    kind: String,
    engagement: String,
) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let here = address(&sync, &side, &id);
    engine.retry_engagement(&runner, &sync, &kind, &engagement).await?;
    page::leave_for(&here);
    Ok(())
}

/// All of them; nothing where there are none.
#[component]
pub(super) fn Engagements(seen: Seen, engagements: Vec<EngagementView>, which: Which) -> impl IntoView {
    if engagements.is_empty() {
        return ().into_any();
    }
    let note = counted(engagements.len() as u64, "is known of this contact", "are known of this contact");
    let mut newest = engagements;
    // What waits or failed comes first: that is what one looks for.
    newest.sort_by_key(|one| !matches!(one.state.as_str(), "failed" | "lost" | "held" | "open"));
    let older = newest.split_off(newest.len().min(SHOWN));
    let older = (!older.is_empty()).then(|| {
        let summary = counted(older.len() as u64, "more", "more");
        let list = view! { <List seen=seen.clone() engagements=older which=which.clone() /> };
        view! {
            <div class="card-body">
                <More summary=summary>{list}</More>
            </div>
        }
    });
    view! {
        <Card title="Notes, tasks and appointments" note=note flush=true>
            <List seen=seen engagements=newest which=which />
            {older}
        </Card>
    }
    .into_any()
}

#[component]
fn List(seen: Seen, engagements: Vec<EngagementView>, which: Which) -> impl IntoView {
    let (now, lacks) = (seen.now(), seen.lacks(Right::Run));
    let columns = vec![Col::text("In GoHighLevel"), Col::text("In Chargify"), Col::text("How it stands"), Col::acts()];
    let rows = engagements
        .into_iter()
        .map(|one| view! { <One one=one which=which.clone() lacks=lacks.clone() now=now /> })
        .collect_view();
    view! {
        <Table caption="Notes, tasks and appointments" columns=columns wide=true>
            {rows}
        </Table>
    }
}

#[component]
fn One(one: EngagementView, which: Which, lacks: Option<String>, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph, word) = standing(&one.state);
    let asks = matches!(one.state.as_str(), "failed" | "lost");
    let when = one.when.as_deref().map(|when| when.chars().take("2026-09-01T10:00".len()).collect::<String>());
    let when = when.map(|when| format!(", {}", when.replace('T', " "))).unwrap_or_default();
    let about = format!("{}{when}", page::capital(&one.kind));
    let place = match (&one.subscription_id, one.written_at) {
        (Some(id), Some(at)) => view! {
            <span>"Note of subscription "<bdi class="mono">{id.clone()}</bdi></span>
            <span class="sub">"written " <Moment at=at.instant() now=now /></span>
        }
        .into_any(),
        _ => view! { <em class="empty-word">"not written"</em> }.into_any(),
    };
    let act = (!one.can.is_empty()).then(|| {
        let text = if one.can == "anew" { "Write it anew" } else { "Try again" };
        view! {
            <form method="post" action=RetryEngagement::url()>
                <input type="hidden" name="sync" value=which.sync.clone() />
                <input type="hidden" name="side" value=which.side.clone() />
                <input type="hidden" name="id" value=which.id.clone() />
                <input type="hidden" name="kind" value=one.kind.clone() />
                <input type="hidden" name="engagement" value=one.id.clone() />
                <Guarded text=text small=true glyph=Glyph::Turning lacks=lacks />
            </form>
        }
    });
    view! {
        <Row standing=if asks { Standing::Asking } else { Standing::Usual }>
            <Name text=one.title sub=about />
            <Cell label="In Chargify">{place}</Cell>
            <Cell label="How it stands">
                <State tone=tone glyph=glyph text=word />
                {(!one.words.is_empty()).then(|| view! { <span class="sub">{one.words.clone()}</span> })}
            </Cell>
            <Acts>{act}</Acts>
        </Row>
    }
}

fn standing(state: &str) -> (Tone, Glyph, &'static str) {
    match state {
        "in_step" => (Tone::Ok, Glyph::Check, "in step"),
        "open" => (Tone::Accent, Glyph::Clock, "changed"),
        "held" => (Tone::Warn, Glyph::Parked, "held"),
        "failed" => (Tone::Bad, Glyph::Failed, "failed"),
        "lost" => (Tone::Bad, Glyph::Failed, "its note is gone"),
        "deleted" => (Tone::Idle, Glyph::Removed, "deleted"),
        "left_out" => (Tone::Idle, Glyph::LeftOut, "left out"),
        "off" => (Tone::Idle, Glyph::LeftOut, "switched off"),
        _ => (Tone::Idle, Glyph::Unreached, "unknown"),
    }
}
