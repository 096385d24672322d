//! Countries and their states: from a name, an alias or a code to the ISO 3166 code. What is not known for certain is
//! not answered.
//!
//! The tables are text, names folded as [`fold`] does it: `countries.txt` holds alpha-2, then alpha-3 and names;
//! `subdivisions.txt` holds for each country of which the states are known their codes and names, and a `*` behind the
//! country whose list is not complete.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::problem::ProblemCode;

#[cfg(test)]
mod tests;

/// The countries whose state names are understood in a record that names no country.
const UNDERSTOOD_ALONE: [&str; 4] = ["US", "CA", "AU", "DE"];

/// By alpha-2, alpha-3 and name; the alpha-2 codes also stand as they are, in capitals.
static COUNTRIES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut countries = BTreeMap::new();
    for (code, names) in include_str!("countries.txt").lines().filter_map(|line| line.split_once(' ')) {
        countries.insert(code, code);
        countries.extend(names.split('|').map(|name| (name, code)));
    }
    countries
});

/// The states of one country.
#[derive(Default)]
struct States {
    /// By code in capitals and by folded name.
    by_name: BTreeMap<&'static str, &'static str>,
    /// True when there are more than are listed.
    open: bool,
}

static STATES: LazyLock<BTreeMap<&'static str, States>> = LazyLock::new(|| {
    let mut countries: BTreeMap<&str, States> = BTreeMap::new();
    let mut country = "";
    for line in include_str!("subdivisions.txt").lines() {
        if let Some((code, names)) = line.strip_prefix(' ').and_then(|row| row.split_once(' ')) {
            let states = &mut countries.entry(country).or_default().by_name;
            states.insert(code, code);
            states.extend(names.split('|').map(|name| (name, code)));
        } else {
            let (code, open) = line.split_once(' ').unwrap_or((line, ""));
            country = code;
            countries.entry(country).or_default().open = !open.is_empty();
        }
    }
    countries
});

impl States {
    fn find(&self, text: &str) -> Option<&'static str> {
        let code = || self.by_name.get(text.to_ascii_uppercase().as_str());
        code().or_else(|| self.by_name.get(fold(text).as_str())).copied()
    }
}

/// The ISO 3166-1 alpha-2 code meant by a code, a name or a common alias, in any case and with or without accents.
#[must_use]
pub fn country(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.len() == 2
        && let Some(code) = COUNTRIES.get(text.to_ascii_uppercase().as_str())
    {
        return Some(code);
    }
    COUNTRIES.get(fold(text).as_str()).copied()
}

/// True for an alpha-2 code in capitals.
#[must_use]
pub fn is_country_code(text: &str) -> bool {
    COUNTRIES.get(text).is_some_and(|code| *code == text)
}

/// The ISO 3166-2 code, without its country, meant by a state's code or name.
///
/// `country_text` is what the record says, in any form. Codes of countries whose states are not listed here pass when
/// they have the shape of one. Without a country, codes pass and a few countries' names are understood.
///
/// # Errors
/// [`ProblemCode::SubdivisionUnknown`], or [`ProblemCode::CountryUnknown`] when the country itself cannot be read.
pub fn subdivision(country_text: Option<&str>, text: &str) -> Result<String, ProblemCode> {
    let text = text.trim();
    let Some(country_text) = country_text.filter(|country| !country.trim().is_empty()) else {
        if let Some(code) = subdivision_anywhere(text) {
            return Ok(code.to_owned());
        }
        return code_shaped(text).ok_or(ProblemCode::SubdivisionUnknown);
    };
    let country = country(country_text).ok_or(ProblemCode::CountryUnknown)?;
    let local = without_country(country, text);
    let Some(states) = STATES.get(country) else {
        return code_shaped(local).ok_or(ProblemCode::SubdivisionUnknown);
    };
    if let Some(code) = states.find(local) {
        return Ok(code.to_owned());
    }
    states.open.then(|| code_shaped(local)).flatten().ok_or(ProblemCode::SubdivisionUnknown)
}

/// The subdivision code meant by a state's code or name when the country is not known: of a few large countries, and
/// only where no two of them disagree.
#[must_use]
pub fn subdivision_anywhere(text: &str) -> Option<&'static str> {
    let mut found = None;
    for states in UNDERSTOOD_ALONE.iter().filter_map(|country| STATES.get(country)) {
        match (found, states.find(text)) {
            (_, None) => {}
            (Some(before), Some(code)) if before != code => return None,
            (_, code) => found = code,
        }
    }
    found
}

/// Lower case, no accents, no punctuation, no leading "the": what names are compared by.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.nfd().filter(|char| !is_combining_mark(*char)).flat_map(char::to_lowercase) {
        match char {
            '&' => plain.push_str(" and "),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'ı' => plain.push('i'),
            '\'' | '’' | '.' => {}
            char if is_combining_mark(char) => {}
            char if char.is_alphanumeric() => plain.push(char),
            _ => plain.push(' '),
        }
    }
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    if words.len() > 1 && words.first() == Some(&"the") {
        words.remove(0);
    }
    words.join(" ").nfc().collect()
}

/// `US-TX` is `TX` in the United States.
fn without_country<'a>(country: &str, text: &'a str) -> &'a str {
    match text.split_once('-') {
        Some((before, after)) if before.eq_ignore_ascii_case(country) => after,
        _ => text,
    }
}

/// One to three capitals or digits, the shape of an ISO 3166-2 code.
pub(crate) fn code_shaped(text: &str) -> Option<String> {
    let shaped =
        (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    shaped.then(|| text.to_owned())
}
