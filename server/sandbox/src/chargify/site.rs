//! The site: who it is, whether its account is blocked, the clearing of its data, and repeated submissions.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    call::{Call, errors},
    zone::Zone,
};
use crate::request::{Reply, Request};

/// How long a `uniqueness_token` stays known.
const TOKEN_LIFE: Duration = Duration::minutes(60);
/// How long clearing the site takes.
const CLEARING: Duration = Duration::seconds(3);

/// Whether the merchant's own account is in order. Everything but `Open` refuses every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    #[default]
    Open,
    Canceled,
    TrialEnded,
    Deleted,
}

impl Account {
    /// From the name the control API uses.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "canceled" => Some(Self::Canceled),
            "trial_ended" => Some(Self::TrialEnded),
            "deleted" => Some(Self::Deleted),
            _ => None,
        }
    }

    const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Canceled => {
                Some("Your Chargify account has been canceled. Please contact support@chargify.com to reactivate.")
            }
            Self::TrialEnded => Some("Your trial has ended, please contact sales."),
            Self::Deleted => Some("This site has been deleted."),
        }
    }
}

/// The site's settings and state.
#[derive(Debug)]
pub struct Site {
    pub id: i64,
    pub name: String,
    pub subdomain: String,
    pub api_key: String,
    pub shared_key: String,
    pub zone: Zone,
    /// Test mode, without which nothing can be cleared or purged.
    pub test: bool,
    pub account: Account,
    pub key_revoked: bool,
    clearing_until: Option<OffsetDateTime>,
    tokens: HashMap<String, OffsetDateTime>,
}

impl Site {
    pub fn new(subdomain: &str, api_key: &str, shared_key: &str, zone: Zone) -> Self {
        Self {
            id: 87_942,
            name: "Acme Sandbox".to_owned(),
            subdomain: subdomain.to_owned(),
            api_key: api_key.to_owned(),
            shared_key: shared_key.to_owned(),
            zone,
            test: true,
            account: Account::Open,
            key_revoked: false,
            clearing_until: None,
            tokens: HashMap::new(),
        }
    }

    /// Whether the request carries the API key, with the letter `x` for a password.
    pub fn knows(&self, request: &Request) -> bool {
        let Some(sent) = request.header("authorization").and_then(|value| value.strip_prefix("Basic ")) else {
            return false;
        };
        let decoded = STANDARD.decode(sent.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.is_some_and(|pair| {
            pair.split_once(':').is_some_and(|(key, word)| key == self.api_key && word.eq_ignore_ascii_case("x"))
        })
    }

    /// Why the site as a whole refuses calls now.
    pub fn blocked(&self, now: OffsetDateTime) -> Option<Reply> {
        let clearing = self.clearing_until.is_some_and(|until| now < until);
        let text = self
            .account
            .refusal()
            .or_else(|| clearing.then_some("Site data clearing is in progress. Please try later."))?;
        Some(errors(&[text]))
    }

    /// Remembers the `uniqueness_token` of a write; the refusal when it was used within the hour, whatever came of it.
    pub fn repeated(&mut self, call: &Call<'_>) -> Option<Reply> {
        let token = call.body.get("uniqueness_token")?.as_str()?;
        self.tokens.retain(|_, used| *used + TOKEN_LIFE > call.now);
        if self.tokens.contains_key(token) {
            return Some(Reply::json(409, &json!({"errors": ["DuplicatePrevention::DuplicateSubmissionError"]})));
        }
        self.tokens.insert(token.to_owned(), call.now);
        None
    }

    fn json(&self) -> Value {
        json!({"site": {
            "id": self.id, "name": self.name, "subdomain": self.subdomain, "currency": "USD", "seller_id": 58_665,
            "non_primary_currencies": ["EUR", "GBP"], "relationship_invoicing_enabled": true,
            "schedule_subscription_cancellation_enabled": false, "customer_hierarchy_enabled": false,
            "whopays_enabled": false, "whopays_default_payer": "self-ungrouped",
            "default_payment_collection_method": "automatic",
            "allocation_settings": {
                "accrue_charge": "true", "upgrade_charge": "prorated", "downgrade_credit": "none",
            },
            "organization_address": {
                "street": "1 Harbour Street", "line2": "Unit 4", "city": "San Antonio", "state": "TX", "zip": "78015",
                "country": "US", "name": self.name, "phone": "555 111 222",
            },
            "tax_configuration": {
                "kind": "custom", "destination_address": "shipping_then_billing", "fully_configured": false,
            },
            "net_terms": {
                "default_net_terms": 0, "automatic_net_terms": 0, "remittance_net_terms": 0,
                "net_terms_on_remittance_signups_enabled": false, "custom_net_terms_enabled": false,
            },
            "auto_renewals_enabled": false, "portal_enabled": true, "test": self.test,
        }})
    }
}

impl Chargify {
    /// `GET /site.json`.
    pub(super) fn read_site(&self) -> Reply {
        Reply::json(200, &self.site.json())
    }

    /// `POST /sites/clear_data.json`: answers at once, refuses every other call until it is through.
    pub(super) fn clear_data(&mut self, call: &Call<'_>) -> Reply {
        let scope = call.param("cleanup_scope").unwrap_or("all");
        if !self.site.test || !["all", "customers"].contains(&scope) {
            return Reply::empty(403);
        }
        self.site.clearing_until = Some(call.now + CLEARING);
        self.forget_customers();
        if scope == "all" {
            self.forget_custom_fields();
        }
        Reply::empty(200)
    }
}
