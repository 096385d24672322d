//! Text given to parts, and how numbers and ids are spelled. Pure functions, shared by every page.

use std::borrow::Cow;

/// What a part says in one place: a text, or nothing. Numbers arrive grouped (`8412` becomes `8,412`), so that a
/// figure is spelled the same wherever it stands. An empty text counts as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Option<String>);

impl Words {
    /// The text, if there is one. Options render as themselves in a view and in an attribute.
    pub fn get(self) -> Option<String> {
        self.0
    }

    /// The text, empty when there is none.
    pub fn text(self) -> String {
        self.0.unwrap_or_default()
    }

    /// The text without giving it away.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self((!text.is_empty()).then_some(text))
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Words {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<Cow<'_, str>> for Words {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

impl<T: Into<Self>> From<Option<T>> for Words {
    fn from(text: Option<T>) -> Self {
        text.map(Into::into).unwrap_or_default()
    }
}

macro_rules! from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Words {
            fn from(number: $number) -> Self {
                Self(Some(figure(i128::from(number))))
            }
        }
    )*};
}
from_number!(i32, i64, u8, u16, u32, u64);

impl From<usize> for Words {
    fn from(number: usize) -> Self {
        Self(Some(figure(number as i128)))
    }
}

/// A whole number with a comma between groups of three: `1590` is `1,590`.
pub fn figure(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        grouped.push('−');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 record`, `8,412 records`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", figure(count))
}

/// The share of `part` in `whole`, in percent from 0 to 100. A whole of nothing has no parts.
pub fn share_of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).clamp(0.0, 100.0) }
}

/// A share in words, one decimal, never rounded up to all and never down to none: `98.0 %`,
/// `0.1 %`. The space does not break.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0\u{a0}%".to_owned();
    }
    if part >= whole {
        return "100\u{a0}%".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    let tenths = if part > 0 { tenths.clamp(1, 999) } else { 0 };
    format!("{}.{}\u{a0}%", tenths / 10, tenths % 10)
}

/// An id or a hash with its middle left out, because ids are compared by their ends. Short ones stay whole.
pub fn shortened(id: &str, ends: usize) -> String {
    let letters: Vec<char> = id.chars().collect();
    if letters.len() <= ends * 2 + 3 {
        return id.to_owned();
    }
    let head = letters.iter().take(ends);
    let tail = letters.iter().skip(letters.len() - ends);
    head.chain(std::iter::once(&'…')).chain(tail).collect()
}

/// Up to two initials of a person's name; `?` when there is no letter in it.
pub fn initials(name: &str) -> String {
    let mut firsts = name.split_whitespace().filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()));
    let first = firsts.next();
    let last = firsts.next_back();
    let both: String = [first, last].into_iter().flatten().flat_map(char::to_uppercase).collect();
    if both.is_empty() { "?".to_owned() } else { both }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_threes() {
        let spelled: Vec<String> = [0, 7, 999, 1_000, 1_234_567, -8_412].into_iter().map(figure).collect();
        assert_eq!(spelled, ["0", "7", "999", "1,000", "1,234,567", "−8,412"]);
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_none() {
        assert_eq!(percent(12_188, 12_189), "99.9\u{a0}%");
        assert_eq!(percent(1, 1_000_000), "0.1\u{a0}%");
        assert_eq!(percent(5, 5), "100\u{a0}%");
        assert_eq!(percent(0, 5), "0.0\u{a0}%");
        assert_eq!(percent(0, 0), "0\u{a0}%");
    }

    #[test]
    fn long_ids_lose_their_middle_and_short_ones_do_not() {
        assert_eq!(shortened("7c1e55aa0193a94f", 4), "7c1e…a94f");
        assert_eq!(shortened("83211907", 4), "83211907");
        assert_eq!(shortened("žluťoučký-kůň-úpěl", 3), "žlu…pěl");
    }

    #[test]
    fn initials_survive_any_name() {
        assert_eq!(initials("Amara Nwosu"), "AN");
        assert_eq!(initials("Fatima Zahra El Idrissi"), "FI");
        assert_eq!(initials("玉"), "玉");
        assert_eq!(initials("  …  "), "?");
    }

    #[test]
    fn an_empty_text_is_nothing() {
        assert!(Words::from("").is_empty());
        assert!(Words::from(None::<String>).is_empty());
        assert_eq!(Words::from(Some("x")).text(), "x");
        assert_eq!(Words::from(8_412_u64).as_str(), "8,412");
    }
}
