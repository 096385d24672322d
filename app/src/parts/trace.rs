//! The trace: read, scope, match, map, merge, validate, write. It answers why a record is where it is: which step
//! stopped, and why.

use leptos::prelude::*;

use super::{Glyph, Icon, Tone};

/// How far a record came at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Done,
    /// Stopped here: amber when a person decides, red when it failed, grey when that is how it should be.
    Stopped(Tone),
    NotReached,
}

/// One step and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub why: String,
    pub reached: Reached,
}

impl Step {
    /// A step with its reason or result.
    pub fn new(name: impl Into<String>, why: impl Into<String>, reached: Reached) -> Self {
        Self { name: name.into(), why: why.into(), reached }
    }
}

/// The steps in order. The heading above them is the question a person asks.
#[component]
pub fn Trace(steps: Vec<Step>) -> impl IntoView {
    let steps = steps
        .into_iter()
        .map(|Step { name, why, reached }| {
            let (class, glyph, name, current) = match reached {
                Reached::Done => (Tone::Ok.class().to_owned(), Glyph::Done, name, None),
                Reached::Stopped(tone) => {
                    let glyph = if tone == Tone::Warn { Glyph::Ambiguous } else { tone.glyph() };
                    (format!("stopped {}", tone.class()), glyph, format!("{name}: stopped here"), Some("step"))
                }
                Reached::NotReached => ("unreached".to_owned(), Glyph::Unreached, name, None),
            };
            let why = if why.is_empty() && reached == Reached::NotReached { "Not reached".to_owned() } else { why };
            view! {
                <li class=class aria-current=current>
                    <Icon glyph=glyph />
                    <span class="name">{name}</span>
                    <span class="why">{why}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="trace">{steps}</ol> }
}
