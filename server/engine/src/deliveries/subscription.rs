//! What a recorded Chargify webhook says about a subscription (Maxio docs, Webhooks Reference, seen 2026-08).

use super::{form::Form, payload::instant};
use crate::store::deliveries::DeliveryRow;
use domain::{
    RemoteId, Side,
    subscription::{Payment, State, Subscription},
};

/// Events that tell a subscription whole, besides those whose name begins with `subscription_`.
const TELLING: [&str; 11] = [
    "signup_success",
    "payment_success",
    "payment_failure",
    "renewal_success",
    "renewal_failure",
    "billing_date_change",
    "expiration_date_change",
    "trial_end_notice",
    "pending_cancellation_change",
    "upgrade_downgrade_success",
    "dunning_step_reached",
];

/// Whether an event of this name is looked at for the subscription it tells.
pub(super) fn tells_a_subscription(event: &str) -> bool {
    event.starts_with("subscription_") || TELLING.contains(&event)
}

/// The subscription a payload describes, with the payment it tells of. `None`: it describes none, or not whole; what an
/// older or shorter payload leaves out must not be taken for empty.
pub(crate) fn payload_subscription(row: &DeliveryRow) -> Option<Subscription> {
    if row.side != Side::Chargify.as_str() || !tells_a_subscription(&row.event) {
        return None;
    }
    let form = Form::parse(&row.body);
    let at = |name: &str| form.get(&format!("payload[subscription]{name}"));
    let said = |name: &str| at(name).map(str::trim).filter(|text| !text.is_empty());
    let cents = |name: &str| said(name).and_then(|text| text.parse().ok());
    // Only a payload of our day names every instant, blank ones too.
    at("[next_assessment_at]")?;
    Some(Subscription {
        id: RemoteId::from(said("[id]").filter(|id| *id != "0")?),
        customer_id: RemoteId::from(said("[customer][id]").filter(|id| *id != "0")?),
        state: State::from(said("[state]")?),
        product: said("[product][name]")?.to_owned(),
        product_handle: said("[product][handle]").map(str::to_owned),
        price_in_cents: cents("[product_price_in_cents]").or_else(|| cents("[product][price_in_cents]")),
        balance_in_cents: cents("[balance_in_cents]"),
        currency: said("[currency]").map(str::to_owned),
        next_billing_at: said("[next_assessment_at]").and_then(instant),
        trial_ends_at: said("[trial_ended_at]").and_then(instant),
        created_at: said("[created_at]").and_then(instant)?,
        updated_at: said("[updated_at]").and_then(instant)?,
        event_id: event_id(&form),
        payment: payment(&row.event, &form),
    })
}

fn event_id(form: &Form) -> Option<i64> {
    form.said("payload[event_id]").and_then(|id| id.parse().ok()).filter(|id| *id > 0)
}

fn payment(event: &str, form: &Form) -> Option<Payment> {
    let failed = match event {
        "payment_failure" => true,
        "payment_success" => false,
        _ => return None,
    };
    let said = |name: &str| form.said(&format!("payload[transaction][{name}]"));
    // Without its transaction, the subscription's own change tells when.
    let at = said("created_at").or_else(|| form.said("payload[subscription][updated_at]")).and_then(instant)?;
    let amount_in_cents = said("amount_in_cents").and_then(|cents| cents.parse().ok());
    Some(Payment { failed, amount_in_cents, at, event_id: event_id(form) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn told(event: &str, body: &str) -> Option<Subscription> {
        payload_subscription(&DeliveryRow {
            delivery_id: uuid::Uuid::nil(),
            side: "chargify".to_owned(),
            event: event.to_owned(),
            body: body.as_bytes().to_vec(),
        })
    }

    const PAST_DUE: &str = "id=11&event=payment_failure&payload[subscription][id]=14&payload[subscription][state]=past_due\
        &payload[subscription][created_at]=2026-09-09%2011%3A38%3A32%20-0400\
        &payload[subscription][updated_at]=2026-09-09%2011%3A51%3A12%20-0400\
        &payload[subscription][next_assessment_at]=2026-10-09%2011%3A51%3A11%20-0400\
        &payload[subscription][trial_ended_at]=&payload[subscription][balance_in_cents]=9900\
        &payload[subscription][customer][id]=15&payload[subscription][product][name]=Pro&payload[subscription][group]=\
        &payload[subscription][product][handle]=&payload[subscription][product][price_in_cents]=9900\
        &payload[transaction][amount_in_cents]=9900&payload[transaction][success]=false\
        &payload[transaction][created_at]=2026-09-09%2011%3A51%3A11%20-0400&payload[event_id]=99";

    #[test]
    fn a_payload_tells_the_subscription_and_its_payment() {
        let told = told("payment_failure", PAST_DUE).unwrap();
        assert_eq!((told.id.as_str(), told.customer_id.as_str(), told.state.as_str()), ("14", "15", "past_due"));
        assert_eq!((told.product.as_str(), told.product_handle), ("Pro", None));
        assert_eq!((told.price_in_cents, told.balance_in_cents, told.currency), (Some(9_900), Some(9_900), None));
        assert_eq!(told.updated_at, datetime!(2026-09-09 15:51:12 UTC));
        assert_eq!((told.next_billing_at, told.trial_ends_at), (Some(datetime!(2026-10-09 15:51:11 UTC)), None));
        let at = datetime!(2026-09-09 15:51:11 UTC);
        let payment = Payment { failed: true, amount_in_cents: Some(9_900), at, event_id: Some(99) };
        assert_eq!((told.event_id, told.payment), (Some(99), Some(payment)));
    }

    #[test]
    fn what_is_not_told_whole_is_not_taken_for_empty() {
        for missing in ["[state]=past_due", "[updated_at]", "[next_assessment_at]", "[customer][id]", "[product][name]"]
        {
            let body = PAST_DUE.replace(&format!("payload[subscription]{missing}"), "payload[other]");
            assert_eq!(told("payment_failure", &body), None, "{missing}");
        }
        assert_eq!(told("metered_usage", PAST_DUE), None);
        let sample = PAST_DUE.replace("[subscription][id]=14", "[subscription][id]=0");
        assert_eq!(told("payment_failure", &sample), None);
        assert_eq!(told("subscription_state_change", PAST_DUE).unwrap().payment, None);
        assert_eq!(told("subscription_state_change", "%5B&&=\0"), None);
    }
}
