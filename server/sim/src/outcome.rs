//! One history from beginning to end, in a runtime of its own.

use crate::{
    books::Books,
    clock::Timeline,
    history::{History, What},
    judge::{Evidence, Violation, judge},
    services::Services,
    tally::Tally,
    trace::Trace,
    wheel::Wheel,
    world::World,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use time::{OffsetDateTime, macros::datetime};

/// The first day a world can begin on.
const FIRST_DAY: OffsetDateTime = datetime!(2026-07-01 00:00 UTC);

/// What came of a history.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    /// Equal for equal courses.
    pub hash: String,
    /// The trace, when it was wanted.
    pub lines: Vec<String>,
    /// What is written down at the end, when the trace was wanted.
    pub books: Vec<String>,
    pub counts: BTreeMap<&'static str, u64>,
    /// How much time passed in the world.
    pub virtual_time: Duration,
}

/// Plays a history. `keep`: whether the trace is wanted.
#[must_use]
pub fn play(history: &History, keep: bool) -> Outcome {
    let (own, trace, tally) = (history.clone(), Arc::new(Trace::new(keep)), Arc::new(Tally::default()));
    let kept = (Arc::clone(&trace), Arc::clone(&tally));
    let played = Wheel::run(|wheel| play_in(own, wheel, kept));
    let (judged, virtual_time) = played.unwrap_or_else(|| {
        (Judged::from(Violation::new("everything comes to rest", "everybody waits for somebody")), Duration::ZERO)
    });
    let books = if keep { judged.books.lines() } else { Vec::new() };
    let violations = judged.violations;
    tally.count("histories");
    tally.add("events", history.events.len() as u64);
    Outcome { violations, hash: trace.hash(), lines: trace.lines(), books, counts: tally.counts(), virtual_time }
}

/// A world at its end, and what is wrong with it.
#[derive(Default)]
struct Judged {
    violations: Vec<Violation>,
    books: Books,
}

impl From<Violation> for Judged {
    fn from(violation: Violation) -> Self {
        Self { violations: vec![violation], ..Self::default() }
    }
}

async fn play_in(history: History, wheel: Arc<Wheel>, (trace, tally): (Arc<Trace>, Arc<Tally>)) -> (Judged, Duration) {
    let start = FIRST_DAY + time::Duration::seconds(i64::try_from(history.seed % 10_000_000).unwrap_or(0));
    let timeline = Timeline::beginning(start, wheel);
    let services = Services::new(&history.plan, history.seed, Arc::clone(&timeline), trace, tally);
    let services = Arc::new(services);
    let judged = match World::open(&history.plan, history.seed, Arc::clone(&services)).await {
        Ok(world) => live(world, &history).await,
        Err(why) => Violation::new("the simulation works", why).into(),
    };
    (judged, timeline.elapsed())
}

async fn live(mut world: World, history: &History) -> Judged {
    for event in &history.events {
        world.perform(event).await;
    }
    let rest = world.come_to_rest().await;
    let books = world.last_books().await;
    let rules = world.services.rules();
    let evidence = Evidence {
        ledger: &rules.ledger,
        books: &books,
        rest: &rest,
        mapping: &world.mapping,
        taken: &world.taken(),
        creates_contacts: history.plan.create_contacts,
        high_water: world.services.high_water(),
        slots: world.services.slots(),
        clocks_jumped: history.events.iter().any(|event| matches!(event.what, What::Jump { .. })),
        start: world.services.timeline.start(),
    };
    let violations = judge(&evidence);
    for violation in &violations {
        world.services.note(format_args!("BROKEN {violation}"));
    }
    drop(rules);
    Judged { violations, books }
}
