//! Roles and the rights each holds. Rights are named separately so that a guard asks for what it needs, never for a role.

use serde::{Deserialize, Serialize};

/// A member's role in one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    Operator,
    Auditor,
    Viewer,
}

/// One thing a person may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Plan, start, cancel runs; resync a record.
    Run,
    /// Release a run that stopped for a person.
    Approve,
    EditMapping,
    /// Names, e-mail addresses, phone numbers.
    SeePersonalData,
    /// Add connections, set and rotate credentials.
    ManageConnections,
    ManageTeam,
    SeeAudit,
    ExportAudit,
}

impl Right {
    /// "…needs the right to <these words>".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Run => "start runs",
            Self::Approve => "approve runs",
            Self::EditMapping => "edit syncs and mappings",
            Self::SeePersonalData => "see personal data",
            Self::ManageConnections => "manage connections",
            Self::ManageTeam => "manage the team",
            Self::SeeAudit => "see the audit trail",
            Self::ExportAudit => "export the audit trail",
        }
    }
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Operator, Self::Auditor, Self::Viewer];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Viewer => "viewer",
        }
    }

    /// Whether the role holds the right.
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(right, Right::ManageTeam),
            Self::Operator => matches!(right, Right::Run | Right::Approve | Right::SeePersonalData | Right::SeeAudit),
            Self::Auditor => matches!(right, Right::SeePersonalData | Right::SeeAudit | Right::ExportAudit),
            Self::Viewer => matches!(right, Right::SeePersonalData | Right::SeeAudit),
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the five roles.
#[derive(Debug, thiserror::Error)]
#[error("unknown role {0:?}: owner, admin, operator, auditor or viewer")]
pub struct UnknownRole(pub String);

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}
