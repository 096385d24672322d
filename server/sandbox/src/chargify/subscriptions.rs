//! Subscriptions: the record, its states, and the indexes by customer and reference.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    products::{PRODUCTS, Product},
    zone::{Zone, whole_seconds},
};

const FIRST_ID: i64 = 2_179_431_128;

/// Every state the vendor's schema lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    Pending,
    FailedToCreate,
    Trialing,
    Assessing,
    Active,
    SoftFailure,
    PastDue,
    Suspended,
    Canceled,
    Expired,
    Paused,
    Unpaid,
    TrialEnded,
    OnHold,
    AwaitingSignup,
}

impl SubscriptionState {
    pub const ALL: [Self; 15] = [
        Self::Pending,
        Self::FailedToCreate,
        Self::Trialing,
        Self::Assessing,
        Self::Active,
        Self::SoftFailure,
        Self::PastDue,
        Self::Suspended,
        Self::Canceled,
        Self::Expired,
        Self::Paused,
        Self::Unpaid,
        Self::TrialEnded,
        Self::OnHold,
        Self::AwaitingSignup,
    ];

    /// As the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::FailedToCreate => "failed_to_create",
            Self::Trialing => "trialing",
            Self::Assessing => "assessing",
            Self::Active => "active",
            Self::SoftFailure => "soft_failure",
            Self::PastDue => "past_due",
            Self::Suspended => "suspended",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Paused => "paused",
            Self::Unpaid => "unpaid",
            Self::TrialEnded => "trial_ended",
            Self::OnHold => "on_hold",
            Self::AwaitingSignup => "awaiting_signup",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: i64,
    pub customer_id: i64,
    pub product_id: i64,
    pub state: SubscriptionState,
    pub reference: Option<String>,
    pub collection_method: String,
    pub price_in_cents: i64,
    pub balance_in_cents: i64,
    pub signup_payment_id: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub activated_at: Option<OffsetDateTime>,
    pub trial_started_at: Option<OffsetDateTime>,
    pub trial_ended_at: Option<OffsetDateTime>,
    pub expires_at: Option<OffsetDateTime>,
    pub canceled_at: Option<OffsetDateTime>,
    pub on_hold_at: Option<OffsetDateTime>,
    pub period_started_at: OffsetDateTime,
    pub period_ends_at: OffsetDateTime,
    pub cancellation_method: Option<&'static str>,
    pub cancellation_message: Option<String>,
}

impl Subscription {
    /// What is subscribed to. Products never go away.
    pub fn product(&self) -> Product {
        let [first, ..] = PRODUCTS;
        Product::find(Some(self.product_id), None).unwrap_or(first)
    }

    /// The instant a `date_field` names; the outer `None` is a name the vendor does not know.
    pub fn instant(&self, field: &str) -> Option<Option<OffsetDateTime>> {
        Some(match field {
            "current_period_ends_at" => Some(self.period_ends_at),
            "current_period_starts_at" => Some(self.period_started_at),
            "created_at" => Some(self.created_at),
            "activated_at" => self.activated_at,
            "canceled_at" => self.canceled_at,
            "expires_at" => self.expires_at,
            "trial_started_at" => self.trial_started_at,
            "trial_ended_at" => self.trial_ended_at,
            "updated_at" => Some(self.updated_at),
            _ => return None,
        })
    }

    /// The record as answers carry it, with the embedded customer. `previous_state` equals `state` outside webhooks.
    pub fn json(&self, zone: Zone, customer: Value, subdomain: &str) -> Value {
        let at = |instant: Option<OffsetDateTime>| instant.map(|at| zone.iso(at));
        let mut row = json!({
            "id": self.id, "state": self.state.name(), "previous_state": self.state.name(),
            "balance_in_cents": self.balance_in_cents, "total_revenue_in_cents": 0,
            "product_price_in_cents": self.price_in_cents, "product_version_number": 1,
            "signup_payment_id": self.signup_payment_id, "signup_revenue": "0.00", "coupon_code": null,
            "snap_day": null, "reason_code": null, "receives_invoice_emails": false, "net_terms": 0,
            "payment_collection_method": self.collection_method, "reference": self.reference, "currency": "USD",
            "cancellation_message": self.cancellation_message, "cancellation_method": self.cancellation_method,
            "cancel_at_end_of_period": false, "payment_type": null, "referral_code": null, "next_product_id": null,
            "coupon_use_count": null, "coupon_uses_allowed": null, "credit_balance_in_cents": 0,
            "customer": customer, "product": self.product().json(zone, subdomain),
        });
        let instants = [
            ("created_at", Some(self.created_at)),
            ("updated_at", Some(self.updated_at)),
            ("activated_at", self.activated_at),
            ("trial_started_at", self.trial_started_at),
            ("trial_ended_at", self.trial_ended_at),
            ("expires_at", self.expires_at),
            ("canceled_at", self.canceled_at),
            ("on_hold_at", self.on_hold_at),
            ("current_period_started_at", Some(self.period_started_at)),
            ("current_period_ends_at", Some(self.period_ends_at)),
            ("next_assessment_at", Some(self.period_ends_at)),
            ("delayed_cancel_at", None),
            ("scheduled_cancellation_at", None),
        ];
        if let Some(object) = row.as_object_mut() {
            object.extend(instants.map(|(name, instant)| (name.to_owned(), json!(at(instant)))));
        }
        row
    }

    /// Enters a state with the instants that belong to it.
    pub fn enter(&mut self, state: SubscriptionState, now: OffsetDateTime) {
        let now = whole_seconds(now);
        self.state = state;
        self.updated_at = now;
        match state {
            SubscriptionState::Active => {
                self.activated_at.get_or_insert(now);
                self.canceled_at = None;
                self.on_hold_at = None;
            }
            SubscriptionState::Canceled => self.canceled_at = Some(now),
            SubscriptionState::OnHold => self.on_hold_at = Some(now),
            SubscriptionState::Expired => self.expires_at = Some(now),
            SubscriptionState::Trialing => {
                self.trial_started_at.get_or_insert(now);
            }
            SubscriptionState::TrialEnded => self.trial_ended_at = Some(now),
            _ => {}
        }
    }
}

/// What a new subscription is made from.
#[derive(Clone, Debug)]
pub struct Signup {
    pub customer_id: i64,
    pub product: Product,
    pub state: SubscriptionState,
    pub reference: Option<String>,
    pub collection_method: String,
}

/// All subscriptions of the site.
#[derive(Debug, Default)]
pub struct Subscriptions {
    rows: BTreeMap<i64, Subscription>,
    by_customer: HashMap<i64, Vec<i64>>,
    by_reference: HashMap<String, i64>,
    next: i64,
}

impl Subscriptions {
    pub fn get(&self, id: i64) -> Option<&Subscription> {
        self.rows.get(&id)
    }

    pub fn get_mut(&mut self, id: i64) -> Option<&mut Subscription> {
        self.rows.get_mut(&id)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Subscription> {
        self.rows.values()
    }

    /// Oldest first.
    pub fn of_customer(&self, customer_id: i64) -> impl Iterator<Item = &Subscription> {
        self.by_customer.get(&customer_id).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    pub fn by_reference(&self, reference: &str) -> Option<&Subscription> {
        self.rows.get(self.by_reference.get(reference)?)
    }

    pub fn insert(&mut self, signup: Signup, now: OffsetDateTime) -> i64 {
        let now = whole_seconds(now);
        self.next += 1;
        let id = FIRST_ID + self.next * 3;
        let mut subscription = Subscription {
            id,
            customer_id: signup.customer_id,
            product_id: signup.product.id,
            state: signup.state,
            reference: signup.reference,
            collection_method: signup.collection_method,
            price_in_cents: signup.product.price_in_cents,
            balance_in_cents: 0,
            signup_payment_id: 1_170_014_104 + self.next,
            created_at: now,
            updated_at: now,
            activated_at: None,
            trial_started_at: None,
            trial_ended_at: None,
            expires_at: None,
            canceled_at: None,
            on_hold_at: None,
            period_started_at: now,
            period_ends_at: now + time::Duration::days(30),
            cancellation_method: None,
            cancellation_message: None,
        };
        subscription.enter(signup.state, now);
        if let Some(reference) = subscription.reference.clone() {
            self.by_reference.insert(reference, id);
        }
        self.by_customer.entry(subscription.customer_id).or_default().push(id);
        self.rows.insert(id, subscription);
        id
    }

    pub fn remove(&mut self, id: i64) -> Option<Subscription> {
        let subscription = self.rows.remove(&id)?;
        if let Some(ids) = self.by_customer.get_mut(&subscription.customer_id) {
            ids.retain(|known| *known != id);
        }
        if let Some(reference) = &subscription.reference {
            self.by_reference.remove(reference);
        }
        Some(subscription)
    }

    /// Forgets everything but the numbering.
    pub fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }
}

/// What a cancellation request says about itself.
pub fn cancellation_message(body: &Value) -> Option<String> {
    let wish: &Map<String, Value> = body.get("subscription")?.as_object()?;
    wish.get("cancellation_message").and_then(Value::as_str).map(str::to_owned)
}
