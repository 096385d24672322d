//! The decision about one field.

use super::{BasePair, Merged, Merging, Sides, Why, rule_kind};
use crate::field::{Field, Misfit};
use crate::mapping::{Conflict, EmptyRule, Rule};
use crate::problem::{Problem, ProblemCode, any_stops};
use crate::record::Record;
use crate::side::Side;
use crate::transform::{Transform, apply_all};
use crate::value::{FieldKind, Value, is_email, normal};
use crate::{geo, limits, phone};

/// What a side's value becomes on its way to the other.
pub(super) enum Travel {
    /// There is nothing to take along.
    Absent,
    /// The chain cannot be turned round.
    NoWay,
    /// It cannot be used there.
    Broken(Vec<Problem>),
    /// It can.
    Value { value: Value, remarks: Vec<Problem> },
}

/// One side of the field.
struct Half {
    /// The value as read; `None` when absent.
    raw: Option<Value>,
    /// What a change is noticed by.
    seen: Option<Value>,
    /// What arrives on the other side.
    travel: Travel,
    /// The record is there; otherwise it is about to be created.
    exists: bool,
}

impl Half {
    fn is_blank(&self) -> bool {
        self.seen.as_ref().is_none_or(Value::is_blank)
    }

    /// Nothing is known of the field, although the record is there: it may hold anything.
    fn is_unread(&self) -> bool {
        self.raw.is_none() && self.exists
    }

    fn brings_something(&self) -> bool {
        match &self.travel {
            Travel::Value { value, .. } => !value.is_blank(),
            Travel::Broken(_) => true,
            Travel::Absent | Travel::NoWay => false,
        }
    }
}

pub(super) struct FieldMerge<'a> {
    sides: Sides<'a>,
    kind: FieldKind,
    highlevel: Half,
    chargify: Half,
}

impl<'a> FieldMerge<'a> {
    pub(super) fn new(sides: Sides<'a>) -> Self {
        let kind = rule_kind(sides.rule, sides.catalogue);
        let highlevel = half(&sides, kind, Side::Highlevel);
        let chargify = half(&sides, kind, Side::Chargify);
        Self { sides, kind, highlevel, chargify }
    }

    pub(super) fn run(&self) -> Merging {
        let Some(base) = self.sides.base else { return self.first_contact() };
        let changed = |side| self.half(side).seen.as_ref().is_some_and(|seen| seen != base.half(side));
        match (changed(Side::Highlevel), changed(Side::Chargify)) {
            (false, false) => self.settle(Merged::Agree),
            _ if self.equal() => self.agree(),
            (true, false) => self.carry(Side::Chargify, false),
            (false, true) => self.carry(Side::Highlevel, false),
            (true, true) => self.resolve(),
        }
    }

    fn half(&self, side: Side) -> &Half {
        match side {
            Side::Highlevel => &self.highlevel,
            Side::Chargify => &self.chargify,
        }
    }

    /// An empty side never beats a value when two records meet for the first time.
    fn first_contact(&self) -> Merging {
        if self.highlevel.seen.is_some() && self.chargify.seen.is_some() && self.equal() {
            return self.agree();
        }
        let fills = |to: Side| self.half(to).is_blank() && self.half(to.other()).brings_something();
        match (self.highlevel.is_blank(), self.chargify.is_blank()) {
            (false, false) => self.resolve(),
            (false, true) => self.carry(Side::Chargify, false),
            (true, false) => self.carry(Side::Highlevel, false),
            // Both are blank: only a default can still bring something.
            (true, true) => {
                let to = Side::BOTH.into_iter().find(|to| self.sides.rule.direction.allows(*to) && fills(*to));
                match to {
                    Some(to) => self.carry(to, false),
                    None => self.settle(Merged::Nothing(Why::Absent)),
                }
            }
        }
    }

    /// Both sides have a value and no base tells which is the newer word.
    fn resolve(&self) -> Merging {
        if let Some(kept) = self.sides.decided {
            return self.carry(kept.other(), true);
        }
        match self.sides.rule.winner() {
            Conflict::Highlevel => self.carry(Side::Chargify, false),
            Conflict::Chargify => self.carry(Side::Highlevel, false),
            Conflict::FillEmpty => match (self.highlevel.is_blank(), self.chargify.is_blank()) {
                (false, true) => self.carry(Side::Chargify, false),
                (true, false) => self.carry(Side::Highlevel, false),
                _ => self.settle(Merged::Nothing(Why::FillEmpty)),
            },
            Conflict::Newest => match newest(self.sides.highlevel, self.sides.chargify) {
                Some(winner) => self.carry(winner.other(), false),
                None => self.ask(),
            },
            Conflict::Ask => self.ask(),
        }
    }

    /// Takes the value to `to`. `insist` is a person's word: it empties a field whatever the rule says of emptiness, and
    /// is remembered where the rule lets nothing travel.
    fn carry(&self, to: Side, insist: bool) -> Merging {
        let (source, target) = (self.half(to.other()), self.half(to));
        if !self.sides.rule.direction.allows(to) {
            let mut stays = self.settle(Merged::Nothing(Why::Direction));
            if insist {
                // The person has seen both and leaves them apart: from now on that is what was agreed.
                stays.base = Some(self.as_they_stand());
            }
            return stays;
        }
        if target.is_unread() {
            return self.settle(Merged::Nothing(Why::NotRead));
        }
        let (value, remarks) = match &source.travel {
            Travel::Absent => return self.settle(Merged::Nothing(Why::Absent)),
            Travel::NoWay => {
                let chain: Vec<String> = self.sides.rule.transform.iter().map(Transform::to_string).collect();
                let field = self.sides.rule.field(to);
                return self.settle(Merged::Broken(vec![Problem::at(
                    ProblemCode::Irreversible,
                    field,
                    chain.join(", "),
                )]));
            }
            Travel::Broken(problems) => return self.settle(Merged::Broken(problems.clone())),
            Travel::Value { value, remarks } => (value, remarks),
        };
        if value.is_blank()
            && let Some(stop) = self.keeps_its_value(to, insist)
        {
            return self.settle(stop);
        }
        let after = normal(self.kind, value);
        let seen = source.seen.clone().unwrap_or_default();
        let base = match to {
            Side::Chargify => BasePair { highlevel: seen, chargify: after },
            Side::Highlevel => BasePair { highlevel: after, chargify: seen },
        };
        let before = target.raw.clone().unwrap_or_default();
        let merged = Merged::Write { to, before, after: value.clone() };
        Merging { merged, base: Some(base), remarks: remarks.clone() }
    }

    /// What keeps the field of `to` from being emptied, if anything does.
    fn keeps_its_value(&self, to: Side, insist: bool) -> Option<Merged> {
        let field = self.sides.rule.field(to);
        if self.sides.catalogue.get(to, field).is_some_and(|known| known.required) {
            return Some(Merged::Broken(vec![Problem::at(ProblemCode::RequiredNeverCleared, field, "")]));
        }
        let held = self.half(to).seen.as_ref();
        // A field that was not read may hold anything by now: it is not ours to clear.
        let ours = self.sides.base.is_some_and(|base| held.is_some_and(|held| held == base.half(to)));
        let clears = match self.sides.rule.empty {
            EmptyRule::CopyEmpties => true,
            EmptyRule::NeverClear => insist,
            EmptyRule::ClearOnlyOurs => insist || ours,
        };
        (!clears).then_some(Merged::Nothing(Why::EmptyRule))
    }

    /// Whether both sides say the same: what one would receive is what it holds, in a direction the rule knows.
    fn equal(&self) -> bool {
        Side::BOTH.into_iter().any(|to| {
            let agreed = self.sides.base.map(|base| base.half(to));
            let held = self.half(to).seen.as_ref().or(agreed).unwrap_or(&Value::Empty);
            self.sides.rule.direction.allows(to)
                && match &self.half(to.other()).travel {
                    Travel::Value { value, .. } => normal(self.kind, value) == *held,
                    // Nothing better could be sent than what already stands there.
                    Travel::Broken(_) => self.half(to.other()).seen.as_ref() == Some(held),
                    Travel::Absent | Travel::NoWay => false,
                }
        })
    }

    fn agree(&self) -> Merging {
        Merging { merged: Merged::Agree, base: Some(self.as_they_stand()), remarks: Vec::new() }
    }

    /// What both hold now; the half that was not read as it was agreed on last.
    fn as_they_stand(&self) -> BasePair {
        let seen = |side| {
            let agreed = self.sides.base.map(|base| base.half(side).clone());
            self.half(side).seen.clone().or(agreed).unwrap_or_default()
        };
        BasePair { highlevel: seen(Side::Highlevel), chargify: seen(Side::Chargify) }
    }

    fn ask(&self) -> Merging {
        self.settle(Merged::Conflict {
            base: self.sides.base.cloned(),
            highlevel: self.highlevel.raw.clone().unwrap_or_default(),
            chargify: self.chargify.raw.clone().unwrap_or_default(),
        })
    }

    /// An end at which nothing new was agreed.
    fn settle(&self, merged: Merged) -> Merging {
        Merging { merged, base: self.sides.base.cloned(), remarks: Vec::new() }
    }
}

fn half(sides: &Sides<'_>, kind: FieldKind, side: Side) -> Half {
    let record = match side {
        Side::Highlevel => sides.highlevel,
        Side::Chargify => sides.chargify,
    };
    let raw = record.get(sides.rule.field(side).as_str()).cloned();
    let travel = travel(sides, raw.as_ref(), record);
    let seen = seen(sides.rule, kind, record);
    Half { raw, seen, travel, exists: record.id.is_some() }
}

/// The normal form by which a change of a rule's field is noticed; `None` when it is absent. Where the rule makes its
/// value from a template, that is the template's result.
pub(super) fn seen(rule: &Rule, kind: FieldKind, record: &Record) -> Option<Value> {
    let raw = record.get(rule.field(record.side).as_str())?;
    if !rule.is_made_from(record.side) {
        return Some(normal(kind, raw));
    }
    let (value, problems) = apply_all(&rule.transform, raw, record);
    (!any_stops(&problems)).then(|| normal(kind, &value))
}

pub(super) fn travel(sides: &Sides<'_>, raw: Option<&Value>, from: &Record) -> Travel {
    let to = from.side.other();
    let Some(chain) = sides.rule.chain(to) else { return Travel::NoWay };
    let Some(raw) = raw else { return Travel::Absent };
    let source = sides.rule.field(from.side);
    let (value, problems) = apply_all(&chain, raw, from);
    let problems: Vec<Problem> = problems.into_iter().map(|problem| problem.about(source)).collect();
    if any_stops(&problems) {
        return Travel::Broken(problems);
    }
    let target = sides.rule.field(to);
    let kind = sides.catalogue.kind(to, target);
    let value = shaped(to, kind, value, from);
    let known = sides.catalogue.get(to, target);
    let value = known.map_or_else(|| value.clone(), |field| field.spelled(value.clone()));
    if let Some(problem) = known.and_then(|field| custom_unfit(field, &value)) {
        return Travel::Broken(vec![problem.about(source)]);
    }
    match unfit(to, kind, &value) {
        Some(code) => Travel::Broken(vec![Problem::at(code, source, value.display())]),
        None => Travel::Value { value, remarks: problems },
    }
}

/// Chargify holds texts only; a multiple choice of HighLevel holds a list only, its phone fields E.164 only.
fn shaped(to: Side, kind: FieldKind, value: Value, from: &Record) -> Value {
    match (to, kind, value) {
        (_, _, value) if value.is_blank() => Value::Empty,
        (Side::Highlevel, FieldKind::Tags, set) => set,
        (Side::Highlevel, FieldKind::Phone, Value::Text(text)) => {
            let country = from.text("country").and_then(geo::country);
            Value::Text(phone::parse(&text, country).unwrap_or(text))
        }
        (_, _, Value::List(items)) => Value::text(items.join(", ")),
        (_, _, value) => value,
    }
}

/// What a field that an account made itself cannot hold; the other fields of the record travel all the same. Chargify
/// answers 200 to a metafield's value that is too long or none of its choices, and drops it (Maxio Advanced Billing API
/// reference, metadata, seen 2026-08).
fn custom_unfit(field: &Field, value: &Value) -> Option<Problem> {
    if let Some(misfit) = field.misfit(value) {
        return Some(match misfit {
            Misfit::NotANumber => Problem::new(ProblemCode::NotANumber, value.display()),
            Misfit::NotADate => Problem::new(ProblemCode::NotADate, value.display()),
            Misfit::NotAChoice(strange) => {
                let some = field.choices.iter().take(CHOICES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = field.choices.len().saturating_sub(CHOICES_SHOWN);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                Problem::new(ProblemCode::NotAChoice, format!("\"{strange}\"; {} takes {some}{more}", field.label))
            }
        });
    }
    let text = value.display();
    let limit = limits::CHARGIFY_METAFIELD_BYTES;
    if field.key.metafield_name().is_some() && text.len() > limit {
        return Some(Problem::new(ProblemCode::TooLong, format!("{} bytes; {limit} fit", text.len())));
    }
    let malformed = field.is_custom() && field.kind == FieldKind::Email && !text.is_empty() && !is_email(&text);
    malformed.then(|| Problem::new(ProblemCode::EmailMalformed, text.trim()))
}

/// Choices named in a finding: enough to see what is meant.
const CHOICES_SHOWN: usize = 12;

/// Values whose treatment by the service is not documented are not sent: HighLevel guesses at national phone numbers
/// (HighLevel API docs, contacts), Chargify asks for ISO codes (Maxio Advanced Billing API reference, customers).
fn unfit(to: Side, kind: FieldKind, value: &Value) -> Option<ProblemCode> {
    let Value::Text(text) = value else { return None };
    match (to, kind) {
        (Side::Highlevel, FieldKind::Phone) if !phone::is_e164(text) => Some(ProblemCode::PhoneCountryUnknown),
        (_, FieldKind::Country) if !geo::is_country_code(text) => Some(ProblemCode::CountryUnknown),
        (Side::Chargify, FieldKind::Subdivision) if geo::code_shaped(text).is_none() => {
            Some(ProblemCode::SubdivisionUnknown)
        }
        _ => None,
    }
}

/// The side whose record changed last, when that is certain. Chargify's times have no fraction of a second, so within
/// one second nobody was first.
fn newest(highlevel: &Record, chargify: &Record) -> Option<Side> {
    let second = |record: &Record| record.stamp.updated_at.map(time::OffsetDateTime::unix_timestamp);
    match second(highlevel)?.cmp(&second(chargify)?) {
        std::cmp::Ordering::Greater => Some(Side::Highlevel),
        std::cmp::Ordering::Less => Some(Side::Chargify),
        std::cmp::Ordering::Equal => None,
    }
}
