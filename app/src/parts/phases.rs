//! The phases of a run, a segment each with its time. The one going on is wider and says its fraction.

use leptos::prelude::*;

use super::{Bar, Glyph, Icon, Part, Tone, Words, figure, share_of};

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Going {
        done: u64,
        whole: u64,
    },
    /// Waits for the person who reads it: the step they are at.
    Here,
    Stopped,
    Waiting,
}

/// One phase. `took` says how long it took, takes so far, or will take.
#[derive(Clone, Debug)]
pub struct Phase {
    pub name: String,
    pub took: String,
    pub progress: Progress,
}

impl Phase {
    /// A phase with its time in words.
    pub fn new(name: impl Into<String>, took: impl Into<String>, progress: Progress) -> Self {
        Self { name: name.into(), took: took.into(), progress }
    }
}

/// The phases in order.
#[component]
pub fn Phases(phases: Vec<Phase>) -> impl IntoView {
    let phases = phases
        .into_iter()
        .map(|Phase { name, took, progress }| {
            let going = matches!(progress, Progress::Going { .. });
            let current = going || progress == Progress::Here;
            let (tone, glyph, part, whole) = match progress {
                Progress::Done => (Tone::Ok, Glyph::Done, 1, 1),
                Progress::Going { done, whole } => (Tone::Accent, Glyph::Turning, done, whole),
                Progress::Here => (Tone::Accent, Glyph::Right, 1, 1),
                Progress::Stopped => (Tone::Bad, Glyph::Failed, 1, 1),
                Progress::Waiting => (Tone::Idle, Glyph::Unreached, 0, 1),
            };
            let (name, took) = match progress {
                Progress::Going { done, whole } if whole > 0 => (
                    format!("{name}, {} of {}", figure(done), figure(whole)),
                    format!("{took}, {:.0} %", share_of(done, whole).floor()),
                ),
                _ => (name, took),
            };
            let class = if going { format!("wide {}", tone.class()) } else { tone.class().to_owned() };
            view! {
                <li class=class aria-current=current.then_some("step")>
                    <Bar parts=vec![Part::new(part, tone)] whole=whole thin=true />
                    <span class="name">
                        <Icon glyph=glyph />
                        {name}
                    </span>
                    <span class="took">{took}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="phases">{phases}</ol> }
}

/// The head of a run card: how long is left in large type, what that means beside it, and the phases.
#[component]
pub fn RunLine(#[prop(into)] left: Words, #[prop(into)] meaning: Words, phases: Vec<Phase>) -> impl IntoView {
    view! {
        <div class="runline">
            <div>
                <p class="eta">{left.get()}</p>
                <p class="meta">{meaning.get()}</p>
            </div>
            <Phases phases=phases />
        </div>
    }
}
