//! Bringing one record into step by hand: both services are read now, every change is shown, and only then written.

use domain::view::{ChangeView, RecordView, ResyncView};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::one::{Ids, address, called, read_exactly, record_page};
use crate::{
    AppError,
    page::{self, Refused, Seen},
    parts::{
        Actions, Button, Card, Cell, Change, Col, Crumb, Diff, Foot, Frame, Glyph, Half, Head, Lead, LinkButton, Name,
        Notice, Place, Press, Row, SideName, Table, Tone, counted,
    },
};

/// Reads both sides of a record now and says what a resync would write. Writes nothing.
#[server(endpoint = "resync-plan")]
pub async fn resync_plan(sync: String, side: String, id: String) -> Result<ResyncView, AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    Ok(engine.plan_resync(&runner, &sync, side, &id).await?)
}

/// Writes what was shown and sealed, and nothing else. Leads to the run.
#[server(endpoint = "resync-record")]
pub async fn resync_record(sync: String, side: String, id: String, seal: String) -> Result<u64, AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    let number = engine.resync(&runner, &sync, side, &id, &seal).await?;
    page::leave_for(&format!("/runs/{number}"));
    Ok(number)
}

/// The record that a resync is about, as its address names it.
#[derive(Clone, Debug)]
struct Which {
    sync: String,
    side: String,
    id: String,
}

impl Which {
    fn address(&self) -> String {
        address(&self.sync, &self.side, &self.id)
    }
}

/// What a resync would write, and the button that writes it.
#[component]
pub fn ResyncPage() -> impl IntoView {
    let which = Which { sync: page::param("sync"), side: page::param("side"), id: page::param("id") };
    let refused = page::refused::<ResyncRecord>();
    let Which { sync, side, id } = which.clone();
    let load = async move {
        // In this order: the plan reads both services, so that the record shown after it is as new.
        let plan = resync_plan(sync.clone(), side.clone(), id.clone()).await?;
        Ok((plan, record_page(sync, side, id).await?))
    };
    page::loaded("Resync", load, move |seen, (plan, record)| {
        view! { <Resync seen=seen plan=plan record=record which=which refused=refused /> }.into_any()
    })
}

#[component]
fn Resync(seen: Seen, plan: ResyncView, record: RecordView, which: Which, refused: Option<AppError>) -> impl IntoView {
    let now = seen.now();
    let name = called(&record);
    let back = which.address();
    let crumbs = vec![Crumb::place(Place::Records), Crumb::to(name.clone(), back.clone()), Crumb::here("Resync")];
    let read = read_exactly(&record);
    let content = if record.contact_id.is_none() {
        view! { <NoContact sync=which.sync.clone() back=back /> }.into_any()
    } else if plan.calls == 0 && !ours(&plan.action) {
        view! { <NothingToWrite reason=plan.reason stopped=stops(&plan.action) back=back /> }.into_any()
    } else {
        view! { <Plan plan=plan which=which back=back read=read /> }.into_any()
    };
    view! {
        <Frame here=Place::Records viewer=seen.viewer() crumbs=crumbs>
            <Head title=format!("Resync {name}")>
                <Lead slot>
                    <Ids record=record now=now />
                </Lead>
            </Head>
            <WhyNot error=refused />
            {content}
        </Frame>
    }
}

/// Why the resync that was asked for did not happen.
#[component]
fn WhyNot(error: Option<AppError>) -> impl IntoView {
    match error {
        Some(AppError::AlreadyDone) => view! {
            <Notice
                tone=Tone::Warn
                what="The record changed while you looked at it."
                safety="Nothing was written. Both services were read again; below is what would be written now."
                live=true
            />
        }
        .into_any(),
        error => view! { <Refused error=error /> }.into_any(),
    }
}

/// Whether a person has to do something before anything can be written.
fn stops(action: &str) -> bool {
    matches!(action, "conflict" | "ambiguous" | "fail" | "exclude")
}

/// Whether only Concord's own note of the pair would change, without a call to either service.
fn ours(action: &str) -> bool {
    matches!(action, "link" | "unlink")
}

#[component]
fn NothingToWrite(reason: String, stopped: bool, back: String) -> impl IntoView {
    let reason = sentence(&reason);
    let (tone, what) = if stopped {
        (Tone::Warn, "Nothing can be written as it stands.")
    } else {
        (Tone::Ok, "Nothing would change.")
    };
    let safety = format!("{reason} Both services were read just now, and nothing was written.");
    view! {
        <Notice tone=tone what=what safety=safety>
            <Actions slot>
                <LinkButton text="Back to the record" href=back press=Press::Plain />
            </Actions>
        </Notice>
    }
}

#[component]
fn NoContact(sync: String, back: String) -> impl IntoView {
    let safety = format!(
        "A resync brings a pair into step, and this customer has none. The next run of {sync} looks for its contact. Nothing was written."
    );
    view! {
        <Notice tone=Tone::Idle what="This customer has no contact yet." safety=safety>
            <Actions slot>
                <LinkButton text="Back to the record" href=back press=Press::Plain />
            </Actions>
        </Notice>
    }
}

/// A reason as a sentence.
fn sentence(words: &str) -> String {
    let words = words.trim_end_matches('.');
    if words.is_empty() { String::new() } else { format!("{}.", page::capital(words)) }
}

/// What the button does, with its number.
fn press_words(plan: &ResyncView) -> String {
    match (plan.action.as_str(), plan.changes.len() as u64) {
        ("link", 0) => "Make the pair".to_owned(),
        ("unlink", _) => "End the pair".to_owned(),
        (_, 0) => "Write it".to_owned(),
        (_, count) => format!("Write {}", counted(count, "change", "changes")),
    }
}

#[component]
fn Plan(plan: ResyncView, which: Which, back: String, read: Option<String>) -> impl IntoView {
    let note = format!(
        "{}, with {}",
        counted(plan.changes.len() as u64, "field would change", "fields would change"),
        counted(u64::from(plan.calls), "write", "writes"),
    );
    let text = press_words(&plan);
    let columns = vec![Col::text("Field"), Col::text("Written to"), Col::text("Before and after")];
    let rows = plan.changes.into_iter().map(|change| view! { <Written change=change /> }).collect_view();
    let read = read.map(|at| format!("Read from both services {at}. "));
    view! {
        <p>{sentence(&plan.reason)}</p>
        <Card title="This would be written" note=note flush=true>
            <Table caption="What a resync would write" columns=columns wide=true>
                {rows}
            </Table>
            <Foot slot>
                {read}
                "Nothing is written before you press the button. If anything changes in between, nothing is written either, and you are shown the difference."
            </Foot>
        </Card>
        <form class="line" method="post" action=ResyncRecord::url()>
            <input type="hidden" name="sync" value=which.sync />
            <input type="hidden" name="side" value=which.side />
            <input type="hidden" name="id" value=which.id />
            <input type="hidden" name="seal" value=plan.seal />
            <Button text=text press=Press::Primary glyph=Glyph::Check />
            <LinkButton text="Leave it as it is" href=back />
        </form>
    }
}

#[component]
fn Written(change: ChangeView) -> impl IntoView {
    let half = if change.side == "highlevel" { Half::HighLevel } else { Half::Chargify };
    view! {
        <Row>
            <Name text=change.field />
            <Cell label="Written to">
                <SideName half=half />
            </Cell>
            <Cell label="Before and after">
                <Diff change=Change::new("", change.before, change.after) />
            </Cell>
        </Row>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_says_how_much_is_written() {
        let change = ChangeView {
            side: "chargify".to_owned(),
            field: "phone".to_owned(),
            before: String::new(),
            after: "1".to_owned(),
        };
        let plan = |changes| ResyncView {
            action: "update_chargify".to_owned(),
            reason: String::new(),
            changes,
            calls: 1,
            seal: String::new(),
        };
        assert_eq!(press_words(&plan(vec![change.clone()])), "Write 1 change");
        assert_eq!(press_words(&plan(vec![change.clone(), change])), "Write 2 changes");
        assert_eq!(press_words(&plan(Vec::new())), "Write it");
    }

    #[test]
    fn a_reason_reads_as_a_sentence() {
        assert_eq!(sentence("both sides agree"), "Both sides agree.");
        assert_eq!(sentence(""), "");
    }
}
