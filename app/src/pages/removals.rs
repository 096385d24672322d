//! Records that wait to be deleted because their partners were: who, why, since when, and what became of the last ones.

use domain::{
    Right,
    view::{RemovalDraft, RemovalPageView, RemovalView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use super::records::one::address;
use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen},
    parts::{
        Card, Cell, Col, Crumb, Empty, Foot, Frame, Glyph, Head, Moment, Name, Notice, Place, Press, Row, State, Table,
        Takes, TextField, Tone, counted,
    },
};

/// Where the page stands.
pub const HERE: &str = "/deletions";
/// Under which a refused form is kept.
const FORM: &str = "removals";

/// What waits, and what became of the last ones.
#[server(endpoint = "removals-page")]
pub async fn removals_page() -> Result<RemovalPageView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.removals(&viewer).await?)
}

/// Approves the deletion of one record, or of all that were shown.
#[server(endpoint = "approve-removals")]
pub async fn approve_removals(draft: RemovalDraft) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let approved = engine.approve_removals(&runner, &draft).await.map_err(AppError::from);
    let count = kept::refused(FORM, &[("typed", draft.typed.as_str())], approved).await?;
    page::leave_for(&format!("{HERE}?approved={count}"));
    Ok(())
}

/// Keeps one record, or all that were shown, as they are.
#[server(endpoint = "refuse-removals")]
pub async fn refuse_removals(draft: RemovalDraft) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let count = engine.refuse_removals(&runner, &draft).await?;
    page::leave_for(&format!("{HERE}?kept={count}"));
    Ok(())
}

/// The page of the deletions.
#[component]
pub fn RemovalsPage() -> impl IntoView {
    let refused = page::refused::<ApproveRemovals>().or_else(page::refused::<RefuseRemovals>);
    let number = |name: &str| page::query(name).parse::<u64>().ok();
    let done = number("approved").map(|count| (count, true)).or_else(|| number("kept").map(|count| (count, false)));
    let load = async move { Ok((removals_page().await?, kept::take(FORM).await)) };
    page::loaded("Waiting to be deleted", load, move |seen, (view, kept)| {
        view! { <Removals seen=seen view=view kept=kept refused=refused done=done /> }.into_any()
    })
}

#[component]
fn Removals(
    seen: Seen,
    view: RemovalPageView,
    kept: Kept,
    refused: Option<AppError>,
    done: Option<(u64, bool)>,
) -> impl IntoView {
    let now = seen.now();
    let lacks = seen.lacks(Right::Approve);
    let crumbs = vec![Crumb::place(Place::Records), Crumb::here("Waiting to be deleted")];
    let lead = "A record stands here when its partner was deleted and its sync says that a person decides. Nothing is \
                deleted before; both records are read once more, and what changed or came back stays.";
    let done = done.map(|(count, approved)| {
        let what = match (count, approved) {
            (1, true) => "One deletion is approved.".to_owned(),
            (count, true) => format!("{count} deletions are approved."),
            (count, false) => format!("{}.", counted(count, "record is kept", "records are kept")),
        };
        let safety = if approved {
            "Each is read once more first; what became of it stands below."
        } else {
            "Nothing of it changes."
        };
        view! { <Notice tone=Tone::Ok what=what safety=safety live=true /> }
    });
    let RemovalPageView { waiting, total, typed_beyond, settled } = view;
    let waiting = if waiting.is_empty() {
        let meaning = "What a sync does when a record is deleted stands in its settings.";
        view! {
            <Card flush=true>
                <Empty what="Nothing waits to be deleted" meaning=meaning />
            </Card>
        }
        .into_any()
    } else {
        let many = total > typed_beyond;
        view! { <Waiting rows=waiting total=total many=many kept=kept lacks=lacks now=now /> }.into_any()
    };
    let settled = (!settled.is_empty()).then(|| view! { <Settled rows=settled now=now /> });
    view! {
        <Frame here=Place::Records viewer=seen.viewer() crumbs=crumbs>
            <Head title="Waiting to be deleted" lead_text=lead />
            <Refused error=refused />
            {done}
            {waiting}
            {settled}
        </Frame>
    }
}

#[component]
fn Waiting(
    rows: Vec<RemovalView>,
    total: u64,
    many: bool,
    kept: Kept,
    lacks: Option<String>,
    now: OffsetDateTime,
) -> impl IntoView {
    let columns = vec![Col::text("Record"), Col::text("Why"), Col::text("Since"), Col::text("Decision")];
    let fixed = lacks.clone();
    let shown = rows.len() as u64;
    let rows: Vec<_> = rows.into_iter().map(|row| view! { <Asked row=row lacks=fixed.clone() now=now /> }).collect();
    let note =
        if shown < total { format!("the first {shown} of {total}") } else { counted(total, "record", "records") };
    view! {
        <Card title="They wait for a person" note=note flush=true>
            <Table caption="Records that wait to be deleted" columns=columns>
                {rows}
            </Table>
            <Foot slot>
                <All total=total many=many kept=kept lacks=lacks />
            </Foot>
        </Card>
    }
}

/// One answer for all of them.
#[component]
fn All(total: u64, many: bool, kept: Kept, lacks: Option<String>) -> impl IntoView {
    let typed = many.then(|| {
        view! {
            <TextField
                label=format!("Type {total} to delete all of them")
                name="draft[typed]"
                id="typed"
                takes=Takes::Number
                required=true
                value=kept.value("typed")
                error=kept.problem("typed")
            />
        }
    });
    let shown = total.to_string();
    view! {
        <form class="line" method="post" action=ApproveRemovals::url()>
            <input type="hidden" name="draft[shown]" value=shown.clone() />
            {typed}
            <Guarded text=format!("Delete all {total}") press=Press::Danger lacks=lacks.clone() />
        </form>
        <form class="line" method="post" action=RefuseRemovals::url()>
            <input type="hidden" name="draft[shown]" value=shown />
            <Guarded text=format!("Keep all {total}") lacks=lacks />
        </form>
    }
}

#[component]
fn Asked(row: RemovalView, lacks: Option<String>, now: OffsetDateTime) -> impl IntoView {
    let href = address(&row.sync, row.side.as_str(), &row.remote_id);
    let partner = address(&row.sync, row.side.other().as_str(), &row.gone_id);
    let name = if row.name.is_empty() { format!("{} {}", row.side.noun(), row.remote_id) } else { row.name.clone() };
    let service = page::service(row.side);
    let sub = row.email.clone().unwrap_or_default();
    let why = page::capital(&row.reason);
    view! {
        <Row>
            <Name text=name href=href sub=sub />
            <Cell label="Why" sub=row.detail.clone()>
                {why}
                " "
                <a href=partner>{format!("The deleted {}", row.side.other().noun())}</a>
            </Cell>
            <Cell label="Since" class="nowrap">
                <Moment at=row.asked_at.instant() now=now />
            </Cell>
            <Cell label="Decision">
                <div class="line">
                    <form method="post" action=ApproveRemovals::url()>
                        <input type="hidden" name="draft[id]" value=row.id.clone() />
                        <Guarded text=format!("Delete in {service}") press=Press::Danger small=true lacks=lacks.clone() />
                    </form>
                    <form method="post" action=RefuseRemovals::url()>
                        <input type="hidden" name="draft[id]" value=row.id />
                        <Guarded text="Keep it" small=true lacks=lacks />
                    </form>
                </div>
            </Cell>
        </Row>
    }
}

#[component]
fn Settled(rows: Vec<RemovalView>, now: OffsetDateTime) -> impl IntoView {
    let columns = vec![Col::text("Record"), Col::text("What became of it"), Col::text("Decided")];
    let rows: Vec<_> = rows.into_iter().map(|row| view! { <Ended row=row now=now /> }).collect();
    view! {
        <Card title="What became of the last ones" flush=true>
            <Table caption="Deletions that were decided about or withdrawn" columns=columns>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn Ended(row: RemovalView, now: OffsetDateTime) -> impl IntoView {
    let href = address(&row.sync, row.side.as_str(), &row.remote_id);
    let name = if row.name.is_empty() { format!("{} {}", row.side.noun(), row.remote_id) } else { row.name };
    let (tone, glyph, word) = match row.state.as_str() {
        "approved" => (Tone::Accent, Glyph::Clock, "Approved"),
        "done" => (Tone::Ok, Glyph::Trash, "Deleted"),
        "refused" => (Tone::Idle, Glyph::Check, "Kept"),
        "withdrawn" => (Tone::Idle, Glyph::Undo, "Withdrawn"),
        _ => (Tone::Bad, Glyph::Failed, "Failed"),
    };
    let decided = row.decided.map(|(person, at)| {
        view! {
            {format!("{person} ")}
            <Moment at=at.instant() now=now />
        }
    });
    view! {
        <Row>
            <Name text=name href=href sub=row.email.unwrap_or_default() />
            <Cell label="What became of it" sub=row.detail>
                <State tone=tone glyph=glyph text=word />
            </Cell>
            <Cell label="Decided">{decided}</Cell>
        </Row>
    }
}
