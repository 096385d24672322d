//! Which contacts take part in a sync.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::plan::{Reason, ReasonCode};
use crate::record::Record;
use crate::value::tidy;

/// The conditions a contact must meet. The default takes every contact that has an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Only contacts with an e-mail address.
    pub require_email: bool,
    /// Only contacts that carry this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// No contacts that carry this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_tag: Option<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self { require_email: true, tag: None, not_tag: None }
    }
}

impl Scope {
    /// What keeps these conditions from being used, each as `field: what to do`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (field, tag) in [("tag", &self.tag), ("not_tag", &self.not_tag)] {
            let Some(tag) = tag else { continue };
            if tag.trim().is_empty() {
                faults.push(format!("{field}: is blank; name a tag, or leave it out"));
            } else if tag.chars().count() > limits::FORM_TEXT_CHARS {
                faults.push(format!("{field}: is longer than {} characters", limits::FORM_TEXT_CHARS));
            }
        }
        if let (Some(tag), Some(not_tag)) = (&self.tag, &self.not_tag)
            && tidy(tag).to_lowercase() == tidy(not_tag).to_lowercase()
        {
            faults.push("not_tag: is the tag every contact must carry, so no contact would take part".to_owned());
        }
        faults
    }

    /// Whether the contact takes part.
    ///
    /// # Errors
    /// The first condition it does not meet, in words.
    pub fn enters(&self, contact: &Record) -> Result<(), Reason> {
        if self.require_email && contact.email().is_none() {
            return Err(Reason::new(ReasonCode::NoEmail, "the contact has no e-mail address"));
        }
        let tags = contact.tags();
        let carries = |wanted: &str| tags.binary_search(&tidy(wanted).to_lowercase()).is_ok();
        if let Some(tag) = self.tag.as_deref().filter(|tag| !carries(tag)) {
            return Err(Reason::new(ReasonCode::TagMissing, format!("the contact does not carry the tag \"{tag}\"")));
        }
        if let Some(tag) = self.not_tag.as_deref().filter(|tag| carries(tag)) {
            return Err(Reason::new(ReasonCode::TagExcludes, format!("the contact carries the tag \"{tag}\"")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::Side;

    fn check(scope: &Scope, contact: &Record, expected: Option<ReasonCode>) {
        assert_eq!(scope.enters(contact).err().map(|reason| reason.code), expected, "{contact:?}");
    }

    #[test]
    fn a_contact_enters_by_email_and_tags() {
        let everyone = Scope { require_email: false, ..Scope::default() };
        let tagged = Scope { tag: Some(" VIP ".to_owned()), not_tag: Some("test".to_owned()), ..Scope::default() };
        let nobody = Record::new(Side::Highlevel);
        let ann = nobody.clone().with("email", "ann@example.com");
        let tags = |tags: &[&str]| ann.clone().with("tags", tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>());

        check(&everyone, &nobody, None);
        check(&Scope::default(), &nobody, Some(ReasonCode::NoEmail));
        check(&Scope::default(), &nobody.clone().with("email", "  "), Some(ReasonCode::NoEmail));
        check(&Scope::default(), &ann, None);
        check(&tagged, &ann, Some(ReasonCode::TagMissing));
        check(&tagged, &tags(&["vip"]), None);
        check(&tagged, &tags(&["Vip", "Test"]), Some(ReasonCode::TagExcludes));
    }

    #[test]
    fn conditions_nobody_can_meet_are_refused() {
        let check = |tag: Option<&str>, not_tag: Option<&str>, expected: &[&str]| {
            let owned = |tag: Option<&str>| tag.map(str::to_owned);
            let scope = Scope { tag: owned(tag), not_tag: owned(not_tag), ..Scope::default() };
            let faults = scope.faults();
            let fields: Vec<_> = faults.iter().filter_map(|fault| Some(fault.split_once(':')?.0)).collect();
            assert_eq!(fields, expected, "{tag:?} {not_tag:?}");
        };
        check(None, None, &[]);
        check(Some("vip"), Some("test"), &[]);
        check(Some(" "), None, &["tag"]);
        check(None, Some(""), &["not_tag"]);
        check(Some("VIP "), Some("vip"), &["not_tag"]);
    }
}
