//! Received webhooks as pages see them. The body is not here: it may hold more than a viewer may see.

use super::At;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryView {
    pub id: String,
    /// Name of the connection it was addressed to.
    pub connection: String,
    /// `highlevel` or `chargify`.
    pub side: String,
    /// The sender's id.
    pub webhook_id: String,
    pub event: String,
    /// The contact or customer it is about.
    pub subject_id: Option<String>,
    /// How often it came.
    pub arrivals: u32,
    /// `recorded`, `done`, `ignored`.
    pub state: String,
    pub outcome: Option<String>,
    pub detail: Option<String>,
    pub received_at: At,
    pub settled_at: Option<At>,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryPageView {
    pub deliveries: Vec<DeliveryView>,
    /// Pass as `before` for the next page.
    pub next: Option<String>,
}
