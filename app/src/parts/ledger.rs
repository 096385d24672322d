//! The ledger: counters as a sum. A total closed by a double rule, `=`, then the parts joined by `+`.
//! In a narrow box it is a column of figures with the total at its foot. A part that is zero stays: without it the
//! sum looks wrong.

use leptos::prelude::*;

use super::{Bar, Ending, Glyph, Icon, Part, Tone, Words, figure};

/// One figure of a ledger.
#[derive(Clone, Debug)]
pub struct Term {
    pub count: u64,
    pub name: String,
    pub tone: Tone,
    pub glyph: Option<Glyph>,
    /// Where the rows behind the figure are listed.
    pub href: Option<String>,
    /// A line of meaning under the name.
    pub note: Option<String>,
    /// Drawn hatched in the bar: it takes no part.
    pub aside: bool,
}

impl Term {
    /// A figure in words of one's own.
    pub fn new(count: u64, name: impl Into<String>, tone: Tone, glyph: Glyph) -> Self {
        Self { count, name: name.into(), tone, glyph: Some(glyph), href: None, note: None, aside: false }
    }

    /// The figure of an outcome.
    pub fn ending(count: u64, ending: Ending) -> Self {
        let term = Self::new(count, ending.word(), ending.tone(), ending.glyph());
        Self { aside: ending == Ending::LeftOut, ..term }
    }

    /// The total: what the parts add up to.
    pub fn total(count: u64, name: impl Into<String>) -> Self {
        Self { count, name: name.into(), tone: Tone::Idle, glyph: None, href: None, note: None, aside: false }
    }

    /// Links the figure to its rows.
    pub fn href(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }

    /// Adds a line of meaning.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// The sum, with the bar of its parts under it when `bar` is set.
#[component]
pub fn Ledger(total: Term, parts: Vec<Term>, #[prop(optional)] bar: bool) -> impl IntoView {
    let whole = total.count;
    let segments = parts
        .iter()
        .map(|term| if term.aside { Part::hatched(term.count) } else { Part::new(term.count, term.tone) })
        .collect();
    let class = if parts.len() > 5 { "ledger many" } else { "ledger" };
    let lines = parts
        .into_iter()
        .enumerate()
        .map(|(place, term)| {
            let sign = if place == 0 { ("=", "is") } else { ("+", "and") };
            view! { <Line term=term sign=Some(sign) /> }
        })
        .collect_view();
    view! {
        <div class="ledgerbox">
            <ul class=class>
                <Line term=total sign=None />
                {lines}
            </ul>
            {bar
                .then(|| {
                    view! {
                        <div class="ledger-bar">
                            <Bar parts=segments whole=whole />
                        </div>
                    }
                })}
        </div>
    }
}

#[component]
fn Line(term: Term, sign: Option<(&'static str, &'static str)>) -> impl IntoView {
    let Term { count, name, tone, glyph, href, note, .. } = term;
    let mut class = tone.class().to_owned();
    if sign.is_none() {
        class.push_str(" total");
    }
    if count == 0 {
        class.push_str(" zero");
    }
    let sign = sign.map(|(drawn, read)| {
        view! {
            <span class="sign" aria-hidden="true">
                {drawn}
            </span>
            <span class="hidden">{format!("{read} ")}</span>
        }
    });
    let label = format!("{} {name}", figure(count));
    let number = match href.filter(|_| count > 0) {
        Some(href) => view! {
            <a class="figure" href=href aria-label=label>
                {figure(count)}
            </a>
        }
        .into_any(),
        None => view! { <span class="figure">{figure(count)}</span> }.into_any(),
    };
    view! {
        <li class=class>
            {sign}
            {number}
            <span class="name">{glyph.map(|glyph| view! { <Icon glyph=glyph /> })} {name}</span>
            {Words::from(note).get().map(|note| view! { <span class="note">{note}</span> })}
        </li>
    }
}
