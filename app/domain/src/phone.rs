//! Telephone numbers in E.164 form.

/// `+` and digits, when the number is written with a leading `+` or `00` and is a possible one.
#[must_use]
pub fn international(text: &str) -> Option<String> {
    let _ = text;
    None
}
