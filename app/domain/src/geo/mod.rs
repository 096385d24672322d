//! Countries and their states: from a name, an alias or a code to the ISO 3166 code. What is not known for certain is
//! not answered.
//!
//! The tables are text, names folded as [`fold`] does it: `countries.txt` holds alpha-2, alpha-3 and names;
//! `subdivisions.txt` holds for each country of which the states are known their codes and names, and a `*` behind the
//! country whose list is not complete.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::problem::ProblemCode;

#[cfg(test)]
mod tests;

const COUNTRIES: &str = include_str!("countries.txt");
const SUBDIVISIONS: &str = include_str!("subdivisions.txt");

/// The countries whose state names are understood in a record that names no country.
const UNDERSTOOD_ALONE: [&str; 4] = ["US", "CA", "AU", "DE"];

/// The ISO 3166-1 alpha-2 code meant by a code, a name or a common alias, in any case and with or without accents.
#[must_use]
pub fn country(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if let [one, two] = text.as_bytes()
        && one.is_ascii_alphabetic()
        && two.is_ascii_alphabetic()
        && let Some(code) = countries().map(|(code, ..)| code).find(|code| code.eq_ignore_ascii_case(text))
    {
        return Some(code);
    }
    let folded = fold(text);
    if folded.is_empty() {
        return None;
    }
    countries()
        .find(|(_, alpha3, names)| alpha3.eq_ignore_ascii_case(&folded) || names.split('|').any(|name| name == folded))
        .map(|(code, ..)| code)
}

/// True for an alpha-2 code in capitals.
#[must_use]
pub fn is_country_code(text: &str) -> bool {
    countries().any(|(code, ..)| code == text)
}

/// The ISO 3166-2 code, without its country, meant by a state's code or name.
///
/// `country` is what the record says, in any form. Codes of countries whose states are not listed here pass when they
/// have the shape of one. Without a country, codes pass and a few countries' names are understood.
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
    let Some(states) = states(country) else {
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
    for code in UNDERSTOOD_ALONE.into_iter().filter_map(states).filter_map(|states| states.find(text)) {
        match found {
            Some(before) if before != code => return None,
            _ => found = Some(code),
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
    let mut words = plain.split_whitespace();
    let mut folded = words.clone().collect::<Vec<_>>().join(" ");
    if words.next() == Some("the") && words.next().is_some() {
        folded.drain(.."the ".len());
    }
    folded.nfc().collect()
}

fn countries() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    COUNTRIES.lines().filter_map(|line| {
        let (code, rest) = line.split_once(' ')?;
        let (alpha3, names) = rest.split_once(' ')?;
        Some((code, alpha3, names))
    })
}

/// The states of one country: the indented lines below its code.
#[derive(Clone, Copy)]
struct States {
    lines: &'static str,
    open: bool,
}

impl States {
    fn find(self, text: &str) -> Option<&'static str> {
        let rows = || {
            let lines = self.lines.lines().take_while(|line| line.starts_with(' '));
            lines.filter_map(|line| line.trim_start().split_once(' '))
        };
        if let Some((code, _)) = rows().find(|(code, _)| code.eq_ignore_ascii_case(text)) {
            return Some(code);
        }
        let folded = fold(text);
        rows().find(|(_, names)| names.split('|').any(|name| name == folded)).map(|(code, _)| code)
    }
}

fn states(country: &str) -> Option<States> {
    let mut rest = SUBDIVISIONS;
    while let Some((line, below)) = rest.split_once('\n') {
        let mut head = line.split(' ');
        if head.next() == Some(country) {
            return Some(States { lines: below, open: head.next() == Some("*") });
        }
        rest = below;
    }
    None
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
