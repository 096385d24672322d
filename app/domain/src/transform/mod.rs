//! What is done to a value on its way to the other side.
//!
//! A transform is written as one word, `trim`, or as a call, `truncate(255)`; [`syntax`] reads and writes that form.

mod apply;
mod lookup;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use apply::apply_all;
pub use syntax::SyntaxError;

use crate::problem::Problem;
use crate::record::{FieldKey, Record};
use crate::value::Value;

/// One step of a rule's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Transform {
    /// `trim`: no white space around the text.
    Trim,
    /// `collapse_spaces`: no white space around, single spaces within.
    CollapseSpaces,
    /// `lower`: lower case.
    Lower,
    /// `upper`: upper case.
    Upper,
    /// `title`: a capital at the start of each word, the rest in lower case.
    Title,
    /// `default("—")`: this text when the field is empty.
    Default(String),
    /// `template("{{firstName}} {{lastName}}")`: a text made of the record's fields, whatever the value was.
    Template(String),
    /// `phone` or `phone("US")`: E.164. Without a country of its own the record's country is used.
    Phone {
        /// The country a national number is read by when the record names none.
        default_country: Option<String>,
    },
    /// `country`: the ISO 3166-1 alpha-2 code.
    Country,
    /// `subdivision`: the ISO 3166-2 code without the country, read in the record's country.
    Subdivision,
    /// `lookup("a=b, c=d")`: the right hand of the pair whose left hand is the value.
    Lookup(BTreeMap<String, String>),
    /// `truncate(255)`: at most so many characters.
    Truncate(usize),
}

impl Transform {
    /// Does this step to a value of a field of `context`, and says what was wrong with it.
    ///
    /// A problem that [`Problem::stops_the_value`] means that the returned value must not be used.
    #[must_use]
    pub fn apply(&self, value: &Value, context: &Record) -> (Value, Vec<Problem>) {
        apply::apply(self, value, context)
    }

    /// The step for the opposite direction; none when what was done cannot be undone.
    #[must_use]
    pub fn back(&self) -> Option<Self> {
        match self {
            Self::Default(_) | Self::Template(_) | Self::Truncate(_) => None,
            Self::Lookup(pairs) => {
                let inverse: BTreeMap<String, String> =
                    pairs.iter().map(|(left, right)| (right.clone(), left.clone())).collect();
                (inverse.len() == pairs.len()).then_some(Self::Lookup(inverse))
            }
            normaliser => Some(normaliser.clone()),
        }
    }

    /// The fields a template names; none for any other step.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldKey> {
        match self {
            Self::Template(template) => {
                let pieces = syntax::pieces(template).into_iter();
                pieces
                    .filter_map(|piece| match piece {
                        syntax::Piece::Field(name) => Some(FieldKey::from(name)),
                        syntax::Piece::Text(_) => None,
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// True when the result depends on fields beside the rule's own.
    #[must_use]
    pub fn is_template(&self) -> bool {
        matches!(self, Self::Template(_))
    }
}

/// The chain for the opposite direction: each step turned round, in reverse order.
#[must_use]
pub fn back_all(chain: &[Transform]) -> Option<Vec<Transform>> {
    chain.iter().rev().map(Transform::back).collect()
}
