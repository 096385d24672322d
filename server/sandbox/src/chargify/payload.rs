//! Webhook payloads: form pairs in which everything is text, instants are US Eastern and `null` is blank.

use time::OffsetDateTime;

use super::{
    customers::Customer,
    payments::Transaction,
    products::Product,
    site::Site,
    subscriptions::{Subscription, SubscriptionState},
    zone::Zone,
};
use crate::request::encode;

/// A payload under construction. Brackets stay as they are, values are percent-encoded.
#[derive(Debug, Default)]
pub(super) struct Form(String);

impl Form {
    /// Adds `payload[path]=value`; the path comes with its brackets.
    pub(super) fn add(&mut self, path: &str, value: &str) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str("payload");
        self.0.push_str(path);
        self.0.push('=');
        self.0.push_str(&encode(value));
        self
    }

    fn text(&mut self, prefix: &str, name: &str, value: impl ToString) {
        self.add(&format!("{prefix}[{name}]"), &value.to_string());
    }

    fn at(&mut self, prefix: &str, name: &str, value: Option<OffsetDateTime>) {
        let shown = value.map(|at| Zone::Eastern.spaced(at)).unwrap_or_default();
        self.add(&format!("{prefix}[{name}]"), &shown);
    }

    fn blank(&mut self, prefix: &str, names: &[&str]) {
        for name in names {
            self.add(&format!("{prefix}[{name}]"), "");
        }
    }

    fn site(&mut self, site: &Site, event_id: i64) {
        self.text("[site]", "id", site.id);
        self.text("[site]", "subdomain", &site.subdomain);
        self.add("[event_id]", &event_id.to_string());
    }
}

/// `customer_create` and `customer_update`: the record, without any of its former values.
pub(super) fn customer_event(customer: &Customer, site: &Site, event_id: i64) -> String {
    let mut form = Form::default();
    customer_fields(&mut form, "[customer]", customer, false);
    form.site(site, event_id);
    form.0
}

/// `signup_success` and `subscription_state_change`.
pub(super) fn subscription_event(
    (subscription, previous): (&Subscription, SubscriptionState),
    customer: &Customer,
    product: &Product,
    site: &Site,
    event_id: i64,
) -> String {
    subscription_event_with((subscription, previous), customer, product, (site, event_id), |_, _| {})
}

/// The same with more behind the subscription.
pub(super) fn subscription_event_with(
    (subscription, previous): (&Subscription, SubscriptionState),
    customer: &Customer,
    product: &Product,
    (site, event_id): (&Site, i64),
    more: impl Fn(&mut Form, &Site),
) -> String {
    let mut form = Form::default();
    let prefix = "[subscription]";
    subscription_fields(&mut form, subscription, previous);
    customer_fields(&mut form, "[subscription][customer]", customer, true);
    product_fields(&mut form, "[subscription][product]", product, site);
    form.blank(prefix, &["group"]);
    more(&mut form, site);
    form.site(site, event_id);
    form.0
}

/// What a `subscription_product_change` adds.
pub(super) fn previous_product(form: &mut Form, product: &Product, site: &Site) {
    product_fields(form, "[previous_product]", product, site);
}

/// What a `payment_success` or `payment_failure` adds.
pub(super) fn transaction(form: &mut Form, transaction: &Transaction) {
    let prefix = "[transaction]";
    form.text(prefix, "id", transaction.id);
    form.text(prefix, "amount_in_cents", transaction.amount_in_cents);
    form.text(prefix, "ending_balance_in_cents", transaction.ending_balance_in_cents);
    form.text(prefix, "success", transaction.success);
    form.text(prefix, "transaction_type", "payment");
    form.text(prefix, "type", "Payment");
    form.blank(prefix, &["memo", "kind", "payment_id", "gateway_transaction_id"]);
    form.at(prefix, "created_at", Some(transaction.created_at));
}

/// The plain test event.
pub(super) fn test_event() -> String {
    "payload[chargify]=testing".to_owned()
}

/// What the webhook testing page sends for `customer_update`: sample data under the id 0.
pub(super) fn sample_customer_event(site: &Site) -> String {
    let mut form = Form::default();
    for (name, value) in [
        ("id", "0"),
        ("first_name", "Jimmy"),
        ("last_name", "Joker"),
        ("email", "jimmy@example.com"),
        ("organization", "JankyCo"),
        ("reference", ""),
        ("updated_at", "2012-09-09 11:48:23 -0400"),
    ] {
        form.text("[customer]", name, value);
    }
    form.site(site, 0);
    form.0
}

/// The attributes of a customer. Inside subscriptions the derived names come along, alone they do not.
fn customer_fields(form: &mut Form, prefix: &str, customer: &Customer, nested: bool) {
    form.text(prefix, "id", customer.id);
    for name in ["first_name", "last_name", "organization", "email"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    form.at(prefix, "created_at", Some(customer.created_at));
    form.at(prefix, "updated_at", Some(customer.updated_at));
    for name in ["reference", "address", "address_2"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    form.blank(prefix, &["address_3"]);
    for name in ["city", "state"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    if nested {
        form.text(prefix, "state_name", customer.state_name().unwrap_or_default());
    }
    for name in ["zip", "country"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    if nested {
        form.text(prefix, "country_name", customer.country_name().unwrap_or_default());
    }
    form.text(prefix, "phone", customer.text_or_blank("phone"));
    form.blank(prefix, &["portal_invite_last_sent_at", "portal_invite_last_accepted_at"]);
    form.text(prefix, "verified", customer.verified.map(|flag| flag.to_string()).unwrap_or_default());
    form.blank(prefix, &["portal_customer_created_at"]);
    for name in ["vat_number", "cc_emails"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    form.text(prefix, "tax_exempt", customer.tax_exempt);
    form.text(prefix, "tax_exempt_reason", customer.text_or_blank("tax_exempt_reason"));
    form.text(prefix, "parent_id", customer.parent_id.map(|id| id.to_string()).unwrap_or_default());
    for name in ["locale", "salesforce_id"] {
        form.text(prefix, name, customer.text_or_blank(name));
    }
    if !nested {
        form.blank(prefix, &["default_auto_renewal_profile_id"]);
    }
}

fn subscription_fields(form: &mut Form, subscription: &Subscription, previous: SubscriptionState) {
    let prefix = "[subscription]";
    let product_price = subscription.price_in_cents;
    form.text(prefix, "id", subscription.id);
    form.text(prefix, "state", subscription.state.name());
    form.at(prefix, "trial_started_at", subscription.trial_started_at);
    form.at(prefix, "trial_ended_at", subscription.trial_ended_at);
    form.at(prefix, "activated_at", subscription.activated_at);
    form.at(prefix, "created_at", Some(subscription.created_at));
    form.at(prefix, "updated_at", Some(subscription.updated_at));
    form.at(prefix, "expires_at", subscription.expires_at);
    form.text(prefix, "balance_in_cents", subscription.balance_in_cents);
    form.at(prefix, "current_period_ends_at", Some(subscription.period_ends_at));
    form.at(prefix, "next_assessment_at", Some(subscription.period_ends_at));
    form.at(prefix, "canceled_at", subscription.canceled_at);
    form.text(prefix, "cancellation_message", subscription.cancellation_message.as_deref().unwrap_or_default());
    form.blank(prefix, &["next_product_id", "next_product_handle"]);
    form.text(prefix, "cancel_at_end_of_period", false);
    form.text(prefix, "payment_collection_method", &subscription.collection_method);
    form.blank(prefix, &["snap_day"]);
    form.text(prefix, "cancellation_method", subscription.cancellation_method.unwrap_or_default());
    form.at(prefix, "current_period_started_at", Some(subscription.period_started_at));
    form.text(prefix, "previous_state", previous.name());
    form.text(prefix, "signup_payment_id", subscription.signup_payment_id);
    form.text(prefix, "signup_revenue", "0.00");
    form.blank(prefix, &["delayed_cancel_at", "coupon_code"]);
    form.text(prefix, "total_revenue_in_cents", 0);
    form.text(prefix, "product_price_in_cents", product_price);
    form.text(prefix, "product_version_number", 1);
    form.blank(prefix, &["payment_type", "referral_code", "coupon_use_count", "coupon_uses_allowed", "reason_code"]);
    form.blank(prefix, &["automatically_resume_at", "offer_id", "payer_id", "receives_invoice_emails"]);
    form.text(prefix, "product_price_point_id", subscription.product().price_point_id());
    form.blank(prefix, &["next_product_price_point_id"]);
    form.text(prefix, "credit_balance_in_cents", 0);
    form.text(prefix, "prepayment_balance_in_cents", 0);
    form.blank(prefix, &["net_terms", "stored_credential_transaction_id", "locale"]);
    form.text(prefix, "reference", subscription.reference.as_deref().unwrap_or_default());
    form.text(prefix, "currency", "USD");
    form.at(prefix, "on_hold_at", subscription.on_hold_at);
    form.blank(prefix, &["scheduled_cancellation_at"]);
    form.text(prefix, "product_price_point_type", "default");
    form.text(prefix, "dunning_communication_delay_enabled", false);
    form.blank(prefix, &["dunning_communication_delay_time_zone"]);
}

/// A product; its signup pages come as repeated keys without an index.
fn product_fields(form: &mut Form, prefix: &str, product: &Product, site: &Site) {
    form.text(prefix, "id", product.id);
    form.text(prefix, "name", product.name);
    form.text(prefix, "handle", product.handle);
    form.blank(prefix, &["description", "accounting_code"]);
    form.text(prefix, "request_credit_card", true);
    form.blank(prefix, &["expiration_interval"]);
    form.text(prefix, "expiration_interval_unit", "never");
    form.at(prefix, "created_at", Some(product.created_at));
    form.at(prefix, "updated_at", Some(product.created_at));
    form.text(prefix, "price_in_cents", product.price_in_cents);
    form.text(prefix, "interval", 1);
    form.text(prefix, "interval_unit", product.interval_unit);
    form.blank(prefix, &["initial_charge_in_cents", "trial_price_in_cents", "trial_interval"]);
    form.text(prefix, "trial_interval_unit", "month");
    form.blank(prefix, &["archived_at"]);
    form.text(prefix, "require_credit_card", false);
    form.blank(prefix, &["return_params"]);
    form.text(prefix, "taxable", false);
    form.blank(prefix, &["update_return_url", "update_return_params", "tax_code", "item_category"]);
    form.text(prefix, "initial_charge_after_trial", false);
    form.text(prefix, "version_number", 1);
    form.text(prefix, "default_product_price_point_id", product.price_point_id());
    for name in ["request_billing_address", "require_billing_address", "require_shipping_address"] {
        form.text(prefix, name, false);
    }
    form.text(prefix, "use_site_exchange_rate", true);
    form.text(prefix, "product_price_point_id", product.price_point_id());
    form.text(prefix, "product_price_point_name", "Original");
    form.text(prefix, "product_price_point_handle", format!("uuid:{}", product.handle));
    let family = format!("{prefix}[product_family]");
    form.text(&family, "id", super::products::FAMILY_ID);
    form.text(&family, "name", super::products::FAMILY_NAME);
    form.text(&family, "handle", super::products::FAMILY_HANDLE);
    form.blank(&family, &["description", "accounting_code"]);
    form.at(&family, "created_at", Some(product.created_at));
    form.at(&family, "updated_at", Some(product.created_at));
    let pages = format!("{prefix}[public_signup_pages]");
    for page in product.signup_pages(&site.subdomain) {
        form.text(&pages, "id", page.0);
        form.text(&pages, "url", page.1);
    }
}
