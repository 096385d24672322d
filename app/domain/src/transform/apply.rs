//! What each transform does.

use super::{Transform, syntax};
use crate::problem::{Problem, ProblemCode, any_stops};
use crate::record::Record;
use crate::value::Value;
use crate::{geo, phone};

/// Does a whole chain; it ends at the first step whose result must not be used.
#[must_use]
pub fn apply_all(chain: &[Transform], value: &Value, context: &Record) -> (Value, Vec<Problem>) {
    let mut value = value.clone();
    let mut problems = Vec::new();
    for step in chain {
        let (next, found) = step.apply(&value, context);
        let stop = any_stops(&found);
        problems.extend(found);
        value = next;
        if stop {
            break;
        }
    }
    (value, problems)
}

pub(super) fn apply(step: &Transform, value: &Value, context: &Record) -> (Value, Vec<Problem>) {
    match step {
        Transform::Default(text) if value.is_blank() => (Value::text(text.as_str()), Vec::new()),
        Transform::Default(_) => (value.clone(), Vec::new()),
        Transform::Template(template) => render(template, context),
        _ if value.is_blank() => (Value::Empty, Vec::new()),
        Transform::Trim => each(value, |text| Ok(text.trim().to_owned())),
        Transform::CollapseSpaces => each(value, |text| Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        Transform::Lower => each(value, |text| Ok(text.to_lowercase())),
        Transform::Upper => each(value, |text| Ok(text.to_uppercase())),
        Transform::Title => each(value, |text| Ok(title(text))),
        Transform::Phone { default_country } => {
            let country = context.text("country").and_then(geo::country).or(default_country.as_deref());
            each(value, |text| phone::parse(text, country).map_err(|(code, detail)| Problem::new(code, detail)))
        }
        Transform::Country => each(value, |text| {
            let code = geo::country(text).ok_or_else(|| Problem::new(ProblemCode::CountryUnknown, text.trim()))?;
            Ok(code.to_owned())
        }),
        Transform::Subdivision => each(value, |text| subdivision(text, context)),
        Transform::Lookup(pairs) => each(value, |text| {
            let found = pairs.get(text).or_else(|| pairs.get(text.trim()));
            found.cloned().ok_or_else(|| Problem::new(ProblemCode::NotInLookup, text.trim()))
        }),
        Transform::Truncate(length) => truncate(value, *length),
    }
}

/// Does something to the text, or to each text of a list. The first failure stands for all.
fn each(value: &Value, change: impl Fn(&str) -> Result<String, Problem>) -> (Value, Vec<Problem>) {
    let changed = match value {
        Value::Empty => Ok(Value::Empty),
        Value::Text(text) => change(text).map(Value::text),
        Value::List(items) => {
            let items = items.iter().filter(|item| !item.trim().is_empty());
            items.map(|item| change(item)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
    };
    match changed {
        Ok(changed) => (changed, Vec::new()),
        Err(problem) => (value.clone(), vec![problem]),
    }
}

fn subdivision(text: &str, context: &Record) -> Result<String, Problem> {
    let country = context.text("country");
    geo::subdivision(country, text).map_err(|code| {
        let detail = match country {
            Some(country) => format!("\"{}\" in {}", text.trim(), country.trim()),
            None => format!("\"{}\", and the record names no country", text.trim()),
        };
        Problem::new(code, detail)
    })
}

/// A capital at the start of each word and after a hyphen, and after the apostrophe of O'Brien and D'Arcy, but not
/// after that of Bob's.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters_before = 0_usize;
    let mut capital = true;
    for char in text.chars() {
        if char.is_alphanumeric() {
            let mut upper = char.to_uppercase();
            match upper.next().filter(|_| capital) {
                // ß in capitals is two letters, of which only one begins the word.
                Some(first) => {
                    out.push(first);
                    out.extend(upper.flat_map(char::to_lowercase));
                }
                None => out.extend(char.to_lowercase()),
            }
            capital = false;
            letters_before += 1;
        } else {
            let joins = matches!(char, '\'' | '’') && letters_before > 1;
            // A combining mark belongs to the letter before it.
            let mark = unicode_normalization::char::is_combining_mark(char);
            if !mark {
                capital = !joins;
                letters_before = 0;
            }
            out.push(char);
        }
    }
    out
}

fn truncate(value: &Value, length: usize) -> (Value, Vec<Problem>) {
    let text = value.display();
    let before = text.chars().count();
    if before <= length {
        return (value.clone(), Vec::new());
    }
    let cut: String = text.chars().take(length).collect();
    let problem = Problem::new(ProblemCode::Cut, format!("from {before} to {length} characters"));
    (Value::text(cut.trim_end()), vec![problem])
}

fn render(template: &str, context: &Record) -> (Value, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut some = false;
    let mut out = String::new();
    for piece in syntax::pieces(template) {
        match piece {
            syntax::Piece::Text(text) => out.push_str(text),
            syntax::Piece::Field(name) => match context.get(name) {
                None => problems.push(Problem::new(ProblemCode::TemplateFieldAbsent, name)),
                Some(value) => {
                    some |= !value.is_blank();
                    out.push_str(value.display().trim());
                }
            },
        }
    }
    let value = if some { Value::text(out.trim()) } else { Value::Empty };
    (value, problems)
}
