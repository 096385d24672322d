//! A record that was deleted at its service: when it went, how that is known, and what became of its partner.

use domain::view::{FormerPartnerView, RecordView, TombstoneView};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::one::address;
use crate::{
    page,
    parts::{Card, Cell, Col, Glyph, Item, Items, Moment, Name, Notice, Row, Table, Tone},
};

/// What is known of its end.
#[component]
pub(super) fn Gone(record: RecordView, gone: TombstoneView, now: OffsetDateTime) -> impl IntoView {
    let TombstoneView { side, at, how, kept_until, partner } = gone;
    let what = format!("This {} was deleted in {}.", side.noun(), page::service(side));
    let half = super::standing::half(partner.as_ref().map_or(side, |partner| partner.side));
    let partner = partner.map(|partner| {
        let FormerPartnerView { side, id, name, what, is_known } = partner;
        let name = if name.is_empty() { format!("{} {id}", page::capital(side.noun())) } else { name };
        let href = is_known.then(|| address(&record.sync, side.as_str(), &id));
        view! { <Item name=name note=what href=href half=half /> }
    });
    let alone = partner.is_none();
    view! {
        <Notice tone=Tone::Idle what=what safety=how glyph=Glyph::Trash />
        <Card title="What became of its partner" flush=true>
            {(!alone).then(|| view! { <Items>{partner}</Items> })}
            {alone
                .then(|| view! { <p class="card-body">"It never had one, so nothing else was touched."</p> })}
        </Card>
        <p class="meta">
            "Found to be gone " <Moment at=at.instant() now=now /> ". Its last values are kept until "
            <Moment at=kept_until.instant() now=now />
            "; should it be restored before then, it comes back with its pair by itself."
        </p>
    }
}

/// The values it had last.
#[component]
pub(super) fn LastValues(record: RecordView) -> impl IntoView {
    let columns = vec![Col::text("Field"), Col::text("Last value")];
    let rows = record.fields.into_iter().filter_map(|field| {
        let named = if record.contact_id.is_some() { field.highlevel_field } else { field.chargify_field };
        let value = field.highlevel.or(field.chargify).filter(|value| !value.is_empty())?;
        Some(view! {
            <Row>
                <Name text=field.label sub=named />
                <Cell label="Last value">
                    <bdi>{value}</bdi>
                </Cell>
            </Row>
        })
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <Card title="As it was last read" flush=true>
            <Table caption="Values of the deleted record" columns=columns wide=true>
                {rows}
            </Table>
        </Card>
    }
}
