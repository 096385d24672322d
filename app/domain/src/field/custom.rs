//! The fields an account made itself: GoHighLevel's custom fields and Chargify's metafields, and how a value of them is
//! spelled and written.

use super::Field;
use crate::record::FieldKey;
use crate::side::Side;
use crate::value::{FieldKind, Value, tidy};

impl Field {
    /// A HighLevel custom field. `data_type` is the service's own word; unknown ones are opaque text. Files are left
    /// alone, and lists of text boxes, whose form the service does not document.
    #[must_use]
    pub fn highlevel_custom(id: &str, name: &str, data_type: &str) -> Self {
        let data_type = data_type.to_ascii_uppercase();
        let kind = match data_type.as_str() {
            "PHONE" => FieldKind::Phone,
            "EMAIL" => FieldKind::Email,
            "DATE" => FieldKind::Date,
            // "MONETORY" is how the service spells it.
            "NUMERICAL" | "MONETORY" | "MONETARY" => FieldKind::Number,
            "CHECKBOX" | "MULTIPLE_OPTIONS" | "TEXTBOX_LIST" => FieldKind::Tags,
            _ => FieldKind::Text,
        };
        Self {
            side: Side::Highlevel,
            key: FieldKey::custom_field(id),
            label: name.to_owned(),
            kind,
            writable: !matches!(data_type.as_str(), "FILE_UPLOAD" | "TEXTBOX_LIST"),
            required: false,
            max_chars: None,
            nullable: false,
            data_type: Some(data_type),
            choices: Vec::new(),
        }
    }

    /// A Chargify metafield: always text, and where it has choices only those.
    #[must_use]
    pub fn chargify_metafield(name: &str) -> Self {
        Self {
            side: Side::Chargify,
            key: FieldKey::metafield(name),
            label: name.to_owned(),
            kind: FieldKind::Text,
            writable: true,
            required: false,
            max_chars: None,
            nullable: false,
            data_type: Some("text".to_owned()),
            choices: Vec::new(),
        }
    }

    /// This field with the only values it takes.
    #[must_use]
    pub fn with_choices(mut self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choices = choices.into_iter().map(Into::into).filter(|choice: &String| !choice.is_empty()).collect();
        self
    }

    /// This field with the service's own word for its type.
    #[must_use]
    pub fn of_type(mut self, data_type: &str) -> Self {
        self.data_type = Some(data_type.to_owned());
        self
    }

    /// True for fields that an account made itself and can delete.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.key.is_custom()
    }

    /// What it holds, in words.
    #[must_use]
    pub fn type_words(&self) -> String {
        let word = match self.data_type.as_deref() {
            Some("LARGE_TEXT") => "long text",
            Some("MONETORY" | "MONETARY") => "amount of money",
            Some("CHECKBOX" | "MULTIPLE_OPTIONS") => "several choices",
            Some("SINGLE_OPTIONS" | "RADIO" | "radio" | "dropdown") => "one choice",
            Some("FILE_UPLOAD") => "files",
            Some("TEXTBOX_LIST") => "list of text boxes",
            Some("balance_tracker") => "balance",
            _ => match self.kind {
                FieldKind::Text => "text",
                FieldKind::Email => "e-mail address",
                FieldKind::Phone => "phone number",
                FieldKind::Country => "country",
                FieldKind::Subdivision => "state",
                FieldKind::Date => "date",
                FieldKind::Number => "number",
                FieldKind::Bool => "yes or no",
                FieldKind::Tags => "set of words",
            },
        };
        if self.choices.is_empty() { word.to_owned() } else { format!("{word} of {}", self.choices.len()) }
    }

    /// `value` as this field spells it: a choice in the service's own capitals, a list as a list, a date as
    /// `YYYY-MM-DD`. What it cannot hold stays as it is; [`Field::misfit`] says so.
    #[must_use]
    pub fn spelled(&self, value: Value) -> Value {
        match value {
            Value::Text(text) if self.kind == FieldKind::Tags && self.side == Side::Highlevel => {
                Value::from(self.parted(&text))
            }
            Value::List(items) if self.kind == FieldKind::Tags && self.side == Side::Highlevel => {
                Value::from(items.iter().map(|item| self.choice(item).unwrap_or(item).to_owned()).collect::<Vec<_>>())
            }
            Value::Text(text) => match self.choice(&text) {
                Some(choice) => Value::text(choice),
                None => Value::Text(text),
            },
            other => other,
        }
    }

    /// Why the field cannot hold the value. Only fields that an account made itself are judged.
    #[must_use]
    pub fn misfit(&self, value: &Value) -> Option<Misfit> {
        if !self.is_custom() || value.is_blank() {
            return None;
        }
        let normal = crate::value::normal(self.kind, value);
        match self.kind {
            FieldKind::Number if !crate::value::is_number(&normal) => return Some(Misfit::NotANumber),
            FieldKind::Date if !crate::value::is_date(&normal) => return Some(Misfit::NotADate),
            _ => {}
        }
        if self.choices.is_empty() {
            return None;
        }
        let strange = match value {
            Value::List(items) if self.kind == FieldKind::Tags => items.iter().find(|item| self.choice(item).is_none()),
            Value::Text(text) => Some(text).filter(|text| self.choice(text).is_none()),
            Value::List(_) | Value::Empty => None,
        };
        strange.map(|strange| Misfit::NotAChoice(strange.clone()))
    }

    /// `value` as the service's JSON wants it. Chargify types its texts non-null and joins nothing by itself.
    #[must_use]
    pub fn wire(&self, value: &Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match (self.side, value) {
            (Side::Highlevel, Value::Empty) if self.is_custom() && self.kind == FieldKind::Tags => {
                Json::Array(Vec::new())
            }
            (_, Value::Empty) if self.nullable => Json::Null,
            (_, Value::Empty) => Json::String(String::new()),
            (Side::Highlevel, Value::List(items)) => items.iter().map(String::as_str).collect(),
            (Side::Highlevel, value) if self.is_custom() && self.kind == FieldKind::Number => number(&value.display()),
            (Side::Highlevel, value) if self.is_custom() && self.kind == FieldKind::Date => {
                Json::String(crate::value::normal(FieldKind::Date, value).display())
            }
            (_, value) => Json::String(value.display()),
        }
    }

    /// The choice that the text means: the same but for white space and capitals.
    fn choice(&self, text: &str) -> Option<&str> {
        let plain = |text: &str| tidy(text).to_lowercase();
        let exact = self.choices.iter().find(|choice| *choice == text);
        exact.or_else(|| self.choices.iter().find(|choice| plain(choice) == plain(text))).map(String::as_str)
    }

    /// A text of several values, parted at commas; a choice may hold commas itself.
    fn parted(&self, text: &str) -> Vec<String> {
        let mut items = Vec::new();
        let pieces: Vec<&str> = text.split(',').collect();
        let mut rest = pieces.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            let longest = (1..=rest.len()).rev().find_map(|count| {
                let (head, tail) = rest.split_at_checked(count)?;
                Some((self.choice(&head.join(","))?.to_owned(), tail))
            });
            let (item, next) = longest.unwrap_or_else(|| (first.trim().to_owned(), behind));
            if !item.is_empty() {
                items.push(item);
            }
            rest = next;
        }
        items
    }
}

/// What keeps a value out of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The field takes numbers.
    NotANumber,
    /// The field takes dates.
    NotADate,
    /// This is none of the choices.
    NotAChoice(String),
}

/// A JSON number where it says exactly what the digits say, else the text.
fn number(text: &str) -> serde_json::Value {
    let normal = crate::value::normal(FieldKind::Number, &Value::text(text)).display();
    match normal.parse::<serde_json::Number>() {
        Ok(number) if number.to_string() == normal => serde_json::Value::Number(number),
        _ => serde_json::Value::String(normal),
    }
}

#[cfg(test)]
mod tests;
