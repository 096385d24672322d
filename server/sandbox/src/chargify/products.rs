//! The merchant's catalogue: a few fixed products of one family.

use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

use super::zone::Zone;

pub const FAMILY_ID: i64 = 2_699_089;
pub const FAMILY_NAME: &str = "Billing Plans";
pub const FAMILY_HANDLE: &str = "billing-plans";

/// One product.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub id: i64,
    pub name: &'static str,
    pub handle: &'static str,
    pub price_in_cents: i64,
    pub interval_unit: &'static str,
    pub created_at: OffsetDateTime,
}

const SINCE: OffsetDateTime = datetime!(2022-03-24 17:38:39 UTC);

/// Everything that can be subscribed to.
pub const PRODUCTS: [Product; 4] = [
    Product {
        id: 6_748_126,
        name: "Basic Plan",
        handle: "basic",
        price_in_cents: 1_900,
        interval_unit: "month",
        created_at: SINCE,
    },
    Product {
        id: 6_748_127,
        name: "Pro Plan",
        handle: "pro",
        price_in_cents: 4_900,
        interval_unit: "month",
        created_at: SINCE,
    },
    Product {
        id: 6_748_131,
        name: "Équipe & Friends",
        handle: "team",
        price_in_cents: 9_900,
        interval_unit: "month",
        created_at: SINCE,
    },
    Product {
        id: 6_748_140,
        name: "Free Plan",
        handle: "free",
        price_in_cents: 0,
        interval_unit: "month",
        created_at: SINCE,
    },
];

impl Product {
    /// By number or handle, as a signup names it.
    pub fn find(id: Option<i64>, handle: Option<&str>) -> Option<Self> {
        PRODUCTS.into_iter().find(|product| Some(product.id) == id || Some(product.handle) == handle)
    }

    /// The only price point a product has.
    pub const fn price_point_id(&self) -> i64 {
        self.id - 3_425_207
    }

    /// Ids and addresses of the hosted signup pages.
    pub fn signup_pages(&self, subdomain: &str) -> [(i64, String); 2] {
        [0, 1].map(|page| {
            let id = 281_054 + (self.id % 100) * 10 + page;
            (id, format!("https://{subdomain}.chargify.example/subscribe/{id}/{}", self.handle))
        })
    }

    pub fn json(&self, zone: Zone, subdomain: &str) -> Value {
        let pages: Vec<Value> =
            self.signup_pages(subdomain).iter().map(|(id, url)| json!({"id": id, "url": url})).collect();
        json!({
            "id": self.id, "name": self.name, "handle": self.handle, "description": "", "accounting_code": null,
            "price_in_cents": self.price_in_cents, "interval": 1, "interval_unit": self.interval_unit,
            "initial_charge_in_cents": null, "expiration_interval": null, "expiration_interval_unit": "never",
            "trial_price_in_cents": null, "trial_interval": null, "trial_interval_unit": "month",
            "initial_charge_after_trial": false, "return_params": "", "request_credit_card": true,
            "require_credit_card": false, "created_at": zone.iso(self.created_at),
            "updated_at": zone.iso(self.created_at), "archived_at": null, "update_return_url": "",
            "update_return_params": "", "taxable": false, "version_number": 1,
            "product_family": {
                "id": FAMILY_ID, "name": FAMILY_NAME, "handle": FAMILY_HANDLE, "accounting_code": null,
                "description": "",
            },
            "public_signup_pages": pages, "product_price_point_name": "Original",
        })
    }
}
