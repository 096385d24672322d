//! Telephone numbers in E.164 form. A number that can be read in two ways is not read at all.
//!
//! `plans.txt` holds one numbering plan a line: calling code, trunk prefix (`-` for none), lengths of national numbers,
//! the countries that share it.

use crate::problem::ProblemCode;

#[cfg(test)]
mod tests;

const PLANS: &str = include_str!("plans.txt");

/// The longest number E.164 allows, calling code included.
const LONGEST: usize = 15;

/// One country's way of numbering.
#[derive(Debug, Clone, Copy)]
struct Plan {
    calling_code: &'static str,
    trunk: &'static str,
    lengths: &'static str,
}

impl Plan {
    fn allows(self, length: usize) -> bool {
        self.spans().any(|(shortest, longest)| (shortest..=longest).contains(&length))
    }

    /// True when a national number has nearly always one length, so that one without its trunk prefix is still whole.
    fn is_closed(self) -> bool {
        self.longest() - self.spans().map(|(shortest, _)| shortest).min().unwrap_or(0) <= 1
    }

    fn longest(self) -> usize {
        self.spans().map(|(_, longest)| longest).max().unwrap_or(0)
    }

    fn spans(self) -> impl Iterator<Item = (usize, usize)> {
        self.lengths.split(',').filter_map(|span| {
            let (shortest, longest) = span.split_once('-').unwrap_or((span, span));
            Some((shortest.parse().ok()?, longest.parse().ok()?))
        })
    }

    fn without_trunk(self, digits: &str) -> Option<&str> {
        if self.trunk.is_empty() { None } else { digits.strip_prefix(self.trunk) }
    }
}

/// `+` and digits, when the number is written with a leading `+` or `00` and is a possible one.
#[must_use]
pub fn international(text: &str) -> Option<String> {
    let written = read(text).ok()?;
    if written.extension { None } else { from_international(written.international()?).ok() }
}

/// True for `+` and seven to fifteen digits, the first of which is not zero.
#[must_use]
pub fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=LONGEST).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Reads a number as people write it. `country` is the alpha-2 code of the country a national number belongs to.
///
/// # Errors
/// Why it cannot be read, with what exactly stood in the way.
pub fn parse(text: &str, country: Option<&str>) -> Result<String, (ProblemCode, String)> {
    let written = read(text)?;
    let plan = country.and_then(plan_of);
    // 011 is how North America dials abroad; elsewhere it may begin a national number.
    let abroad = plan.filter(|plan| plan.calling_code == "1").and_then(|_| written.digits.strip_prefix("011"));
    let number = match (written.international().or(abroad), plan) {
        (Some(digits), _) => from_international(digits)?,
        (None, Some(plan)) => from_national(&written.digits, plan)?,
        (None, None) => return Err((ProblemCode::PhoneCountryUnknown, text.trim().to_owned())),
    };
    if written.extension {
        return Err((ProblemCode::PhoneExtension, text.trim().to_owned()));
    }
    Ok(number)
}

/// A number stripped of what people put between digits.
struct Written {
    plus: bool,
    digits: String,
    extension: bool,
}

impl Written {
    /// The digits after `+` or `00`.
    fn international(&self) -> Option<&str> {
        if self.plus { Some(&self.digits) } else { self.digits.strip_prefix("00") }
    }
}

fn read(text: &str) -> Result<Written, (ProblemCode, String)> {
    let unreadable = |why: &str| Err((ProblemCode::PhoneUnreadable, format!("{}: {why}", text.trim())));
    let (number, extension) = split_extension(text.trim());
    let mut written = Written { plus: false, digits: String::new(), extension };
    for char in number.chars() {
        match char {
            '+' | '＋' if written.digits.is_empty() && !written.plus => written.plus = true,
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{202f}' | '\t' => {}
            // Hyphens and dashes of all kinds, and the marks that programs put around numbers.
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2009}' => {}
            char => match digit(char) {
                Some(digit) => written.digits.push(digit),
                None => return unreadable(&format!("\"{char}\" is no part of a number")),
            },
        }
    }
    if written.digits.is_empty() {
        return unreadable("there is no digit in it");
    }
    Ok(written)
}

/// Cuts off "ext. 12", "x12", "#12". True when there was one.
fn split_extension(text: &str) -> (&str, bool) {
    let start = text
        .char_indices()
        .find(|(_, char)| matches!(char, 'x' | 'X' | '#' | 'e' | 'E' | ';' | ','))
        .filter(|(at, _)| text.get(..*at).is_some_and(|before| before.chars().any(|char| digit(char).is_some())));
    let Some((number, rest)) = start.and_then(|(at, _)| text.split_at_checked(at)) else {
        return (text, false);
    };
    let rest = rest.to_ascii_lowercase();
    let rest = rest.trim_start_matches([';', ',', ' ']);
    let number_of = ["extension", "extn", "ext", "x", "#"].into_iter().find_map(|word| rest.strip_prefix(word));
    let is_extension = number_of.is_some_and(|after| {
        let after = after.trim_start_matches([' ', '.', ':', '=']).trim_end();
        (1..=8).contains(&after.len()) && after.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_extension { (number, true) } else { (text, false) }
}

/// ASCII digits, and the full-width, Arabic and Persian ones that phones and keyboards produce.
fn digit(char: char) -> Option<char> {
    let zero = match char {
        '0'..='9' => return Some(char),
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6f0}'..='\u{6f9}' => 0x6f0,
        _ => return None,
    };
    char::from_digit(u32::from(char) - zero, 10)
}

fn from_international(digits: &str) -> Result<String, (ProblemCode, String)> {
    let unreadable = |why: String| Err((ProblemCode::PhoneUnreadable, format!("+{digits}: {why}")));
    let Some(code) = (1..=3)
        .filter_map(|length| digits.get(..length))
        .find(|code| plans().any(|(plan, _)| plan.calling_code == *code))
    else {
        return unreadable("no country has this calling code".to_owned());
    };
    let rest = digits.get(code.len()..).unwrap_or("");
    // Several countries may share a calling code with plans of their own; a number of any of them is a possible one.
    for (plan, _) in plans().filter(|(plan, _)| plan.calling_code == code) {
        let national = match plan.without_trunk(rest) {
            Some(home) if plan.trunk.starts_with('0') && plan.allows(home.len()) => home,
            _ => rest,
        };
        if plan.allows(national.len()) && code.len() + national.len() <= LONGEST {
            return Ok(format!("+{code}{national}"));
        }
    }
    unreadable(format!("a number with the calling code {code} does not have {} further digits", rest.len()))
}

/// Reads a national number. Every reading that gives a possible length is tried; two different ones are one too many.
fn from_national(digits: &str, plan: Plan) -> Result<String, (ProblemCode, String)> {
    let possible = |reading: &&str| plan.allows(reading.len()) && plan.calling_code.len() + reading.len() <= LONGEST;
    let home = plan.without_trunk(digits);
    let whole = (home.is_none() || !plan.trunk.starts_with('0')).then_some(digits);
    let mut readings: Vec<&str> = [home, whole].into_iter().flatten().filter(possible).collect();
    // "44 20 7946 0958" in Great Britain: the calling code without its plus, when it cannot be anything else.
    if readings.is_empty() {
        readings.extend(digits.strip_prefix(plan.calling_code).filter(possible));
    }
    match readings.as_slice() {
        [] => Err((
            ProblemCode::PhoneUnreadable,
            format!("{digits}: {} digits are not a whole number there", digits.len()),
        )),
        [one] if home.is_none() && !plan.trunk.is_empty() && !complete(one, plan) => {
            Err((ProblemCode::PhoneAmbiguous, format!("{digits}: the area code may be missing")))
        }
        [one] => Ok(format!("+{}{one}", plan.calling_code)),
        _ => Err((ProblemCode::PhoneAmbiguous, digits.to_owned())),
    }
}

/// Whether a number without its trunk prefix surely has its area code.
fn complete(national: &str, plan: Plan) -> bool {
    plan.is_closed() && national.len() == plan.longest()
}

fn plan_of(country: &str) -> Option<Plan> {
    plans()
        .find(|(_, countries)| countries.split(' ').any(|code| code.eq_ignore_ascii_case(country)))
        .map(|(plan, _)| plan)
}

fn plans() -> impl Iterator<Item = (Plan, &'static str)> {
    PLANS.lines().filter_map(|line| {
        let mut parts = line.splitn(4, ' ');
        let calling_code = parts.next()?;
        let trunk = parts.next()?.trim_start_matches('-');
        let lengths = parts.next()?;
        Some((Plan { calling_code, trunk, lengths }, parts.next()?))
    })
}
