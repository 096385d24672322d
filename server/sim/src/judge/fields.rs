//! The oracle of fields: what the fields of a pair may hold at the end, told from who changed what, when, and what the
//! engine knew of it. A restatement of the three-way merge from the outside: it shares no code with the merge.

use super::Violation;
use crate::{
    fields::PAIRS,
    history::Rule,
    ledger::{By, Change, Ledger},
};
use domain::{
    Side,
    mapping::{Conflict, Direction},
};

/// Chargify's times have no fraction: within so long nobody can be told to be the newer.
const SAME_TIME_MS: u64 = 2_000;

/// A rule that was dropped may still be carried out so much later by work that began before.
const RULES_LAST_MS: u64 = 120_000;

/// What a webhook tells is known once its job has begun, and a write looks at what is known for the last time before it
/// queues for its slot, where it may wait for five seconds.
const TAKES_MS: u64 = 6_000;

/// A first write and the link it makes are so close together; the link is told by a clock that may be a little wrong.
const LINKING_MS: u64 = 1_000;

/// A contact and its customer, as linked at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linked<'a> {
    pub(super) contact: &'a str,
    pub(super) customer: &'a str,
    /// Nothing was agreed on before.
    pub(super) linked_ms: u64,
}

/// The rules of one field over time: from when on which rule, or none.
pub(super) type Reign<'a> = &'a [(u64, Option<Rule>)];

/// One field of a pair on its way through the history.
struct Field<'a> {
    ledger: &'a Ledger,
    pair: Linked<'a>,
    place: usize,
    reign: Reign<'a>,
    /// What each side holds, GoHighLevel first.
    held: [String; 2],
    /// A person's word on that side that the other side does not hold yet.
    open: [Option<&'a Change>; 2],
    /// When both sides held the same last, under the rule that was in force then.
    agreed_ms: Option<u64>,
    /// What that was. Who says it again says nothing new: that is what a three-way merge goes by.
    agreed: Option<&'a str>,
    violations: Vec<Violation>,
}

const fn slot(side: Side) -> usize {
    match side {
        Side::Highlevel => 0,
        Side::Chargify => 1,
    }
}

/// What following one field came to.
pub(super) struct Followed {
    pub(super) violations: Vec<Violation>,
    /// The sides differ at the end, and nothing is known to keep them apart.
    pub(super) apart: Option<Violation>,
    /// A person must decide about it, or the service refuses it as another record's: until then the whole record rests.
    pub(super) undecided: bool,
}

/// Follows one field of a pair from the beginning to the end.
pub(super) fn follow(ledger: &Ledger, pair: Linked<'_>, place: usize, reign: Reign<'_>) -> Followed {
    let mut field = Field {
        ledger,
        pair,
        place,
        reign,
        held: Default::default(),
        open: [None, None],
        agreed_ms: None,
        agreed: None,
        violations: Vec::new(),
    };
    for change in &ledger.changes {
        let is_ours = match change.side {
            Side::Highlevel => change.id == pair.contact,
            Side::Chargify => change.id == pair.customer,
        };
        if is_ours && change.place == place {
            field.take(change);
        }
    }
    let (apart, undecided) = field.end();
    Followed { violations: field.violations, apart, undecided }
}

impl<'a> Field<'a> {
    fn held(&self, side: Side) -> &str {
        self.held.get(slot(side)).map(String::as_str).unwrap_or_default()
    }

    fn open(&self, side: Side) -> Option<&'a Change> {
        self.open.get(slot(side)).copied().flatten()
    }

    fn set_open(&mut self, side: Side, change: Option<&'a Change>) {
        if let Some(open) = self.open.get_mut(slot(side)) {
            *open = change;
        }
    }

    fn take(&mut self, change: &'a Change) {
        let (side, other) = (change.side, change.side.other());
        if change.by == By::Engine {
            self.check_direction(change);
            self.check_overwriting(change);
        }
        if let Some(held) = self.held.get_mut(slot(side)) {
            held.clone_from(&change.after);
        }
        if self.held(side) == self.held(other) {
            self.open = [None, None];
            // What was written and not answered may or may not be done, as far as the engine can know.
            self.agreed_ms = Some(change.shot.at_ms).filter(|_| change.is_known);
            self.agreed = self.agreed_ms.map(|_| change.after.as_str());
            return;
        }
        if change.is_back {
            return;
        }
        let is_return = self.agreed == Some(change.after.as_str()) && self.have_agreed(change.shot.at_ms);
        let is_word = change.by == By::Person && !is_return && !(change.is_new && change.after.is_empty());
        self.set_open(side, Some(change).filter(|_| is_word));
    }

    /// A one-way rule is never written the other way, and what no rule names is not written at all.
    fn check_direction(&mut self, write: &Change) {
        let shot = write.shot;
        let from_ms = shot.sent_ms.saturating_sub(RULES_LAST_MS);
        let is_allowed = self.rules_around(from_ms, shot.at_ms).any(|rule| rule.direction.allows(write.side));
        if is_allowed || !self.are_both_there(shot.at_ms) {
            return;
        }
        let words = format!(
            "{} of {} {} became {:?} at {} s, although no rule goes that way",
            self.name(write.side),
            write.side.noun(),
            write.id,
            write.after,
            shot.at_ms / 1_000
        );
        self.violations.push(Violation::new("no write against a rule's direction", words));
    }

    /// The engine writes over what a person said, and nobody else has a newer word.
    fn check_overwriting(&mut self, write: &Change) {
        let (side, other) = (write.side, write.side.other());
        let Some(lost) = self.open(side).filter(|_| self.are_both_there(write.shot.at_ms)) else { return };
        let knew = lost.told_ms.is_some_and(|told_ms| told_ms + TAKES_MS < write.shot.sent_ms);
        // An emptied field occurs in no body: when the engine heard of it cannot be told.
        if !knew || lost.after.is_empty() || self.may_win(other, lost, write.shot.at_ms) {
            return;
        }
        let rival = self.open(other).map_or("nothing new", |rival| rival.after.as_str());
        self.violations.push(Violation::new(
            "no stale value over a newer one",
            format!(
                "{} of {} {}: a person's {:?} of {} s was overwritten with {:?} at {} s, although the engine had been told \
                 of it at {} s; the other side had {rival:?} to say",
                self.name(side),
                side.noun(),
                write.id,
                lost.after,
                lost.shot.at_ms / 1_000,
                write.after,
                write.shot.at_ms / 1_000,
                lost.told_ms.unwrap_or_default() / 1_000,
            ),
        ));
    }

    /// Whether the two ever agreed on this field as a pair, under the rule in force at that time. Until then both have
    /// their say, old as it may be.
    fn have_agreed(&self, at_ms: u64) -> bool {
        let ruled_ms = self.reign.iter().map(|(from_ms, _)| *from_ms).filter(|from_ms| *from_ms <= at_ms).max();
        // Equal values count as agreed once somebody has looked at the pair: when it was linked, or wrote to it since.
        self.agreed_ms.is_some_and(|agreed_ms| agreed_ms >= ruled_ms.unwrap_or(0).max(self.pair.linked_ms))
    }

    /// Before that the engine wrote for another pair.
    fn are_both_there(&self, at_ms: u64) -> bool {
        let is_pair = at_ms + LINKING_MS >= self.pair.linked_ms;
        is_pair
            && Side::BOTH
                .into_iter()
                .all(|side| self.ledger.live(side, self.id(side)).is_some_and(|entry| entry.made_ms <= at_ms))
    }

    /// Whether some rule in force lets `winner` win over what was said on the other side.
    fn may_win(&self, winner: Side, lost: &Change, at_ms: u64) -> bool {
        let is_settled = at_ms > self.pair.linked_ms + LINKING_MS && self.have_agreed(at_ms);
        if self.open(winner).is_none() && is_settled {
            return false;
        }
        self.rules_around(lost.shot.at_ms, at_ms).any(|rule| match rule.conflict {
            Conflict::Highlevel => winner == Side::Highlevel,
            Conflict::Chargify => winner == Side::Chargify,
            Conflict::Newest => {
                let newest_ms = self.ledger.last_changed_ms(winner, self.id(winner), at_ms);
                newest_ms + SAME_TIME_MS > lost.shot.at_ms
            }
            Conflict::FillEmpty => lost.after.is_empty(),
            Conflict::Ask => false,
        })
    }

    /// The rules of this field in force at some time in between.
    fn rules_around(&self, from_ms: u64, to_ms: u64) -> impl Iterator<Item = Rule> {
        let ends = self.reign.iter().skip(1).map(|(from_ms, _)| *from_ms).chain([u64::MAX]);
        let in_force = self.reign.iter().zip(ends).filter(move |((start, _), end)| *start <= to_ms && *end >= from_ms);
        in_force.filter_map(|((_, rule), _)| *rule)
    }

    fn id(&self, side: Side) -> &'a str {
        match side {
            Side::Highlevel => self.pair.contact,
            Side::Chargify => self.pair.customer,
        }
    }

    fn name(&self, side: Side) -> &'static str {
        PAIRS.get(self.place).map_or("?", |pair| pair.on(side))
    }

    /// After everything has come to rest both sides hold the same, unless something is known to keep them apart.
    fn end(&self) -> (Option<Violation>, bool) {
        let Some((_, Some(rule))) = self.reign.last() else { return (None, false) };
        if self.held(Side::Highlevel) == self.held(Side::Chargify) {
            return (None, false);
        }
        if self.is_kept_apart(*rule) {
            return (None, matches!(rule.conflict, Conflict::Ask | Conflict::Newest) || self.is_taken());
        }
        let open = |side: Side| self.open(side).map_or("-", |change| change.after.as_str());
        let apart = Violation::new(
            "final state equals the oracle",
            format!(
                "{} of contact {} is {:?}, {} of customer {} is {:?}; open words: {:?} and {:?}; rule: {}, {}",
                self.name(Side::Highlevel),
                self.pair.contact,
                self.held(Side::Highlevel),
                self.name(Side::Chargify),
                self.pair.customer,
                self.held(Side::Chargify),
                open(Side::Highlevel),
                open(Side::Chargify),
                rule.direction.as_str(),
                rule.conflict.as_str(),
            ),
        );
        (Some(apart), false)
    }

    fn is_kept_apart(&self, rule: Rule) -> bool {
        let (contact, customer) = (self.open(Side::Highlevel), self.open(Side::Chargify));
        let blank = |side| self.held(side).is_empty();
        let any_blank = blank(Side::Highlevel) || blank(Side::Chargify);
        let both_speak = (contact.is_some() && customer.is_some()) || !self.have_agreed(u64::MAX);
        let is_closed = match rule.direction {
            Direction::Both => false,
            // What is said on the far side of a one-way rule stays there, and bars the way for the other's word.
            Direction::ToChargify => customer.is_some() || both_speak || blank(Side::Highlevel),
            Direction::ToHighlevel => contact.is_some() || both_speak || blank(Side::Chargify),
        };
        let undecided = both_speak
            && match (contact, customer) {
                (Some(contact), Some(customer)) => match rule.conflict {
                    Conflict::Ask => true,
                    Conflict::FillEmpty => !any_blank,
                    Conflict::Newest => {
                        let last = |side| self.ledger.last_changed_ms(side, self.id(side), u64::MAX);
                        last(Side::Highlevel).abs_diff(last(Side::Chargify)) < SAME_TIME_MS
                            || contact.shot.at_ms.abs_diff(customer.shot.at_ms) < SAME_TIME_MS
                    }
                    Conflict::Highlevel | Conflict::Chargify => false,
                },
                _ => match rule.conflict {
                    Conflict::Ask => true,
                    Conflict::FillEmpty => !any_blank,
                    Conflict::Newest | Conflict::Highlevel | Conflict::Chargify => false,
                },
            };
        // An emptied field beats another word only where it was agreed on before, which cannot be seen from here.
        is_closed || undecided || (any_blank && both_speak) || self.is_taken()
    }

    /// GoHighLevel refuses an address that another contact has.
    fn is_taken(&self) -> bool {
        let wanted = self.held(Side::Chargify);
        let others = self.ledger.ids(Side::Highlevel).filter(|id| *id != self.pair.contact);
        let mut held = others.filter_map(|id| self.ledger.live(Side::Highlevel, id)?.values.get(self.place));
        PAIRS.get(self.place).is_some_and(|pair| ["email", "phone"].contains(&pair.contact))
            && held.any(|value| value == wanted)
    }
}
