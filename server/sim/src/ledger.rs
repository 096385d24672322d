//! What was ever true at the services, and who made it so: every change of every field, by a person or by the engine, and
//! when the engine was told of it. Values occur once, so a body that contains one has told it.

use domain::Side;
use std::collections::BTreeMap;

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
    pub fn look(&mut self, side: Side, rows: impl Iterator<Item = (String, Vec<String>)>, by: By, shot: Shot) -> bool {
        let mut changed = false;
        let mut seen = Vec::new();
        for (id, values) in rows {
            seen.push(id.clone());
            changed |= self.take(side, id, values, by, shot);
        }
        for ((of, id), entry) in &mut self.records {
            if *of == side && entry.gone_ms.is_none() && !seen.contains(id) {
                entry.gone_ms = Some(shot.at_ms);
                changed = true;
            }
        }
        changed
    }

    fn take(&mut self, side: Side, id: String, values: Vec<String>, by: By, shot: Shot) -> bool {
        let known = self.records.get(&(side, id.clone()));
        let is_new = known.is_none_or(|entry| entry.gone_ms.is_some());
        if known.is_some_and(|entry| entry.gone_ms.is_none() && entry.values == values) {
            return false;
        }
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
        self.records.insert((side, id), Entry { values, made_by: made.0, made_ms: made.1, gone_ms: None });
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

    /// When anything of a record changed last, up to a moment.
    #[must_use]
    pub fn last_changed_ms(&self, side: Side, id: &str, until_ms: u64) -> u64 {
        let of_it = self.changes.iter().filter(|change| change.side == side && change.id == id);
        of_it.map(|change| change.shot.at_ms).filter(|at_ms| *at_ms <= until_ms).max().unwrap_or(0)
    }
}
