//! A table that can take back what was done to it since the last commit.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, btree_map},
    ops::RangeBounds,
};

/// Rows in the order of their keys.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// What stood in place of each changed row, the latest change last.
    undo: Vec<(K, Option<V>)>,
    /// How much of it was there when the place to go back to was set.
    mark: usize,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new(), mark: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.get(key)
    }

    /// All rows.
    pub fn iter(&self) -> btree_map::Iter<'_, K, V> {
        self.rows.iter()
    }

    /// All rows without their keys.
    pub fn values(&self) -> btree_map::Values<'_, K, V> {
        self.rows.values()
    }

    /// The rows whose keys lie in the range.
    pub fn range(&self, range: impl RangeBounds<K>) -> btree_map::Range<'_, K, V> {
        self.rows.range(range)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    /// The row, to be changed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.undo.push((key.clone(), Some(row.clone())));
        Some(row)
    }

    pub(super) fn insert(&mut self, key: K, row: V) {
        let before = self.rows.insert(key.clone(), row);
        self.undo.push((key, before));
    }

    pub(super) fn remove(&mut self, key: &K) -> bool {
        let Some(row) = self.rows.remove(key) else { return false };
        self.undo.push((key.clone(), Some(row)));
        true
    }

    /// Changes every row that fits, and says how many did.
    pub(super) fn update(&mut self, fits: impl Fn(&K, &V) -> bool, mut change: impl FnMut(&mut V)) -> u64 {
        let mut count = 0;
        for (key, row) in &mut self.rows {
            if fits(key, row) {
                self.undo.push((key.clone(), Some(row.clone())));
                change(row);
                count += 1;
            }
        }
        count
    }

    /// Removes every row that fits, and says how many did.
    pub(super) fn remove_all(&mut self, fits: impl Fn(&K, &V) -> bool) -> u64 {
        let keys: Vec<K> = self.rows.iter().filter(|(key, row)| fits(key, row)).map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.remove(key);
        }
        keys.len() as u64
    }
}

/// What all tables have in common when a unit of work ends.
pub(super) trait Journalled {
    fn commit(&mut self);
    /// Sets the place that [`Self::roll_back_to_mark`] goes back to.
    fn mark(&mut self);
    fn roll_back_to_mark(&mut self);
    fn roll_back(&mut self);
}

impl<K: Ord, V> Journalled for Table<K, V> {
    fn commit(&mut self) {
        self.undo.clear();
        self.mark = 0;
    }

    fn mark(&mut self) {
        self.mark = self.undo.len();
    }

    fn roll_back_to_mark(&mut self) {
        for (key, before) in self.undo.drain(self.mark.min(self.undo.len())..).rev() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }

    fn roll_back(&mut self) {
        self.mark = 0;
        self.roll_back_to_mark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rolled_back_was_never_there() {
        let mut table = Table::default();
        table.insert(1, "one");
        table.insert(2, "two");
        table.commit();
        table.insert(3, "three");
        table.insert(1, "eins");
        table.insert(1, "uno");
        *table.get_mut(&2).unwrap() = "zwei";
        table.remove(&3);
        table.update(|_, _| true, |row| *row = "all");
        table.remove_all(|key, _| *key == 1);
        table.roll_back();
        assert_eq!(table.iter().map(|(key, row)| (*key, *row)).collect::<Vec<_>>(), [(1, "one"), (2, "two")]);
    }

    #[test]
    fn what_came_before_the_mark_stays_when_the_rest_is_rolled_back() {
        let mut table = Table::default();
        table.insert(1, "one");
        table.mark();
        table.insert(1, "eins");
        table.insert(2, "zwei");
        table.roll_back_to_mark();
        assert_eq!(table.iter().map(|(key, row)| (*key, *row)).collect::<Vec<_>>(), [(1, "one")]);
        table.roll_back();
        assert!(table.is_empty());
    }

    #[test]
    fn what_is_committed_stays() {
        let mut table = Table::default();
        table.insert(1, "one");
        table.commit();
        table.roll_back();
        assert_eq!(table.get(&1), Some(&"one"));
    }
}
