//! What is known of records that were deleted at a service, and what a sync does to their partners.

use serde::{Deserialize, Serialize};

use crate::side::Side;

/// The tag put on a contact whose customer was deleted. Concord puts it on and takes it off again.
pub const DELETED_TAG: &str = "chargify:deleted";

/// What made us look, when a record was found to be gone. The proof is the same in every case: asked for by its id, the
/// service does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneBy {
    /// A webhook told of it.
    Webhook,
    /// The site's events told of it.
    Event,
    /// A complete list did not hold it.
    Listing,
    /// It was read for another reason.
    Asked,
    /// It was to be written.
    Write,
    /// We deleted it, as a person approved.
    Removal,
}

impl GoneBy {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Event => "event",
            Self::Listing => "listing",
            Self::Asked => "asked",
            Self::Write => "write",
            Self::Removal => "removal",
        }
    }

    /// By its name in the database.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Webhook, Self::Event, Self::Listing, Self::Asked, Self::Write, Self::Removal];
        all.into_iter().find(|how| how.as_str() == name)
    }

    /// How it is known, as a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Webhook => "A webhook told of it, and asked for by its id it was not there.",
            Self::Event => "The site's events told of it, and asked for by its id it was not there.",
            Self::Listing => "A complete list did not hold it, and asked for by its id it was not there.",
            Self::Asked => "Asked for by its id it was not there.",
            Self::Write => "When it was to be written, it was not there.",
            Self::Removal => "Concord deleted it after a person had approved that.",
        }
    }
}

/// What happens to the partner of a record that was deleted. The link ends in any case, and where nothing else is said a
/// person is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It stays as it is.
    #[default]
    Unlink,
    /// It gets a tag. Only contacts have tags.
    Tag,
    /// It is deleted once a person has approved that.
    Delete,
}

impl Effect {
    /// The name used in files, forms and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unlink => "unlink",
            Self::Tag => "tag",
            Self::Delete => "delete",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Unlink, Self::Tag, Self::Delete].into_iter().find(|effect| effect.as_str() == name)
    }
}

/// What a sync does when a record is deleted, by the side that deleted it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeletePolicy {
    /// A contact was deleted in GoHighLevel: what becomes of its customer.
    pub contact: Effect,
    /// A customer was deleted in Chargify: what becomes of its contact.
    pub customer: Effect,
}

impl DeletePolicy {
    /// What becomes of the partner of a record that this side deleted.
    #[must_use]
    pub fn of(&self, deleted: Side) -> Effect {
        match deleted {
            Side::Highlevel => self.contact,
            Side::Chargify => self.customer,
        }
    }

    /// What breaks a rule, each with what to do.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        if self.contact == Effect::Tag {
            return vec!["deletes.contact: a customer has no tags; choose unlink or delete".to_owned()];
        }
        Vec::new()
    }

    /// What becomes of the partner, as the second half of a sentence.
    #[must_use]
    pub fn words(&self, deleted: Side) -> String {
        let other = deleted.other().noun();
        match self.of(deleted) {
            Effect::Unlink => format!("the {other} is left as it is and waits for a decision"),
            Effect::Tag => format!("the {other} gets the tag {DELETED_TAG} and waits for a decision"),
            Effect::Delete => format!("whether the {other} is deleted too waits for a decision"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_name_is_read_back() {
        for how in [GoneBy::Webhook, GoneBy::Event, GoneBy::Listing, GoneBy::Asked, GoneBy::Write, GoneBy::Removal] {
            assert_eq!(GoneBy::named(how.as_str()), Some(how));
        }
        for effect in [Effect::Unlink, Effect::Tag, Effect::Delete] {
            assert_eq!(Effect::named(effect.as_str()), Some(effect));
            assert_eq!(serde_json::to_value(effect).unwrap(), effect.as_str());
        }
    }

    #[test]
    fn nothing_is_deleted_unless_somebody_asks_for_it() {
        let policy: DeletePolicy = serde_json::from_str("{}").unwrap();
        assert_eq!(policy, DeletePolicy::default());
        assert_eq!(Side::BOTH.map(|side| policy.of(side)), [Effect::Unlink, Effect::Unlink]);
        assert!(policy.faults().is_empty());
    }

    #[test]
    fn a_customer_cannot_be_tagged() {
        let policy = DeletePolicy { contact: Effect::Tag, customer: Effect::Tag };
        assert_eq!(policy.faults(), ["deletes.contact: a customer has no tags; choose unlink or delete"]);
        assert!(DeletePolicy { customer: Effect::Tag, ..DeletePolicy::default() }.faults().is_empty());
    }
}
