//! Findings about a value, a rule or a record, in words for the person who has to put it right.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::FieldKey;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// A telephone number that cannot be read.
    PhoneUnreadable,
    /// A telephone number with an extension, which no international form can hold.
    PhoneExtension,
    /// A national telephone number without a country to read it by.
    PhoneCountryUnknown,
    /// A telephone number that can be read in two ways.
    PhoneAmbiguous,
    /// Neither a country's name nor its code.
    CountryUnknown,
    /// Neither a state's name nor its code, in the record's country.
    SubdivisionUnknown,
    /// A value that the lookup table lacks.
    NotInLookup,
    /// A template names a field that was not read.
    TemplateFieldAbsent,
    /// A text was cut to its greatest length.
    Cut,
    /// A text longer than the other service takes.
    TooLong,
    /// Not an e-mail address.
    EmailMalformed,
    /// A field of numbers, and the value is none.
    NotANumber,
    /// A field of dates, and the value is none.
    NotADate,
    /// A field of given choices, and the value is none of them.
    NotAChoice,
    /// A required field would be emptied.
    RequiredNeverCleared,
    /// A required field is missing.
    RequiredMissing,
    /// The transforms of a two-way rule work in one direction only.
    Irreversible,
    /// No such field.
    UnknownField,
    /// Two rules write the same field.
    SameTargetTwice,
    /// The field cannot be written.
    ReadOnlyTarget,
    /// A billing fact, and the rule would write it.
    FactIsOnlyTold,
    /// No rule fills a field that Chargify requires.
    RequiredUnmapped,
    /// The mapping has no rule.
    EmptyMapping,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// What was found.
    pub code: ProblemCode,
    /// The field concerned, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldKey>,
    /// What exactly: the value, the limit, the other field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Problem {
    /// A finding without a field.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, field: None, detail: detail.into() }
    }

    /// A finding about a field.
    #[must_use]
    pub fn at(code: ProblemCode, field: &FieldKey, detail: impl Into<String>) -> Self {
        Self { code, field: Some(field.clone()), detail: detail.into() }
    }

    /// This finding, about `field` unless it already names one.
    #[must_use]
    pub fn about(mut self, field: &FieldKey) -> Self {
        self.field.get_or_insert_with(|| field.clone());
        self
    }

    /// True when the value must not travel; false for a remark.
    #[must_use]
    pub fn stops_the_value(&self) -> bool {
        self.code != ProblemCode::Cut
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        match self.code {
            ProblemCode::PhoneUnreadable => {
                "Correct the number in the record, best with a leading + and the country code."
            }
            ProblemCode::PhoneExtension => {
                "Move the extension into a field of its own, or take the phone transform off this rule."
            }
            ProblemCode::PhoneCountryUnknown => {
                "Fill in the record's country, write the number with a leading +, or give the transform a country: phone(\"US\")."
            }
            ProblemCode::PhoneAmbiguous => "Write the number with a leading + and the country code.",
            ProblemCode::CountryUnknown => "Correct the country in the record; a two-letter code such as US is safest.",
            ProblemCode::SubdivisionUnknown => {
                "Correct the state or the country in the record; a code such as TX is safest."
            }
            ProblemCode::NotInLookup => "Add the value to the rule's lookup table.",
            ProblemCode::TemplateFieldAbsent => {
                "Resync the record so that all its fields are read, or correct the template."
            }
            ProblemCode::Cut => "Nothing has to be done. Shorten the text at its source if the end matters.",
            ProblemCode::TooLong => "Shorten the text in the record, or add truncate(255) to the rule.",
            ProblemCode::EmailMalformed => "Correct the e-mail address in the record; it is then taken up by itself.",
            ProblemCode::NotANumber => {
                "Correct the value in the record; digits with a point, such as 12.50, are safest."
            }
            ProblemCode::NotADate => "Correct the value in the record; a date such as 2026-08-31 is safest.",
            ProblemCode::NotAChoice => {
                "Add the choice to the field, correct the value in the record, or translate it: lookup(\"old=new\")."
            }
            ProblemCode::RequiredNeverCleared => "Fill in the field in GoHighLevel, or give the rule a default.",
            ProblemCode::RequiredMissing => "Fill in the field in GoHighLevel, or give the rule a default.",
            ProblemCode::Irreversible => "Make the rule one-way, or take this transform off.",
            ProblemCode::UnknownField => {
                "Choose a field from the list; custom fields appear after the connection was tested."
            }
            ProblemCode::SameTargetTwice => "Keep one of the two rules, or make one of them point the other way.",
            ProblemCode::ReadOnlyTarget => "Let the rule point the other way, or choose another field.",
            ProblemCode::FactIsOnlyTold => "Let the rule go to GoHighLevel only (direction to_highlevel).",
            ProblemCode::RequiredUnmapped => "Add a rule that fills this field.",
            ProblemCode::EmptyMapping => "Add a rule, or start from the default mapping.",
        }
    }

    fn words(&self) -> &'static str {
        match self.code {
            ProblemCode::PhoneUnreadable => "the phone number cannot be read",
            ProblemCode::PhoneExtension => "the phone number has an extension, which would be lost",
            ProblemCode::PhoneCountryUnknown => "the phone number has no country code and the country is not known",
            ProblemCode::PhoneAmbiguous => "the phone number can be read in two ways",
            ProblemCode::CountryUnknown => "the country is not known",
            ProblemCode::SubdivisionUnknown => "the state is not known in this country",
            ProblemCode::NotInLookup => "the value is not in the lookup table",
            ProblemCode::TemplateFieldAbsent => "the template needs a field that was not read",
            ProblemCode::Cut => "the text was cut to fit",
            ProblemCode::TooLong => "the text is too long for the other side",
            ProblemCode::EmailMalformed => "the e-mail address is not valid",
            ProblemCode::NotANumber => "the value is not a number",
            ProblemCode::NotADate => "the value is not a date",
            ProblemCode::NotAChoice => "the value is none of the choices",
            ProblemCode::RequiredNeverCleared => "Chargify requires this field, so it is not emptied",
            ProblemCode::RequiredMissing => "Chargify requires this field and it is empty",
            ProblemCode::Irreversible => "the transform works in one direction, but the rule goes both ways",
            ProblemCode::UnknownField => "there is no such field",
            ProblemCode::SameTargetTwice => "two rules write the same field",
            ProblemCode::ReadOnlyTarget => "this field cannot be written",
            ProblemCode::FactIsOnlyTold => {
                "a billing fact is what Chargify bills: it is told to GoHighLevel and changed by nobody"
            }
            ProblemCode::RequiredUnmapped => "Chargify requires this field and no rule fills it",
            ProblemCode::EmptyMapping => "the mapping has no rule, so nothing would be synced",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(self.words())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// True when any of the findings keeps the value from travelling.
#[must_use]
pub fn any_stops(problems: &[Problem]) -> bool {
    problems.iter().any(Problem::stops_the_value)
}
