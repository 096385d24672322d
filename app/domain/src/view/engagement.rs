//! Notes, tasks and appointments of a contact as its page shows them.

use super::At;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngagementView {
    /// `note`, `task` or `appointment`.
    pub kind: String,
    pub id: String,
    /// Its title, or how its text begins.
    pub title: String,
    /// When it was written, is due or begins, in GoHighLevel's words.
    pub when: Option<String>,
    /// `open`, `in_step`, `held`, `failed`, `lost`, `deleted`, `left_out`; `off` while its kind is switched off.
    pub state: String,
    /// Why, and what to do.
    pub words: String,
    pub subscription_id: Option<String>,
    pub written_at: Option<At>,
    /// What a person can ask for: `again` (another try) or `anew` (a new note); empty: nothing.
    pub can: String,
}
