//! Fields that several forms of a sync share.

use domain::limits;
use leptos::prelude::*;

use crate::{
    kept::Kept,
    parts::{Card, Takes, TextField},
};

/// Who takes part, by tag.
#[component]
pub fn TagFields(only: String, never: String, kept: Kept) -> impl IntoView {
    view! {
        <div class="form two">
            <TextField
                label="Only with this tag"
                name="draft[only_tag]"
                id="tag"
                optional=true
                value=only
                hint="Left empty, the tag does not matter."
                error=kept.problem("tag")
            />
            <TextField
                label="Never with this tag"
                name="draft[not_tag]"
                id="not_tag"
                optional=true
                value=never
                hint="Contacts that carry it are left out."
                error=kept.problem("not_tag")
            />
        </div>
    }
}

/// How many calls a sync may have in flight.
#[component]
pub fn SlotsField(value: String, error: Option<String>) -> impl IntoView {
    view! {
        <TextField
            label="Calls in flight at Chargify"
            name="draft[slots]"
            id="slots"
            takes=Takes::Number
            required=true
            value=value
            hint=format!(
                "{} to {}. Chargify gives a site four for everybody; {} leaves one for your other systems.",
                limits::LANE_SLOTS_MIN, limits::LANE_SLOTS_MAX, limits::LANE_SLOTS_DEFAULT,
            )
            error=error
        />
    }
}

/// The end of a form: the reason, then the buttons.
#[component]
pub fn Save(kept: Kept, children: Children) -> impl IntoView {
    view! {
        <Card title="Save">
            <div class="form">
                <TextField
                    label="Reason"
                    name="draft[reason]"
                    id="reason"
                    required=true
                    value=kept.value("reason")
                    hint="Stands in the audit trail."
                    error=kept.problem("reason")
                />
                <div class="line">{children()}</div>
            </div>
        </Card>
    }
}
