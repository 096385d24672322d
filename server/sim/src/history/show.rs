//! A history in words, for whoever reads a failure.

use super::{Event, History, Mode, On, Person, What, Wish};
use crate::fields::PAIRS;
use std::fmt;

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        writeln!(
            f,
            "seed {}: {} node(s), {} slot(s), answers {}–{} ms, search {} s and events {} s late{}{}{}",
            self.seed,
            plan.nodes,
            plan.slots,
            plan.latency_ms.0,
            plan.latency_ms.1,
            plan.index_lag_s,
            plan.event_lag_s,
            if plan.create_contacts { ", creates contacts" } else { "" },
            if plan.write_reference { ", writes references" } else { "" },
            if plan.allow_duplicates { ", duplicates allowed" } else { "" },
        )?;
        let post = plan.post;
        writeln!(
            f,
            "  webhooks: {} ‰ lost, {} ‰ doubled, {} ‰ up to {} s late",
            post.lost, post.doubled, post.delayed, post.delay_s
        )?;
        for rule in &plan.rules {
            let name = PAIRS.get(rule.place).map(|pair| pair.rule()).unwrap_or_default();
            writeln!(f, "  rule {name}: {}, {}", rule.direction.as_str(), rule.conflict.as_str())?;
        }
        for person in &plan.people {
            writeln!(f, "  {person}")?;
        }
        for event in &self.events {
            writeln!(f, "  {event}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.on {
            On::Highlevel => "a contact",
            On::Chargify => "a customer",
            On::Both => "a contact and a customer",
        };
        write!(f, "person {:04}: {place}", self.no)?;
        match self.email_no {
            None => write!(f, ", without e-mail")?,
            Some(no) if no != self.no => write!(f, ", e-mail of {no:04}")?,
            Some(_) => {}
        }
        if !self.has_last_name {
            write!(f, ", without last name")?;
        }
        if let Some(pair) = self.differs_in.and_then(|place| PAIRS.get(place)) {
            write!(f, ", differing in {}", pair.contact)?;
        }
        if self.referenced {
            write!(f, ", referenced")?;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:>4}.{:03} s  {:04} {}", self.gap_ms / 1_000, self.gap_ms % 1_000, self.no, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |place: usize| PAIRS.get(place).map_or("?", |pair| pair.contact);
        match *self {
            Self::Edit { side, who, place, clear } => {
                let does = if clear { "empty" } else { "edit" };
                write!(f, "{does} {} of {} {who}", field(place), side.noun())
            }
            Self::Create { side, complete } => {
                write!(f, "add {} {}", if complete { "a complete" } else { "an incomplete" }, side.noun())
            }
            Self::CreateLike { side, who } => {
                write!(f, "add a {} with the e-mail of {} {who}", side.noun(), side.other().noun())
            }
            Self::Delete { side, who } => write!(f, "delete {} {who}", side.noun()),
            Self::Restore => write!(f, "restore the contact deleted last"),
            Self::Merge { from, into } => write!(f, "merge contact {from} into {into}"),
            Self::SwapEmails { one, other } => write!(f, "contacts {one} and {other} exchange e-mails"),
            Self::Run { mode, approval } => {
                let mode = mode.as_str();
                let wish = match approval {
                    Wish::Granted => "approved beforehand",
                    Wish::Fuse => "unless the fuse blows",
                    Wish::Always => "to be approved",
                };
                write!(f, "start a {mode} run, {wish}")
            }
            Self::Chosen { who } => write!(f, "start a run of contact {who}"),
            Self::Approve => write!(f, "approve the waiting run"),
            Self::Cancel => write!(f, "cancel the run"),
            Self::Remap { place, to } => write!(f, "edit the mapping: {} {to:?}", field(place)),
            Self::Crash { node, after } => write!(f, "node {node} dies at its {after}th step from here"),
            Self::CrashInCall { node } => write!(f, "node {node} dies as soon as a call of it hangs"),
            Self::Lag { seconds } => write!(f, "the search of contacts is {seconds} s late from now on"),
            Self::Shift => write!(f, "delete a customer of the crowd"),
            Self::Start => write!(f, "a node starts"),
            Self::Stop { node } => write!(f, "node {node} is asked to end"),
            Self::Revoke { side, for_s } => write!(f, "{}'s key is revoked for {for_s} s", side.label()),
            Self::Jump { node, by_s } => write!(f, "the clock of node {node} jumps by {by_s} s"),
            Self::Weather { kind, for_s } => write!(f, "{kind:?} weather for {for_s} s"),
        }
    }
}

impl Mode {
    /// As the engine calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Changes => "changes",
            Self::DryRun => "dry-run",
        }
    }
}
