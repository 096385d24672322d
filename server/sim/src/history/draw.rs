//! From a seed to a history. Which kinds of events occur at all is drawn first: a history of few kinds goes deeper into
//! them than one of all.

use super::{Event, History, Mode, On, Person, Plan, Post, Remap, Rule, Weather, What, Wish};
use crate::{dice::Dice, fields::PAIRS};
use domain::{
    Side,
    mapping::{Conflict, Direction},
};

/// From here on histories have what was thought of later: searches that tell of changes out of order, nodes that die in
/// a call, lists that shift while they are read, and events that follow each other as close as trouble does. Those before
/// stay as they were: tests name them.
const SECOND_EDITION: u64 = 20_000;

/// Events that happen within seconds of the one before, in so many of a thousand cases.
const HURRIED: u64 = 450;

/// The history of a seed.
#[must_use]
pub fn draw(seed: u64) -> History {
    let mut plan = plan(&mut Dice::new(seed, "plan"));
    let is_second = seed > SECOND_EDITION;
    if is_second {
        let mut dice = Dice::new(seed, "crowd");
        plan.crowd = if dice.permille(5) { u32::try_from(dice.between(195, 215)).unwrap_or(0) } else { 0 };
        // Nobody looks at the crowd, so nobody must write to it either.
        plan.create_contacts &= plan.crowd == 0;
    }
    let mut events = events(&mut Dice::new(seed, "events"), &plan, is_second);
    if is_second {
        follow(&mut Dice::new(seed, "followers"), &mut events, plan.crowd > 0);
    }
    History { seed, plan, events }
}

/// Lets some events be followed closely by what makes them dangerous.
fn follow(dice: &mut Dice, events: &mut Vec<Event>, has_crowd: bool) {
    let full = What::Run { mode: Mode::Full, approval: Wish::Granted };
    let changes = What::Run { mode: Mode::Changes, approval: Wish::Granted };
    let edit = |who| What::Edit { side: Side::Highlevel, who, place: 0, clear: false };
    let mut all: Vec<Event> = Vec::with_capacity(events.len());
    for event in events.drain(..) {
        let what = event.what;
        all.push(event);
        let mut then = |gap_ms: u64, what: What| {
            let no = 1_000 + u32::try_from(all.len()).unwrap_or(0);
            all.push(Event { no, gap_ms, what });
        };
        match what {
            What::CreateLike { side: Side::Highlevel, .. } if dice.permille(500) => {
                then(dice.between(100, 2_000), full);
            }
            What::Remap { place, .. } if dice.permille(600) => {
                then(dice.between(1, 3_000), full);
                then(dice.between(10, 600), What::Remap { place, to: Remap::Drop });
            }
            What::Lag { .. } => {
                let (one, other) = (dice.below(1_000), dice.below(1_000));
                let who = |drawn: u64| u32::try_from(drawn).unwrap_or(0);
                then(dice.between(100, 2_000), edit(who(one)));
                then(dice.between(100, 1_000), What::Lag { seconds: 0 });
                then(dice.between(1_000, 3_000), edit(who(other)));
                then(dice.between(1_000, 3_000), changes);
            }
            What::CrashInCall { .. } => then(1, What::Weather { kind: Weather::Hanging, for_s: dice.between(60, 300) }),
            What::Run { mode: Mode::Full, .. } if has_crowd => {
                for _ in 0..dice.between(1, 6) {
                    then(dice.between(50, 700), What::Shift);
                }
            }
            _ => {}
        }
    }
    *events = all;
}

fn plan(dice: &mut Dice) -> Plan {
    let latency = dice.between(10, 300);
    let rules = (0..PAIRS.len()).map(|place| rule(dice, place)).collect();
    Plan {
        people: people(dice),
        rules,
        nodes: 1 + u32::from(dice.permille(350)),
        slots: 1 + u16::try_from(dice.below(4)).unwrap_or(0),
        create_contacts: dice.permille(350),
        write_reference: dice.permille(400),
        allow_duplicates: dice.permille(300),
        latency_ms: (latency, latency * dice.between(1, 6)),
        index_lag_s: dice.below(11),
        event_lag_s: dice.below(8),
        crowd: 0,
        post: Post {
            lost: if dice.permille(400) { dice.below(500) } else { 0 },
            doubled: if dice.permille(400) { dice.below(300) } else { 0 },
            delayed: if dice.permille(500) { dice.below(600) } else { 0 },
            delay_s: dice.between(1, 900),
        },
    }
}

fn rule(dice: &mut Dice, place: usize) -> Rule {
    let direction = if PAIRS.get(place).is_some_and(|pair| pair.required) {
        Direction::Both
    } else {
        dice.weighted(&[(8, Direction::Both), (1, Direction::ToChargify), (1, Direction::ToHighlevel)])
            .unwrap_or_default()
    };
    Rule { place, direction, conflict: conflict(dice) }
}

fn conflict(dice: &mut Dice) -> Conflict {
    let all = [
        (5, Conflict::Newest),
        (4, Conflict::Highlevel),
        (4, Conflict::Chargify),
        (1, Conflict::FillEmpty),
        (1, Conflict::Ask),
    ];
    dice.weighted(&all).unwrap_or_default()
}

fn people(dice: &mut Dice) -> Vec<Person> {
    let count = u32::try_from(dice.between(3, 12)).unwrap_or(3);
    let mut people: Vec<Person> = Vec::new();
    for no in 9_000..9_000 + count {
        let on = dice.weighted(&[(5, On::Highlevel), (2, On::Chargify), (5, On::Both)]).unwrap_or(On::Both);
        let shares = people.first().map(|first| first.no).filter(|_| dice.permille(60));
        let nameless = on == On::Highlevel && dice.permille(100);
        let mailless = on == On::Highlevel && dice.permille(60);
        let differs = on == On::Both && dice.permille(400);
        people.push(Person {
            on,
            no,
            email_no: (!mailless).then_some(shares.unwrap_or(no)),
            has_last_name: !nameless,
            differs_in: differs
                .then(|| [0, 1, 3, 4, 5].get(usize::try_from(dice.below(5)).unwrap_or(0)).copied())
                .flatten(),
            referenced: on == On::Both && dice.permille(400),
        });
    }
    people
}

/// How often each kind of event occurs in one history.
struct Swarm {
    weights: Vec<(u64, Kind)>,
    one_sided: Option<Side>,
    weathers: Vec<(u64, Weather)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Edit,
    Create,
    CreateLike,
    Delete,
    Restore,
    Merge,
    Swap,
    Run,
    Chosen,
    Approve,
    Cancel,
    Remap,
    Crash,
    CrashInCall,
    Lag,
    Start,
    Stop,
    Revoke,
    Jump,
    Weather,
}

impl Swarm {
    fn draw(dice: &mut Dice, is_second: bool) -> Self {
        let optional = [
            (3, Kind::Create),
            (1, Kind::CreateLike),
            (2, Kind::Delete),
            (1, Kind::Restore),
            (1, Kind::Merge),
            (1, Kind::Swap),
            (1, Kind::Chosen),
            (1, Kind::Cancel),
            (1, Kind::Remap),
            (3, Kind::Crash),
            (1, Kind::Start),
            (1, Kind::Stop),
            (1, Kind::Revoke),
            (1, Kind::Jump),
            (4, Kind::Weather),
        ];
        let later = if is_second { [(1, Kind::CrashInCall), (1, Kind::Lag)].as_slice() } else { &[] };
        let mut weights = vec![(10, Kind::Edit), (4, Kind::Run), (1, Kind::Approve)];
        weights.extend(optional.iter().chain(later).copied().filter(|_| dice.permille(450)));
        let one_sided = dice.weighted(&[(2, None), (1, Some(Side::Highlevel)), (1, Some(Side::Chargify))]).flatten();
        let weathers = [
            (3, Weather::Mixed),
            (2, Weather::Throttled),
            (3, Weather::Lossy),
            (2, Weather::Broken),
            (2, Weather::Hanging),
            (1, Weather::Outage(Side::Highlevel)),
            (1, Weather::Outage(Side::Chargify)),
        ];
        Self { weights, one_sided, weathers: weathers.into_iter().filter(|_| dice.permille(600)).collect() }
    }

    fn side(&self, dice: &mut Dice) -> Side {
        self.one_sided.unwrap_or(if dice.permille(500) { Side::Highlevel } else { Side::Chargify })
    }

    fn what(&self, dice: &mut Dice) -> What {
        let who = |dice: &mut Dice| u32::try_from(dice.below(1_000)).unwrap_or(0);
        let node = |dice: &mut Dice| u32::try_from(dice.below(4)).unwrap_or(0);
        match dice.weighted(&self.weights).unwrap_or(Kind::Edit) {
            Kind::Edit => {
                let place = usize::try_from(dice.below(PAIRS.len() as u64)).unwrap_or(0);
                let clear = dice.permille(80) && PAIRS.get(place).is_some_and(|pair| !pair.required);
                What::Edit { side: self.side(dice), who: who(dice), place, clear }
            }
            Kind::Create => What::Create { side: self.side(dice), complete: dice.permille(850) },
            Kind::CreateLike => What::CreateLike { side: self.side(dice), who: who(dice) },
            Kind::Delete => What::Delete { side: self.side(dice), who: who(dice) },
            Kind::Restore => What::Restore,
            Kind::Merge => What::Merge { from: who(dice), into: who(dice) },
            Kind::Swap => What::SwapEmails { one: who(dice), other: who(dice) },
            Kind::Run => run(dice),
            Kind::Chosen => What::Chosen { who: who(dice) },
            Kind::Approve => What::Approve,
            Kind::Cancel => What::Cancel,
            Kind::Remap => {
                let place = 3 + usize::try_from(dice.below(3)).unwrap_or(0);
                let other = Remap::Conflict(conflict(dice));
                let to = dice.weighted(&[(1, Remap::Drop), (1, Remap::Back), (1, other)]);
                What::Remap { place, to: to.unwrap_or(Remap::Back) }
            }
            Kind::Crash => What::Crash { node: node(dice), after: dice.between(0, 60) },
            Kind::CrashInCall => What::CrashInCall { node: node(dice) },
            Kind::Lag => What::Lag { seconds: dice.between(4, 30) },
            Kind::Start => What::Start,
            Kind::Stop => What::Stop { node: node(dice) },
            Kind::Revoke => What::Revoke { side: self.side(dice), for_s: dice.between(5, 600) },
            Kind::Jump => {
                let by_s = i64::try_from(dice.between(1, 3_600)).unwrap_or(1);
                What::Jump { node: node(dice), by_s: if dice.permille(500) { by_s } else { -by_s } }
            }
            Kind::Weather => {
                let kind = dice.weighted(&self.weathers).unwrap_or(Weather::Mixed);
                What::Weather { kind, for_s: dice.between(5, 400) }
            }
        }
    }
}

fn run(dice: &mut Dice) -> What {
    let mode = dice.weighted(&[(4, Mode::Full), (5, Mode::Changes), (1, Mode::DryRun)]).unwrap_or(Mode::Full);
    let approval = dice.weighted(&[(6, Wish::Granted), (2, Wish::Fuse), (2, Wish::Always)]).unwrap_or(Wish::Granted);
    What::Run { mode, approval }
}

fn events(dice: &mut Dice, plan: &Plan, is_second: bool) -> Vec<Event> {
    let swarm = Swarm::draw(dice, is_second);
    let count = u32::try_from(dice.between(10, 60)).unwrap_or(10);
    let mut events = Vec::new();
    // Most worlds begin with a first run, as people do.
    if dice.permille(800) {
        events.push(Event { no: 0, gap_ms: 500, what: What::Run { mode: Mode::Full, approval: Wish::Granted } });
    }
    let usual = plan.latency_ms.1.max(50) * 4;
    for no in 1..=count {
        let gap_ms = if dice.permille(HURRIED) { dice.between(1, usual) } else { dice.between(1_000, 150_000) };
        events.push(Event { no, gap_ms, what: swarm.what(dice) });
    }
    events
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn the_same_seed_draws_the_same_history() {
        assert_eq!(draw(11).to_string(), draw(11).to_string());
        assert_ne!(draw(11).to_string(), draw(12).to_string());
    }

    #[test]
    fn histories_are_of_the_promised_size() {
        for seed in 0..200 {
            let history = draw(seed);
            assert_eq!(history.plan.crowd, 0, "{history}");
            assert!((3..=12).contains(&history.plan.people.len()), "{history}");
            assert!((10..=61).contains(&history.events.len()), "{history}");
        }
    }
}
