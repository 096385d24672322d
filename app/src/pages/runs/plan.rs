//! What stands behind the sum of a run: what it costs, who was left out and why, and what keeps it in bounds.

use domain::{
    Side, limits,
    view::{ReasonCountView, RunView},
};
use leptos::prelude::*;

use super::{super::standing, card};
use crate::parts::{
    Col, Figure, Glyph, Item, Items, Reason, Reasons, Row, SideName, Standing, Table, Tone, counted, figure, lasting,
};

/// The three columns under the sum.
#[component]
pub fn Details(run: RunView, excluded: Vec<ReasonCountView>) -> impl IntoView {
    let cost = if card::is_plan(&run) || card::goes_on(&run) {
        view! { <Predicted run=run.clone() /> }.into_any()
    } else {
        view! { <Spent run=run.clone() /> }.into_any()
    };
    view! {
        <div class="divided">
            {cost} <LeftOut run=run.clone() excluded=excluded /> <Rails run=run />
        </div>
    }
}

#[component]
fn Sides(caption: &'static str, columns: [&'static str; 3], rows: [(Option<Side>, [u64; 3]); 3]) -> impl IntoView {
    let heads = std::iter::once(Col::text("Side")).chain(columns.map(Col::figure)).collect();
    let rows = rows
        .into_iter()
        .map(|(side, figures)| {
            let name = match side {
                Some(side) => view! { <SideName half=standing::half(side) /> }.into_any(),
                None => "Together".into_any(),
            };
            let standing = if side.is_some() { Standing::Usual } else { Standing::Total };
            let figures =
                figures.into_iter().zip(columns).map(|(value, label)| view! { <Figure label=label value=value /> });
            view! {
                <Row standing=standing>
                    <th scope="row" role="rowheader">
                        {name}
                    </th>
                    {figures.collect_view()}
                </Row>
            }
        })
        .collect_view();
    view! {
        <Table caption=caption columns=heads fixed=true bleed=true>
            {rows}
        </Table>
    }
}

fn together(chargify: [u64; 3], highlevel: [u64; 3]) -> [(Option<Side>, [u64; 3]); 3] {
    let [a, b, c] = chargify;
    let [d, e, f] = highlevel;
    [(Some(Side::Chargify), chargify), (Some(Side::Highlevel), highlevel), (None, [a + d, b + e, c + f])]
}

#[component]
fn Predicted(run: RunView) -> impl IntoView {
    let side = |writes: u64, calls: u64| [calls.saturating_sub(writes), writes, calls.max(writes)];
    let rows = together(
        side(run.planned_chargify, run.predicted_chargify),
        side(run.planned_highlevel, run.predicted_highlevel),
    );
    let share = u64::from(limits::HIGHLEVEL_DAILY);
    let day = format!(
        "From the answer times measured last. {} of GoHighLevel’s {} calls a day.",
        figure(run.predicted_highlevel),
        figure(share)
    );
    view! {
        <div>
            <h2>"Predicted cost"</h2>
            <Sides caption="Predicted calls" columns=["Reads", "Writes", "Calls"] rows=rows />
            <p>
                <b>{lasting(run.predicted_ms)}</b>
                " to write"
            </p>
            <p class="meta">{day}</p>
        </div>
    }
}

#[component]
fn Spent(run: RunView) -> impl IntoView {
    let side = |planned: u64, predicted: u64, made: u64| [planned, predicted, made];
    let rows = together(
        side(run.planned_chargify, run.predicted_chargify, run.calls_chargify),
        side(run.planned_highlevel, run.predicted_highlevel, run.calls_highlevel),
    );
    let write = run.phases.iter().find(|phase| phase.title == "Write");
    let took = write.and_then(|phase| u64::try_from(phase.finished_at?.0 - phase.started_at?.0).ok());
    let took = took.map(|ms| {
        view! {
            <p>
                <b>{lasting(ms)}</b>
                {format!(" to write, {} predicted", lasting(run.predicted_ms))}
            </p>
        }
    });
    view! {
        <div>
            <h2>"Calls, predicted and made"</h2>
            <Sides caption="Calls, predicted and made" columns=["Writes", "Predicted", "Made"] rows=rows />
            {took}
        </div>
    }
}

#[component]
fn LeftOut(run: RunView, excluded: Vec<ReasonCountView>) -> impl IntoView {
    let whole = run.counts.excluded;
    let reasons: Vec<_> = excluded
        .into_iter()
        .map(|reason| Reason {
            text: crate::page::capital(&reason.reason),
            count: reason.count,
            href: Some("?tab=excluded#records".to_owned()),
        })
        .collect();
    let content = if reasons.is_empty() {
        view! { <p class="quiet">"Nobody was left out."</p> }.into_any()
    } else {
        view! { <Reasons reasons=reasons whole=whole /> }.into_any()
    };
    let alone = (run.left_alone > 0).then(|| {
        let customers = counted(
            run.left_alone,
            "customer in Chargify has no contact. It is",
            "customers in Chargify have no contact. They are",
        );
        view! { <p class="meta">{format!("{customers} left alone: creating contacts is off.")}</p> }
    });
    view! {
        <div>
            <h2>"Left out, by reason " <span class="quiet">{figure(whole)}</span></h2>
            {content}
            {alone}
        </div>
    }
}

#[component]
fn Rails(run: RunView) -> impl IntoView {
    let changes = card::changes(&run);
    let over = changes > limits::FUSE_RECORDS;
    let (glyph, tone) =
        if over && run.approved_by.is_none() { (Glyph::Shield, Tone::Warn) } else { (Glyph::Done, Tone::Ok) };
    let (size, passes) = (counted(changes, "change", "changes"), figure(limits::FUSE_RECORDS));
    let size = if over {
        format!("{size}, more than the {passes} that pass without asking")
    } else {
        format!("{size}, up to {passes} pass without asking")
    };
    let share = format!(
        "It also asks above {} % of the pairs ({} always pass), and to part more than {}",
        limits::FUSE_PERCENT,
        figure(limits::FUSE_FLOOR),
        counted(limits::FUSE_REMOVALS, "pair", "pairs"),
    );
    let (approval, note) = match &run.approved_by {
        Some(person) => (format!("Approved by {person}"), "What the plan showed is what was let through"),
        None if run.status == "awaiting_approval" => {
            ("Waits for approval".to_owned(), "Nothing is written before an operator, admin or owner approves")
        }
        None if run.mode == "dry-run" => ("No approval needed".to_owned(), "A dry run cannot write"),
        None => {
            ("No approval asked".to_owned(), "It stayed within these limits, and nobody asked to see the plan first")
        }
    };
    view! {
        <div>
            <h2>"Guard rails"</h2>
            <Items plain=true>
                <Item name="No deletions" note="A run never deletes a contact or a customer" glyph=Glyph::Done tone=Tone::Ok />
                <Item name="Nothing is written blindly" note="A record that changed after the plan is planned again first" glyph=Glyph::Done tone=Tone::Ok />
                <Item name=size note=share glyph=glyph tone=tone />
                <Item name=approval note=note glyph=Glyph::Shield tone=Tone::Idle />
            </Items>
        </div>
    }
}
