//! The two services Concord stands between.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// GoHighLevel, where contacts live.
    Highlevel,
    /// Chargify (Maxio Advanced Billing), where customers live.
    Chargify,
}

impl Side {
    /// Both sides, in the order they are shown.
    pub const BOTH: [Self; 2] = [Self::Highlevel, Self::Chargify];

    /// The side opposite.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Highlevel => Self::Chargify,
            Self::Chargify => Self::Highlevel,
        }
    }

    /// The name used in files, addresses and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Highlevel => "highlevel",
            Self::Chargify => "chargify",
        }
    }

    /// The product's name as people write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Highlevel => "GoHighLevel",
            Self::Chargify => "Chargify",
        }
    }

    /// What a record is called on this side.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Highlevel => "contact",
            Self::Chargify => "customer",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names neither side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a side; write highlevel or chargify")]
pub struct UnknownSide(pub String);

impl FromStr for Side {
    type Err = UnknownSide;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "highlevel" => Ok(Self::Highlevel),
            "chargify" => Ok(Self::Chargify),
            other => Err(UnknownSide(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_reads_back_what_it_writes() {
        for side in Side::BOTH {
            assert_eq!(side.as_str().parse::<Side>(), Ok(side));
            assert_eq!(serde_json::to_value(side).unwrap(), side.as_str());
            assert_eq!(side.other().other(), side);
        }
    }

    #[test]
    fn a_strange_word_is_refused() {
        assert!("Chargify".parse::<Side>().is_err());
        assert!("".parse::<Side>().is_err());
    }
}
