//! The written form of a lookup table: `a=b, c=d`.

use std::collections::BTreeMap;

/// Reads a table. The error says what is wrong with it.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for (left, right) in split(text)? {
        if pairs.contains_key(&left) {
            return Err(format!("\"{left}\" stands twice in the lookup table"));
        }
        pairs.insert(left, right);
    }
    if pairs.is_empty() {
        return Err("the lookup table is empty; write lookup(\"a=b, c=d\")".to_owned());
    }
    Ok(pairs)
}

/// Writes a table so that it reads back.
pub(super) fn written(pairs: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(left, right)| format!("{}={}", keep(left), keep(right))).collect();
    pairs.join(", ")
}

/// Marks the characters that would otherwise end a part of a pair, and white space that would be dropped from it.
fn keep(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (index, char) in text.chars().enumerate() {
        let at_an_end = index == 0 || index == last;
        if matches!(char, '\\' | ',' | '=') || (char.is_whitespace() && at_an_end) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// Splits `a=b, c=d`. A backslash keeps the next character from meaning anything; spaces around parts are dropped
/// unless kept so.
fn split(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut left: Option<String> = None;
    let mut part = Part::default();
    let mut chars = text.chars();
    let mut close = |left: &mut Option<String>, part: &mut Part| match (left.take(), part.take()) {
        (Some(left), right) => {
            pairs.push((left, right));
            Ok(())
        }
        (None, text) if text.is_empty() => Ok(()),
        (None, text) => Err(format!("\"{text}\" has no = in the lookup table")),
    };
    while let Some(char) = chars.next() {
        match char {
            '\\' => part.keep(chars.next().ok_or("the lookup table ends in a single backslash")?),
            ',' => close(&mut left, &mut part)?,
            '=' if left.is_none() => left = Some(part.take()),
            '=' => return Err("a pair of the lookup table has two =; write \\= for one that is meant".to_owned()),
            other => part.push(other),
        }
    }
    close(&mut left, &mut part)?;
    Ok(pairs)
}

/// A part of a lookup pair while it is read; `kept` is its length up to the last character that must stay.
#[derive(Default)]
struct Part {
    text: String,
    kept: usize,
}

impl Part {
    fn push(&mut self, char: char) {
        if char.is_whitespace() && self.text.is_empty() {
            return;
        }
        self.text.push(char);
        if !char.is_whitespace() {
            self.kept = self.text.len();
        }
    }

    fn keep(&mut self, char: char) {
        self.text.push(char);
        self.kept = self.text.len();
    }

    fn take(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        text.truncate(std::mem::take(&mut self.kept));
        text
    }
}
