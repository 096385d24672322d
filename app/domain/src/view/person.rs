//! People as pages see them.

use super::At;
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// Who is looking, for the frame around every page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    pub person: String,
    pub email: String,
    pub role: Role,
    pub workspace: String,
    /// Records that wait for a person, for the count beside the navigation.
    pub waiting: u32,
    pub now: At,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub since: At,
    pub last_seen: Option<At>,
}
