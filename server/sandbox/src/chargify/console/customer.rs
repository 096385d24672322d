//! One customer: its attributes, custom fields, subscriptions and notes.

use maud::{Markup, html};

use super::BOXES;
use crate::chargify::{
    Chargify,
    customers::Customer,
    metafields::Owner,
    products::PRODUCTS,
    subscriptions::{Subscription, SubscriptionState},
};

/// The boxes of a new or known customer, with why the last attempt was refused.
pub(super) fn form(customer: Option<&Customer>, why: Option<&str>) -> Markup {
    let text = |field: &str| customer.map(|customer| customer.text_or_blank(field)).unwrap_or_default();
    let action = customer.map_or("/console/new".to_owned(), |customer| format!("/console/customers/{}", customer.id));
    html! {
        @if let Some(why) = why { p.warning role="alert" { (why) } }
        form.record method="post" action=(action) {
            @for (field, label) in BOXES {
                label { span { (label) } input name=(field) value=(text(field)) dir="auto"; }
            }
            button { "Save" }
        }
    }
}

/// The page of a customer.
pub(super) fn editor(site: &Chargify, customer: &Customer) -> Markup {
    let id = customer.id;
    let subscribed = site.subscriptions.of_customer(id).next().is_some();
    html! {
        p { "Customer " code { (id) } ", changed " (site.site.zone.iso(customer.updated_at)) }
        (form(Some(customer), None))
        h2 { "Custom fields" }
        (fields(site, id))
        h2 { "Subscriptions" }
        @for subscription in site.subscriptions.of_customer(id) { (subscription_block(site, subscription)) }
        form method="post" action={ "/console/customers/" (id) "/subscribe" } {
            select name="product" aria-label="Product" {
                @for product in PRODUCTS { option value=(product.handle) { (product.name) } }
            }
            " "
            button { "Subscribe" }
        }
        h2 { "Delete" }
        @if subscribed {
            p { "A customer with subscriptions cannot be deleted." }
        } @else {
            form method="post" action={ "/console/customers/" (id) "/delete" } {
                button.danger { "Delete customer" }
            }
        }
    }
}

fn fields(site: &Chargify, id: i64) -> Markup {
    let fields = site.custom_fields(Owner::Customer);
    html! {
        table {
            tbody {
                @for field in fields.fields() {
                    @if let Some(value) = fields.value(id, &field.name) {
                        tr { th { (field.name) } td { bdi { (value) } } }
                    }
                }
            }
        }
        form method="post" action={ "/console/customers/" (id) "/field" } {
            input name="name" list="fields" required placeholder="Field" aria-label="Field";
            " "
            datalist id="fields" { @for field in fields.fields() { option value=(field.name); } }
            input name="value" placeholder="Value" aria-label="Value" dir="auto";
            " "
            button { "Set" }
        }
    }
}

fn subscription_block(site: &Chargify, subscription: &Subscription) -> Markup {
    let path = format!("/console/subscriptions/{}", subscription.id);
    html! {
        section aria-label={ "Subscription " (subscription.id) } {
            h3 { (subscription.product().name) " " code { (subscription.id) } }
            form method="post" action={ (path) "/state" } {
                select name="state" aria-label="State" {
                    @for state in SubscriptionState::ALL {
                        option value=(state.name()) selected[state == subscription.state] { (state.name()) }
                    }
                }
                " "
                button { "Set state" }
            }
            form method="post" action={ (path) "/product" } {
                select name="product" aria-label="Product" {
                    @for product in PRODUCTS {
                        option value=(product.handle) selected[product.id == subscription.product_id] { (product.name) }
                    }
                }
                " "
                button { "Change product" }
            }
            form method="post" {
                button formaction={ (path) "/fail" } { "Let a payment fail" }
                " "
                button formaction={ (path) "/pay" } { "Take a payment" }
            }
            ul { @for note in site.notes.of(subscription.id) { li { bdi { (note.body) } } } }
            form method="post" action={ (path) "/note" } {
                input name="body" required placeholder="A note" aria-label="Note" dir="auto";
                " "
                button { "Add note" }
            }
        }
    }
}
