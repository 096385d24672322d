//! Telephone numbers in E.164 form. A number that can be read in two ways is not read at all.
//!
//! `plans.txt` holds one numbering plan a line: calling code, trunk prefix (`-` for none), lengths of national numbers,
//! the countries that share it.

use std::sync::LazyLock;

use crate::problem::ProblemCode;

#[cfg(test)]
mod tests;

static PLANS: LazyLock<Vec<Plan>> =
    LazyLock::new(|| include_str!("plans.txt").lines().filter_map(Plan::read).collect());

/// The longest number E.164 allows, calling code included, and the shortest that is anybody's.
const LONGEST: usize = 15;
const SHORTEST: usize = 7;

/// One way of numbering.
#[derive(Debug)]
struct Plan {
    calling_code: &'static str,
    /// Empty when there is none.
    trunk: &'static str,
    /// Shortest and longest of each run of lengths.
    lengths: Vec<(usize, usize)>,
    countries: &'static str,
}

impl Plan {
    fn read(line: &'static str) -> Option<Self> {
        let mut parts = line.splitn(4, ' ');
        let (calling_code, trunk) = (parts.next()?, parts.next()?.trim_start_matches('-'));
        let span = |span: &str| {
            let (shortest, longest) = span.split_once('-').unwrap_or((span, span));
            Some((shortest.parse().ok()?, longest.parse().ok()?))
        };
        let lengths = parts.next()?.split(',').map(span).collect::<Option<_>>()?;
        Some(Self { calling_code, trunk, lengths, countries: parts.next()? })
    }

    fn allows(&self, length: usize) -> bool {
        self.lengths.iter().any(|(shortest, longest)| (*shortest..=*longest).contains(&length))
    }

    /// Whether a number without its trunk prefix surely has its area code: where numbers nearly always have one length,
    /// and it has that.
    fn is_whole(&self, length: usize) -> bool {
        let shortest = self.lengths.first().map_or(0, |span| span.0);
        let longest = self.lengths.last().map_or(0, |span| span.1);
        longest - shortest <= 1 && length == longest
    }

    /// Whether a number without its trunk prefix has a possible length, alone and with its calling code.
    fn is_possible(&self, national: &str) -> bool {
        let total = self.calling_code.len() + national.len();
        self.allows(national.len()) && (SHORTEST..=LONGEST).contains(&total)
    }

    /// What is left of a number people wrote with calling code and trunk prefix, when that is a possible number.
    fn home<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let home = self.without_trunk(digits).filter(|_| self.trunk.starts_with('0'))?;
        self.is_possible(home).then_some(home)
    }

    fn without_trunk<'a>(&self, digits: &'a str) -> Option<&'a str> {
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
        (SHORTEST..=LONGEST).contains(&digits.len())
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
    let mut rest_of_it = None;
    // No calling code begins with another, and several countries may share one with plans of their own; a number of any
    // of them is a possible one.
    for plan in PLANS.iter() {
        let Some(rest) = digits.strip_prefix(plan.calling_code) else { continue };
        rest_of_it = Some((plan.calling_code, rest));
        let national = plan.home(rest).unwrap_or(rest);
        if plan.is_possible(national) && is_settled(plan.calling_code, national) {
            return Ok(format!("+{}{national}", plan.calling_code));
        }
    }
    match rest_of_it {
        Some((code, rest)) => unreadable(format!("{} digits after {code} are not a whole number there", rest.len())),
        None => unreadable("no country has this calling code".to_owned()),
    }
}

/// Whether a number would be read as itself again: not when some country of its calling code takes off another prefix.
fn is_settled(calling_code: &str, national: &str) -> bool {
    PLANS.iter().filter(|plan| plan.calling_code == calling_code).all(|plan| plan.home(national).is_none())
}

/// Reads a national number. Every reading that gives a possible length is tried; two different ones are one too many.
fn from_national(digits: &str, plan: &Plan) -> Result<String, (ProblemCode, String)> {
    let possible = |reading: &&str| plan.is_possible(reading) && is_settled(plan.calling_code, reading);
    let home = plan.without_trunk(digits);
    let whole = (home.is_none() || !plan.trunk.starts_with('0')).then_some(digits);
    let mut readings: Vec<&str> = [home, whole].into_iter().flatten().filter(possible).collect();
    // "44 20 7946 0958" in Great Britain: the calling code without its plus, when it cannot be anything else.
    if readings.is_empty() {
        readings.extend(digits.strip_prefix(plan.calling_code).filter(possible));
    }
    match readings.as_slice() {
        [] => {
            let why = format!("{digits}: {} digits are not a whole number there", digits.len());
            Err((ProblemCode::PhoneUnreadable, why))
        }
        [one] if home.is_none() && !plan.trunk.is_empty() && !plan.is_whole(one.len()) => {
            Err((ProblemCode::PhoneAmbiguous, format!("{digits}: the area code may be missing")))
        }
        [one] => Ok(format!("+{}{one}", plan.calling_code)),
        _ => Err((ProblemCode::PhoneAmbiguous, digits.to_owned())),
    }
}

fn plan_of(country: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|plan| plan.countries.split(' ').any(|code| code.eq_ignore_ascii_case(country)))
}
