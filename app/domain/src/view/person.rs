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
    /// Whether there are others to change to.
    pub many_workspaces: bool,
    /// Records that wait for a person, for the count beside the navigation.
    pub waiting: u32,
    pub now: At,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    /// Stands in addresses.
    pub id: String,
    /// Whether it is whoever looks.
    pub is_you: bool,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub since: At,
    pub last_seen: Option<At>,
}

/// A workspace of whoever looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceView {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Whether it is the one they look at.
    pub is_open: bool,
}
