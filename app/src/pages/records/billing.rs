//! What a record's customer pays for, with how far that can be trusted.

use domain::view::{BillingView, SubscriptionView};
use leptos::prelude::*;
use time::OffsetDateTime;

use crate::parts::{Card, Cell, Col, Empty, Glyph, Moment, Name, Row, Standing, State, Table, Tone, ago, counted};

/// The subscriptions of the customer; nothing where nothing is known of any.
#[component]
pub(super) fn Billing(billing: Option<BillingView>, now: OffsetDateTime) -> impl IntoView {
    let Some(billing) = billing else { return ().into_any() };
    let note = trust(&billing, now);
    if billing.subscriptions.is_empty() {
        return view! {
            <Card title="Subscriptions" note=note flush=true>
                <Empty what="No subscription" meaning="This customer has never signed up for anything at Chargify." />
            </Card>
        }
        .into_any();
    }
    let several = billing.subscriptions.len() > 1;
    let older = counted(billing.more, "older one is", "older ones are");
    let more = (billing.more > 0).then(|| view! { <p class="card-body meta">{format!("{older} not shown.")}</p> });
    let columns = vec![
        Col::text("Product"),
        Col::text("State"),
        Col::figure("Price"),
        Col::figure("Balance"),
        Col::text("Next billing"),
    ];
    let rows = billing
        .subscriptions
        .into_iter()
        .map(|one| view! { <Subscription one=one several=several now=now /> })
        .collect_view();
    view! {
        <Card title="Subscriptions" note=note flush=true>
            <Table caption="Subscriptions of the customer" columns=columns wide=true>
                {rows}
            </Table>
            {more}
        </Card>
    }
    .into_any()
}

/// How far the copy can be trusted, in words.
fn trust(billing: &BillingView, now: OffsetDateTime) -> String {
    let heard = billing.heard_at.map(|at| format!(", last heard of {}", ago(at.instant(), now)));
    match billing.current_at {
        Some(at) => format!("Current as of {}{}", ago(at.instant(), now), heard.unwrap_or_default()),
        None => format!("Only those that webhooks told of{}", heard.unwrap_or_default()),
    }
}

#[component]
fn Subscription(one: SubscriptionView, several: bool, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph) = match one.standing.as_str() {
        "good" => (Tone::Ok, Glyph::Done),
        "trouble" => (Tone::Bad, Glyph::Warning),
        "ended" => (Tone::Idle, Glyph::Stop),
        _ => (Tone::Idle, Glyph::Unreached),
    };
    let counts = if several && one.governs { "the facts are about this one" } else { "" };
    let sub = if counts.is_empty() { one.id } else { format!("{} · {counts}", one.id) };
    let standing = if one.payment_failed.is_some() { Standing::Asking } else { Standing::Usual };
    let failed = one.payment_failed.map(|words| view! { <span class="sub">{words}</span> });
    let trial = one.trial_ends_at.map(|at| {
        let words = if at.instant() > now { "trial ends " } else { "trial ended " };
        view! { <span class="sub">{words} <Moment at=at.instant() now=now /></span> }
    });
    let next = match one.next_billing_at {
        Some(at) => view! { <Moment at=at.instant() now=now /> }.into_any(),
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let unknown = || "not told".to_owned();
    let balance = one.balance.unwrap_or_else(unknown);
    let balance = if one.owes { view! { <strong>{balance}</strong> }.into_any() } else { balance.into_any() };
    view! {
        <Row standing=standing>
            <Name text=one.product sub=sub />
            <Cell label="State">
                <State tone=tone glyph=glyph text=one.state />
                {failed}
            </Cell>
            <Cell label="Price" class="num">{one.price.unwrap_or_else(unknown)}</Cell>
            <Cell label="Balance" class="num">{balance}</Cell>
            <Cell label="Next billing">{next} {trial}</Cell>
        </Row>
    }
}
