//! Billing facts: what a contact can be told about its customer's subscription, each in a custom field made on request.

use domain::view::FactView;
use leptos::{prelude::*, server_fn::ServerFn as _};

use crate::{
    AppError,
    page::{self, Guarded},
    parts::{Acts, Card, Cell, Col, Glyph, Name, Notice, Row, State, Table, Tone},
};

/// Every billing fact, and where it is told or would be.
#[server(endpoint = "billing-facts")]
pub async fn billing_facts(name: String) -> Result<Vec<FactView>, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.billing_facts(&viewer, &name).await?)
}

/// Makes the custom field that the page named, unless it is there, and a rule for the fact.
#[server(endpoint = "tell-fact")]
pub async fn tell_fact(name: String, fact: String) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    engine.tell_billing_facts(&editor, &name, &[fact]).await?;
    page::leave_for(&format!("/syncs/{}/mapping?done=facts#facts", page::encoded(&name)));
    Ok(())
}

#[component]
pub fn JustTold() -> impl IntoView {
    view! {
        <Notice
            tone=Tone::Ok
            what="The fact has its field and its rule."
            safety="No contact was written. The next run shows what it would write."
            live=true
        />
    }
}

/// The facts, each with what would be made for it before anything is.
#[component]
pub fn Facts(name: String, facts: Vec<FactView>, lacks: Option<String>) -> impl IntoView {
    let columns = vec![Col::text("Fact"), Col::text("Told to GoHighLevel"), Col::acts()];
    let rows = facts
        .into_iter()
        .map(|fact| view! { <FactRow name=name.clone() fact=fact lacks=lacks.clone() /> })
        .collect_view();
    view! {
        <Card
            title="Billing facts"
            note="What Chargify bills, told to contacts: by webhooks within a second, and by runs. They go one way only."
            id="facts"
            flush=true
        >
            <Table caption="Billing facts" columns=columns wide=true>
                {rows}
            </Table>
        </Card>
    }
}

#[component]
fn FactRow(name: String, fact: FactView, lacks: Option<String>) -> impl IntoView {
    let is_told = fact.told_in.is_some();
    let (where_to, press) = words(&fact);
    let state = match fact.told_in {
        Some(field) => view! { <State tone=Tone::Ok glyph=Glyph::Done text=format!("in {field}") /> }.into_any(),
        None => view! { <span>{where_to}</span> }.into_any(),
    };
    let label = format!("{press}: {}", fact.label);
    let button = (!is_told).then(|| {
        view! {
            <form method="post" action=TellFact::url()>
                <input type="hidden" name="name" value=name />
                <input type="hidden" name="fact" value=fact.key.clone() />
                <Guarded text=label lacks=lacks small=true glyph=Glyph::Plus />
            </form>
        }
    });
    view! {
        <Row>
            <Name text=fact.label sub=fact.key />
            <Cell label="Told to GoHighLevel">{state}</Cell>
            <Acts>{button}</Acts>
        </Row>
    }
}

/// What would be made or used, and what the button says.
fn words(fact: &FactView) -> (String, &'static str) {
    match (&fact.kind, fact.is_there) {
        (None, _) => ("as a tag, exchanged when the state changes; other tags stay".to_owned(), "Tell it as a tag"),
        (Some(kind), true) => (format!("in the custom field “{}” ({kind}), which is there", fact.label), "Map it"),
        (Some(kind), false) => (format!("in a new custom field “{}” ({kind})", fact.label), "Make the field"),
    }
}
