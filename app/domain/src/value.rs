//! Field values and their normal form.
//!
//! A field has three states. *Absent*: the record has no such key, nothing is known. *Empty*: the service says there
//! is nothing. *A value*. The normal form exists only to compare; what is written is never normalised by it.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{geo, phone};

/// What a field holds. Absence is expressed by the key missing from the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Known to be empty. Written as `null`.
    #[default]
    Empty,
    /// Text as the service gave it.
    Text(String),
    /// Several values, such as tags or the choices of a multiple-choice field.
    List(Vec<String>),
}

/// What a field means, which decides how it is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Free text.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A country, by ISO 3166-1 code or name.
    Country,
    /// A state or province, by ISO 3166-2 code or name.
    Subdivision,
    /// A calendar date.
    Date,
    /// A decimal number.
    Number,
    /// Yes or no.
    Bool,
    /// A set of words whose order means nothing.
    Tags,
}

impl Value {
    /// Text, or `Empty` for the empty string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// True when nothing but white space is held.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.iter().all(|item| item.trim().is_empty()),
        }
    }

    /// The text to show: empty for `Empty`, lists joined by `", "`.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join(", "),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }
}

impl From<Vec<String>> for Value {
    fn from(items: Vec<String>) -> Self {
        if items.is_empty() { Self::Empty } else { Self::List(items) }
    }
}

/// Canonical composition and no white space around: `"  e\u{301} "` becomes `"é"`.
#[must_use]
pub fn tidy(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.is_ascii() { trimmed.to_owned() } else { trimmed.nfc().collect::<String>().trim().to_owned() }
}

/// The normal form of `value`, used only to compare two values of a field of this kind.
///
/// White space alone is `Empty`. What cannot be read as its kind is compared as tidy text.
#[must_use]
pub fn normal(kind: FieldKind, value: &Value) -> Value {
    if kind == FieldKind::Tags {
        return tags(value);
    }
    let text = match value {
        Value::Empty => return Value::Empty,
        Value::Text(text) => tidy(text),
        Value::List(items) => {
            items.iter().map(|item| tidy(item)).filter(|item| !item.is_empty()).collect::<Vec<_>>().join(", ")
        }
    };
    if text.is_empty() {
        return Value::Empty;
    }
    Value::Text(match kind {
        FieldKind::Text | FieldKind::Tags => text,
        FieldKind::Email => text.to_lowercase(),
        FieldKind::Phone => phone::international(&text).unwrap_or(text),
        FieldKind::Country => geo::country(&text).map_or(text, str::to_owned),
        FieldKind::Subdivision => geo::subdivision_anywhere(&text).map_or(text, str::to_owned),
        FieldKind::Date => date(&text).unwrap_or(text),
        FieldKind::Number => number(&text).unwrap_or(text),
        FieldKind::Bool => truth(&text).map_or(text, |known| known.to_string()),
    })
}

/// The kind by which two mapped fields are compared: the more telling one, and plain text when they contradict.
#[must_use]
pub fn common_kind(one: FieldKind, other: FieldKind) -> FieldKind {
    match (one, other) {
        (FieldKind::Tags, _) | (_, FieldKind::Tags) => FieldKind::Tags,
        (FieldKind::Text, kind) | (kind, FieldKind::Text) => kind,
        (one, other) if one == other => one,
        _ => FieldKind::Text,
    }
}

fn tags(value: &Value) -> Value {
    let mut items: Vec<String> = match value {
        Value::Empty => Vec::new(),
        Value::Text(text) => text.split(',').map(|item| tidy(item).to_lowercase()).collect(),
        Value::List(items) => {
            items.iter().flat_map(|item| item.split(',')).map(|item| tidy(item).to_lowercase()).collect()
        }
    };
    items.retain(|item| !item.is_empty());
    items.sort();
    items.dedup();
    Value::from(items)
}

/// `YYYY-MM-DD` of an ISO 8601 date or instant, or of Unix milliseconds.
fn date(text: &str) -> Option<String> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    if let Some(day) = text.get(..10)
        && (text.len() == 10 || matches!(text.as_bytes().get(10), Some(b'T' | b' ')))
        && let Ok(date) = time::Date::parse(day, format)
    {
        return date.format(format).ok();
    }
    // HighLevel's search rows carry dateOfBirth in milliseconds, its other answers in ISO 8601.
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() < 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = text.parse::<i64>().ok()?.div_euclid(1000);
    time::OffsetDateTime::from_unix_timestamp(seconds).ok()?.date().format(format).ok()
}

/// A decimal number without needless signs and zeros, digit by digit so that nothing is rounded.
fn number(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let mut out = String::new();
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        out.push('-');
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    Some(out)
}

/// One `@` between a name and a dotted host, without white space. What passes may still be refused by the service;
/// what does not pass would be.
pub(crate) fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((name, host)) = text.split_once('@') else { return false };
    let host_parts = || host.split('.');
    !name.is_empty()
        && !host.contains('@')
        && text
            .chars()
            .all(|char| !char.is_whitespace() && !char.is_control() && !matches!(char, '<' | '>' | ',' | ';' | '"'))
        && host_parts().count() > 1
        && host_parts().all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
}

/// Whether a value in normal form is a number.
pub(crate) fn is_number(normal: &Value) -> bool {
    matches!(normal, Value::Text(text) if number(text).is_some())
}

/// Whether a value in normal form is a day of the calendar.
pub(crate) fn is_date(normal: &Value) -> bool {
    matches!(normal, Value::Text(text) if text.len() == 10 && date(text).is_some())
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [FieldKind; 9] = [
        FieldKind::Text,
        FieldKind::Email,
        FieldKind::Phone,
        FieldKind::Country,
        FieldKind::Subdivision,
        FieldKind::Date,
        FieldKind::Number,
        FieldKind::Bool,
        FieldKind::Tags,
    ];

    fn check(kind: FieldKind, raw: impl Into<Value>, expected: impl Into<Value>) {
        let raw = raw.into();
        assert_eq!(normal(kind, &raw), expected.into(), "{kind:?} of {raw:?}");
    }

    #[test]
    fn each_kind_has_its_normal_form() {
        check(FieldKind::Text, "  Ann  Lee ", "Ann  Lee");
        check(FieldKind::Text, "e\u{301}", "é");
        check(FieldKind::Text, "Ann", "Ann");
        check(FieldKind::Email, " Ann@Example.COM ", "ann@example.com");
        check(FieldKind::Phone, "+1 (617) 111-0000", "+16171110000");
        check(FieldKind::Phone, "0049 30 123456", "+4930123456");
        check(FieldKind::Phone, " (617) 111-0000 ", "(617) 111-0000");
        check(FieldKind::Country, "united states", "US");
        check(FieldKind::Country, "Atlantis", "Atlantis");
        check(FieldKind::Subdivision, "Texas", "TX");
        check(FieldKind::Subdivision, "Île-de-France", "Île-de-France");
        check(FieldKind::Date, "1990-05-01T00:00:00.000Z", "1990-05-01");
        check(FieldKind::Date, "641520000000", "1990-05-01");
        check(FieldKind::Date, "1990-13-01", "1990-13-01");
        check(FieldKind::Number, "+010.50", "10.5");
        check(FieldKind::Number, "-0.0", "0");
        check(FieldKind::Number, ".", ".");
        check(FieldKind::Number, "1,5", "1,5");
        check(FieldKind::Bool, "Yes", "true");
        check(FieldKind::Bool, "0", "false");
        check(FieldKind::Tags, " VIP, new ,vip", vec!["new".to_owned(), "vip".to_owned()]);
    }

    #[test]
    fn white_space_is_empty_in_every_kind() {
        for kind in KINDS {
            check(kind, Value::Text(" \t\u{a0} ".to_owned()), Value::Empty);
            check(kind, Value::Text(String::new()), Value::Empty);
            check(kind, Value::List(vec![" ".to_owned()]), Value::Empty);
            check(kind, Value::Empty, Value::Empty);
        }
    }

    #[test]
    fn a_value_is_written_as_null_text_or_array() {
        let list = Value::List(vec!["a".to_owned()]);
        for (value, json) in [(Value::Empty, "null"), (Value::from("a"), "\"a\""), (list, "[\"a\"]")] {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
        }
    }

    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Empty),
            "\\PC{0,20}".prop_map(Value::Text),
            "[ +0-9.-]{0,16}".prop_map(Value::Text),
            prop::collection::vec("\\PC{0,8}", 0..4).prop_map(Value::List),
        ]
    }

    proptest! {
        #[test]
        fn the_normal_form_never_panics_and_is_its_own(value in any_value(), index in 0..KINDS.len()) {
            let kind = KINDS[index];
            let once = normal(kind, &value);
            prop_assert_eq!(normal(kind, &once), once);
        }

        #[test]
        fn what_compares_the_pair_of_kinds_does_not_depend_on_order(one in 0..KINDS.len(), other in 0..KINDS.len()) {
            prop_assert_eq!(common_kind(KINDS[one], KINDS[other]), common_kind(KINDS[other], KINDS[one]));
        }
    }
}
