//! The ways in which GoHighLevel says no to a connection as a whole. They look alike on the wire and ask for different
//! things of a person.

/// Why no call of a connection is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The token is not known: it expired, was rotated or was revoked, and another one is not to be had by itself.
    TokenUnknown,
    /// The app has not been installed yet.
    NotInstalled,
    /// The app was taken out of the location or the agency.
    Uninstalled,
    /// The service gives the app no new tokens.
    AccessEnded,
    /// The token lacks a permission.
    ScopeMissing,
    /// It is an agency's token where a location's is needed.
    TokenClass,
    /// The token is good, for another location.
    OtherLocation,
}

impl Denial {
    pub const ALL: [Self; 7] = [
        Self::TokenUnknown,
        Self::NotInstalled,
        Self::Uninstalled,
        Self::AccessEnded,
        Self::ScopeMissing,
        Self::TokenClass,
        Self::OtherLocation,
    ];

    /// What happened, in one sentence. What is stored and shown of a denial begins with it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TokenUnknown => "GoHighLevel does not know this token (any more).",
            Self::NotInstalled => "The app is not installed yet.",
            Self::Uninstalled => "The app was uninstalled in GoHighLevel.",
            Self::AccessEnded => "GoHighLevel gives the app no new tokens.",
            Self::ScopeMissing => "The token lacks a permission.",
            Self::TokenClass => "This is an agency\u{2019}s token; contacts need one of the location itself.",
            Self::OtherLocation => "The token is good, but for another location.",
        }
    }

    /// Which denial a stored text tells of; `None`: of none.
    #[must_use]
    pub fn told(detail: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|denial| detail.starts_with(denial.sentence()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_denial_is_known_by_its_sentence_and_no_other() {
        for denial in Denial::ALL {
            let told = format!("{} It said: \u{201c}no\u{201d}.", denial.sentence());
            assert_eq!(Denial::told(&told), Some(denial));
        }
        assert_eq!(Denial::told("Chargify does not take this key."), None);
    }
}
