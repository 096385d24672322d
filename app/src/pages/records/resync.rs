//! Bringing one record into step by hand: both services are read now, every change is shown, and only then written.

use domain::view::{AnswerDraft, ChangeView, QuestionKind, RecordView, ResyncView};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::{
    Which,
    one::{Ids, called, read_exactly, record_page},
    question::{self, Question},
};
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

/// Reads both sides of a record now and says what would be written if that were the answer. Writes nothing.
#[server(endpoint = "answer-plan")]
pub async fn answer_plan(
    sync: String,
    side: String,
    id: String,
    #[server(default)] draft: AnswerDraft,
) -> Result<ResyncView, AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    Ok(engine.plan_answer(&runner, &engine::RecordAt { sync, side, id }, &draft).await?)
}

/// Keeps an answer whose effect was shown and sealed, and writes that. Leads to the run, or back where none is needed.
#[server(endpoint = "answer-record")]
pub async fn answer_record(
    sync: String,
    side: String,
    id: String,
    #[server(default)] draft: AnswerDraft,
    seal: String,
) -> Result<Option<u64>, AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let here = super::one::address(&sync, &side, &id);
    let side = side.parse().map_err(|_unknown| engine::EngineError::NotFound("record"))?;
    let number = engine.answer(&runner, &engine::RecordAt { sync, side, id }, &draft, &seal).await?;
    page::leave_for(&number.map_or(here, |number| format!("/runs/{number}")));
    Ok(number)
}

/// What a resync, or an answer to what is asked, would write, and the button that writes it.
#[component]
pub fn ResyncPage() -> impl IntoView {
    let which = Which::from_address();
    let draft = question::answer();
    let refused = page::refused::<ResyncRecord>().or_else(page::refused::<AnswerRecord>);
    let (Which { sync, side, id }, given) = (which.clone(), draft.clone());
    let load = async move {
        // In this order: the plan reads both services, so that the record shown after it is as new.
        let (at, of, on) = (sync.clone(), side.clone(), id.clone());
        let plan =
            if given.is_empty() { resync_plan(at, of, on).await? } else { answer_plan(at, of, on, given).await? };
        Ok((plan, record_page(sync, side, id).await?))
    };
    page::loaded("Resync", load, move |seen, (plan, record)| {
        view! { <Resync seen=seen plan=plan record=record which=which draft=draft refused=refused /> }.into_any()
    })
}

#[component]
fn Resync(
    seen: Seen,
    plan: ResyncView,
    record: RecordView,
    which: Which,
    draft: AnswerDraft,
    refused: Option<AppError>,
) -> impl IntoView {
    let now = seen.now();
    let name = called(&record);
    let back = which.address();
    let (verb, doing) = if draft.is_empty() { ("Resync", "Resync") } else { ("Decide about", "Decision") };
    let crumbs = vec![Crumb::place(Place::Records), Crumb::to(name.clone(), back.clone()), Crumb::here(doing)];
    let read = read_exactly(&record);
    let viewer = seen.viewer();
    let content = content(seen, &record, Shown { plan, which, draft, back, read });
    view! {
        <Frame here=Place::Records viewer=viewer crumbs=crumbs>
            <Head title=format!("{verb} {name}")>
                <Lead slot>
                    <Ids record=record now=now />
                </Lead>
            </Head>
            <WhyNot error=refused />
            {content}
        </Frame>
    }
}

/// A plan on its way to the page.
struct Shown {
    plan: ResyncView,
    which: Which,
    draft: AnswerDraft,
    back: String,
    read: Option<String>,
}

/// The open question, the reason why nothing can be written, or the plan with its button.
fn content(seen: Seen, record: &RecordView, shown: Shown) -> AnyView {
    let Shown { plan, which, draft, back, read } = shown;
    let open = plan.asked.clone().filter(|asked| asked.kind != QuestionKind::LeftOut);
    if let Some(question) = open {
        let problems = view! { <Unanswered draft=draft.clone() problems=plan.problems reason=plan.reason /> };
        return view! {
            {problems}
            <Question seen=seen question=question which=which given=draft />
        }
        .into_any();
    }
    if plan.answers && !matches!(plan.action.as_str(), "fail") {
        return view! { <Plan plan=plan which=which draft=draft back=back read=read /> }.into_any();
    }
    if record.contact_id.is_none() {
        return view! { <NoContact sync=which.sync back=back /> }.into_any();
    }
    if plan.calls == 0 && !ours(&plan.action) {
        return view! { <NothingToWrite reason=plan.reason stopped=stops(&plan.action) back=back /> }.into_any();
    }
    view! { <Plan plan=plan which=which draft=AnswerDraft::default() back=back read=read /> }.into_any()
}

/// Above a question that is still open: what came of the answer, if there was one.
#[component]
fn Unanswered(draft: AnswerDraft, problems: Vec<String>, reason: String) -> impl IntoView {
    let problems: Vec<String> = problems.iter().map(|problem| sentence(problem)).collect();
    let (what, safety) = if draft.is_empty() {
        (sentence(&reason), "Nothing is written before you decide.".to_owned())
    } else if problems.is_empty() {
        ("Something is still to be decided.".to_owned(), "Nothing was written, and nothing is kept yet.".to_owned())
    } else {
        ("That answer cannot be written.".to_owned(), format!("{} Nothing was written.", problems.join(" ")))
    };
    view! { <Notice tone=Tone::Warn what=what safety=safety live=true /> }
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
fn press_words(action: &str, changes: u64) -> String {
    match (action, changes) {
        ("exclude", _) => "Leave it out".to_owned(),
        ("unchanged", _) => "Keep both as they are".to_owned(),
        ("link", 0) => "Make the pair".to_owned(),
        ("unlink", _) => "End the pair".to_owned(),
        ("create_customer", _) => "Create the customer".to_owned(),
        ("create_contact", _) => "Create the contact".to_owned(),
        (_, 0) => "Write it".to_owned(),
        (_, count) => format!("Write {}", counted(count, "change", "changes")),
    }
}

#[component]
fn Plan(plan: ResyncView, which: Which, draft: AnswerDraft, back: String, read: Option<String>) -> impl IntoView {
    let changes = plan.changes.len() as u64;
    let text = press_words(&plan.action, changes);
    let press = if plan.action == "exclude" { Press::Danger } else { Press::Primary };
    let action = if plan.answers { AnswerRecord::url() } else { ResyncRecord::url() };
    let leave = if plan.answers { "Decide later" } else { "Leave it as it is" };
    let answered = plan.answers.then(|| view! { <Answered draft=draft /> });
    let reason = match plan.action.as_str() {
        "exclude" => "It takes no part until somebody lets it. Both sides stay as they are.".to_owned(),
        "unchanged" => "Nothing is written. Both keep what they have, and it is not asked about again.".to_owned(),
        _ => sentence(&plan.reason),
    };
    let seal = plan.seal.clone();
    let table = (changes > 0 || plan.calls > 0).then(|| view! { <Writes plan=plan read=read /> });
    view! {
        <p>{reason}</p>
        {table}
        <form class="line" method="post" action=action>
            <input type="hidden" name="sync" value=which.sync />
            <input type="hidden" name="side" value=which.side />
            <input type="hidden" name="id" value=which.id />
            {answered}
            <input type="hidden" name="seal" value=seal />
            <Button text=text press=press glyph=Glyph::Check />
            <LinkButton text=leave href=back />
        </form>
    }
}

/// Every change, before anything is written.
#[component]
fn Writes(plan: ResyncView, read: Option<String>) -> impl IntoView {
    let note = format!(
        "{}, with {}",
        counted(plan.changes.len() as u64, "field would change", "fields would change"),
        counted(u64::from(plan.calls), "write", "writes"),
    );
    let columns = vec![Col::text("Field"), Col::text("Written to"), Col::text("Before and after")];
    let table = if plan.changes.is_empty() {
        // A pair is joined for good by the contact's id in the customer's `reference`.
        view! { <div class="card-body">"Only the reference that joins the pair is written to the customer."</div> }
            .into_any()
    } else {
        let rows = plan.changes.into_iter().map(|change| view! { <Written change=change /> }).collect_view();
        view! {
            <Table caption="What would be written" columns=columns wide=true>
                {rows}
            </Table>
        }
        .into_any()
    };
    let read = read.map(|at| format!("Read from both services {at}. "));
    let problems: Vec<String> = plan.problems.iter().map(|problem| sentence(problem)).collect();
    let problems = (!problems.is_empty()).then(|| format!("Not written: {} ", problems.join(" ")));
    view! {
        <Card title="This would be written" note=note flush=true>
            {table}
            <Foot slot>
                {problems}
                {read}
                "Nothing is written before you press the button. If anything changes in between, nothing is written either, and you are shown the difference."
            </Foot>
        </Card>
    }
}

/// The answer, sent along with the plan that was shown for it.
#[component]
fn Answered(draft: AnswerDraft) -> impl IntoView {
    let fields = draft.fields.into_iter().enumerate().map(|(place, field)| {
        view! {
            <input type="hidden" name=format!("draft[fields][{place}][rule]") value=field.rule />
            <input type="hidden" name=format!("draft[fields][{place}][keep]") value=field.keep.as_str() />
        }
    });
    view! {
        <input type="hidden" name="draft[partner]" value=draft.partner />
        {fields.collect_view()}
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
        let table = [
            ("update_customer", 1, "Write 1 change"),
            ("update_both", 2, "Write 2 changes"),
            ("update_customer", 0, "Write it"),
            ("link", 0, "Make the pair"),
            ("exclude", 0, "Leave it out"),
            ("create_customer", 9, "Create the customer"),
        ];
        for (action, changes, words) in table {
            assert_eq!(press_words(action, changes), words);
        }
    }

    #[test]
    fn a_reason_reads_as_a_sentence() {
        assert_eq!(sentence("both sides agree"), "Both sides agree.");
        assert_eq!(sentence(""), "");
    }
}
