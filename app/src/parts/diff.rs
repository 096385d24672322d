//! What changes in a field: before in grey, after in ink, the changed letters marked. The mark is fill and
//! underline, so it holds without colour, and the arrow is read aloud as "becomes". Nothing is the word *empty*.

use leptos::prelude::*;

use super::{Glyph, Icon, Words, figure};

/// One field that changes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Change {
    /// A change of `field`; an empty text counts as nothing.
    pub fn new(field: impl Into<String>, before: impl Into<Words>, after: impl Into<Words>) -> Self {
        Self { field: field.into(), before: before.into().get(), after: after.into().get() }
    }
}

/// `after` cut into what stayed at its start, what changed, and what stayed at its end.
///
/// When less than a third stayed, all of it counts as changed and nothing is marked: a marked whole is only noise.
pub fn changed_letters<'a>(before: &str, after: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    if before.is_empty() || before == after {
        return None;
    }
    let same = |(left, right): &(char, char)| left == right;
    let head: usize = before.chars().zip(after.chars()).take_while(same).map(|(letter, _)| letter.len_utf8()).sum();
    let (start, rest) = after.split_at_checked(head)?;
    let rest_before = before.get(head..)?;
    let tail: usize =
        rest_before.chars().rev().zip(rest.chars().rev()).take_while(same).map(|(letter, _)| letter.len_utf8()).sum();
    let (middle, end) = rest.split_at_checked(rest.len() - tail)?;
    let stayed = start.chars().count() + end.chars().count();
    let joined = |text: &str| text.starts_with(|letter: char| matches!(letter, '\u{300}'..='\u{36f}' | '\u{200d}'));
    let whole_letters = !joined(middle) && !joined(end);
    (whole_letters && !middle.is_empty() && stayed * 3 >= after.chars().count()).then_some((start, middle, end))
}

#[component]
fn After(before: Option<String>, after: Option<String>) -> impl IntoView {
    let Some(after) = after else {
        return view! { <em class="empty-word">"empty"</em> }.into_any();
    };
    let pieces = changed_letters(before.as_deref().unwrap_or_default(), &after)
        .map(|(start, middle, end)| (start.to_owned(), middle.to_owned(), end.to_owned()));
    match pieces {
        Some((start, middle, end)) => view! {
            <bdi class="after">
                {start} <mark>{middle}</mark> {end}
            </bdi>
        }
        .into_any(),
        None => view! { <bdi class="after">{after}</bdi> }.into_any(),
    }
}

/// One field's change on a line: `phone 070-174 06 35 → +46701740635`.
#[component]
pub fn Diff(change: Change) -> impl IntoView {
    let Change { field, before, after } = change;
    let shown = match before.clone() {
        Some(before) => view! { <bdi class="before">{before}</bdi> }.into_any(),
        None => view! { <em class="empty-word">"empty"</em> }.into_any(),
    };
    let field = Words::from(field).get().map(|field| view! { <span class="field-name">{field}</span> });
    view! {
        <span class="diff">
            {field}
            {shown}
            <Icon glyph=Glyph::Arrow label="becomes" />
            <After before=before after=after />
        </span>
    }
}

/// Several changes of one record, `and 5 more` where the rest is left for the record's page.
#[component]
pub fn Diffs(changes: Vec<Change>, #[prop(optional)] more: u64) -> impl IntoView {
    let lines = changes.into_iter().map(|change| view! { <Diff change=change /> }).collect_view();
    let more = (more > 0).then(|| view! { <span class="more">{format!("and {} more", figure(more))}</span> });
    view! {
        <div class="diffs">
            {lines}
            {more}
        </div>
    }
}

/// A setting's change as a sentence: `When both sides changed: ~~ask a person~~ is now newest wins`.
#[component]
pub fn SettingChange(change: Change) -> impl IntoView {
    let Change { field, before, after } = change;
    let empty = || "empty".to_owned();
    view! {
        <p class="quiet">
            {format!("{field}: ")} <del>{before.unwrap_or_else(empty)}</del> " is now "
            <ins class="strong">{after.unwrap_or_else(empty)}</ins>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_letters_that_changed_are_marked() {
        assert_eq!(changed_letters("+842455501132", "+842455501198"), Some(("+8424555011", "98", "")));
        assert_eq!(changed_letters("Kjaergaard", "Kjærgaard"), Some(("Kj", "æ", "rgaard")));
        assert_eq!(changed_letters("aaa", "aa"), None);
    }

    #[test]
    fn a_value_that_is_new_as_a_whole_is_not_marked() {
        assert_eq!(changed_letters("Rabat", "Casablanca"), None);
        assert_eq!(changed_letters("", "HU"), None);
        assert_eq!(changed_letters("same", "same"), None);
    }

    #[test]
    fn a_letter_is_never_cut_from_its_accent() {
        assert_eq!(changed_letters("Rejka Szabo", "Re\u{301}jka Szabo"), None);
    }
}
