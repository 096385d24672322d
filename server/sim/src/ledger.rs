//! What was ever true at the services, and who made it so: every change of every field, by a person or by the engine, and
//! when the engine was told of it. Values occur once, so a body that contains one has told it.

use domain::Side;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};
use time::OffsetDateTime;

/// A node that dies so soon after it was told something may have forgotten it.
const FORGETS_MS: u64 = 30_000;

/// Who changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Person,
    Engine,
}

/// When a change was made, and when its request left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shot {
    pub at_ms: u64,
    pub sent_ms: u64,
}

/// One field that took another value.
#[derive(Clone, Debug)]
pub struct Change {
    pub side: Side,
    pub id: String,
    pub place: usize,
    pub before: String,
    pub after: String,
    pub by: By,
    pub shot: Shot,
    /// It came into being with this value.
    pub is_new: bool,
    /// It came back from the bin with this value: nobody said anything new.
    pub is_back: bool,
    /// Its writer heard that it was done.
    pub is_known: bool,
    /// When the engine heard of it first.
    pub told_ms: Option<u64>,
}

/// A record that is, or was, there.
#[derive(Clone, Debug)]
pub struct Entry {
    pub values: Vec<String>,
    pub made_by: By,
    pub made_ms: u64,
    pub gone_ms: Option<u64>,
    /// The service's own word for its last change.
    pub stamp: OffsetDateTime,
    /// When that was set anew, also where no field the world looks at changed: two were merged, or it was restored.
    pub touched_ms: Vec<u64>,
    /// When it was gone before it came back.
    pub absences: Vec<(u64, u64)>,
}

impl Entry {
    /// Whether it was there at that moment, as far as its last absence tells.
    #[must_use]
    pub fn was_there(&self, at_ms: u64) -> bool {
        self.gone_ms.is_none_or(|gone_ms| at_ms < gone_ms)
            && !self.absences.iter().any(|(from_ms, until_ms)| (*from_ms..*until_ms).contains(&at_ms))
    }
}

/// A record as a service shows it.
pub struct Shown<'a> {
    pub id: Cow<'a, str>,
    pub values: Vec<String>,
    pub stamp: OffsetDateTime,
}

/// One write of the engine that the service carried out or refused.
#[derive(Clone, Debug)]
pub struct Write {
    pub side: Side,
    pub path: String,
    pub shot: Shot,
    pub node: u32,
    pub status: u16,
    /// It made a difference.
    pub changed: bool,
    /// When its sender heard the answer, if ever.
    pub heard_ms: Option<u64>,
}

/// One call whose sender heard of its end.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub side: Side,
    pub node: u32,
    pub sent_ms: u64,
    pub heard_ms: u64,
    /// `None`: no whole answer.
    pub status: Option<u16>,
    /// It asked whether a contact is there already.
    pub looks: bool,
}

/// Everything that was ever true.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub records: BTreeMap<(Side, String), Entry>,
    pub changes: Vec<Change>,
    pub writes: Vec<Write>,
    pub heard: Vec<Heard>,
    /// When which node died.
    pub deaths: Vec<(u32, u64)>,
    untold: Vec<usize>,
    told_lately: Vec<(u32, u64, usize)>,
}

impl Ledger {
    /// Compares a side with what was known of it. True: something is different.
    pub fn look<'a>(&mut self, side: Side, rows: impl Iterator<Item = Shown<'a>>, by: By, shot: Shot) -> bool {
        let mut changed = false;
        let mut seen = BTreeSet::new();
        for shown in rows {
            let key = (side, shown.id.to_string());
            changed |= self.take(&key, shown, by, shot);
            seen.insert(key.1);
        }
        for ((of, id), entry) in &mut self.records {
            if *of == side && entry.gone_ms.is_none() && !seen.contains(id) {
                entry.gone_ms = Some(shot.at_ms);
                changed = true;
            }
        }
        changed
    }

    fn take(&mut self, key: &(Side, String), shown: Shown<'_>, by: By, shot: Shot) -> bool {
        let Shown { values, stamp, .. } = shown;
        if let Some(entry) = self.records.get_mut(key).filter(|entry| entry.gone_ms.is_none()) {
            if entry.stamp != stamp {
                entry.stamp = stamp;
                entry.touched_ms.push(shot.at_ms);
            }
            if entry.values == values {
                return false;
            }
        }
        let (side, id) = key.clone();
        let known = self.records.get(key);
        let is_new = known.is_none_or(|entry| entry.gone_ms.is_some());
        let is_back = is_new && known.is_some();
        let before = known.map(|entry| entry.values.clone()).unwrap_or_default();
        for (place, after) in values.iter().enumerate() {
            let before = if is_new { String::new() } else { before.get(place).cloned().unwrap_or_default() };
            if before == *after {
                continue;
            }
            if by == By::Person && !after.is_empty() {
                self.untold.push(self.changes.len());
            }
            let (id, after) = (id.clone(), after.clone());
            let (told_ms, is_known) = (None, by == By::Person);
            self.changes.push(Change { side, id, place, before, after, by, shot, is_new, is_back, is_known, told_ms });
        }
        let made = known.filter(|_| !is_new).map_or((by, shot.at_ms), |entry| (entry.made_by, entry.made_ms));
        let mut touched_ms = known.map(|entry| entry.touched_ms.clone()).unwrap_or_default();
        let mut absences = known.map(|entry| entry.absences.clone()).unwrap_or_default();
        if is_new {
            touched_ms.push(shot.at_ms);
            absences.extend(known.and_then(|entry| entry.gone_ms).map(|gone_ms| (gone_ms, shot.at_ms)));
        }
        let (made_by, made_ms) = made;
        let entry = Entry { values, made_by, made_ms, gone_ms: None, stamp, touched_ms, absences };
        self.records.insert((side, id), entry);
        true
    }

    /// The engine received this text. Without a node: it is kept for good.
    pub fn hear(&mut self, node: Option<u32>, body: &str, at_ms: u64) {
        let changes = &mut self.changes;
        let told_lately = &mut self.told_lately;
        self.untold.retain(|place| {
            let Some(change) = changes.get_mut(*place).filter(|change| body.contains(&change.after)) else {
                return true;
            };
            change.told_ms = Some(at_ms);
            if let Some(node) = node {
                told_lately.push((node, at_ms, *place));
            }
            false
        });
    }

    /// A node died; what it alone was told lately counts as untold.
    pub fn note_death(&mut self, node: u32, at_ms: u64) {
        self.deaths.push((node, at_ms));
        for (by, told_ms, place) in std::mem::take(&mut self.told_lately) {
            if at_ms.saturating_sub(told_ms) > FORGETS_MS {
                continue;
            }
            if by == node {
                self.untold.push(place);
                if let Some(change) = self.changes.get_mut(place) {
                    change.told_ms = None;
                }
            } else {
                self.told_lately.push((by, told_ms, place));
            }
        }
    }

    pub fn note_write(&mut self, write: Write) -> usize {
        self.writes.push(write);
        self.writes.len() - 1
    }

    pub fn note_heard(&mut self, write: usize, at_ms: u64) {
        let Some(write) = self.writes.get_mut(write) else { return };
        write.heard_ms = Some(at_ms);
        let shot = write.shot;
        let done = self.changes.iter_mut().rev().take_while(|change| change.shot.at_ms >= shot.at_ms);
        done.filter(|change| change.by == By::Engine && change.shot == shot).for_each(|change| change.is_known = true);
    }

    /// A record that is there now.
    #[must_use]
    pub fn live(&self, side: Side, id: &str) -> Option<&Entry> {
        self.records.get(&(side, id.to_owned())).filter(|entry| entry.gone_ms.is_none())
    }

    /// Ids of those that are there now.
    pub fn ids(&self, side: Side) -> impl Iterator<Item = &str> {
        self.records
            .iter()
            .filter(move |((of, _), entry)| *of == side && entry.gone_ms.is_none())
            .map(|((_, id), _)| id.as_str())
    }

    /// Whether a node was alive for a good while after that moment.
    #[must_use]
    pub fn outlived(&self, node: u32, at_ms: u64) -> bool {
        !self.deaths.iter().any(|(died, died_ms)| *died == node && *died_ms >= at_ms && *died_ms - at_ms < FORGETS_MS)
    }

    /// When the service says that a record changed last, up to a moment. Neither tells when a single field did, so this
    /// is what "the newest wins" goes by; merging and restoring count.
    #[must_use]
    pub fn last_changed_ms(&self, side: Side, id: &str, until_ms: u64) -> u64 {
        let entry = self.records.get(&(side, id.to_owned()));
        let touched = entry.into_iter().flat_map(|entry| &entry.touched_ms);
        touched.copied().filter(|at_ms| *at_ms <= until_ms).max().unwrap_or(0)
    }
}
