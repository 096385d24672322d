//! The site, as far as it is shown (Maxio Advanced Billing API reference, read site, seen 2026-08).

use crate::clients::json;
use serde_json::Value as Json;

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub id: Option<i64>,
    pub name: String,
    pub subdomain: Option<String>,
    /// A test site: its data may be purged by the vendor.
    pub test: bool,
}

/// `{site: {...}}`.
pub(super) fn site(body: &Json) -> Option<Site> {
    let site = body.get("site").filter(|site| site.is_object())?;
    Some(Site {
        id: json::integer(site, "id"),
        name: json::text(site, "name").unwrap_or_default(),
        subdomain: json::text(site, "subdomain"),
        test: json::truth(site, "test").unwrap_or(false),
    })
}
