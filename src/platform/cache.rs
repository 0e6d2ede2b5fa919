use std::{collections::HashMap, hash::Hash};

/// A bounded cache of recent entries in two halves. A new or reused entry goes to the young half; when that is full it
/// becomes the old half, and the entries of the previous old half that were not reused are dropped.
#[derive(Debug)]
pub struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    old_weight: usize,
    most: usize,
}

impl<K: Hash + Eq + Copy, V> Cache<K, V> {
    /// Each half weighs at most `most`, plus one entry.
    pub fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_weight: 0, old_weight: 0, most }
    }

    /// Looks in the young half only.
    pub fn look(&self, key: &K) -> Option<&V> {
        self.young.get(key).map(|(value, _)| value)
    }

    /// Looks in both halves; moves a found entry to the young half.
    pub fn look_again(&mut self, key: &K) -> Option<&V> {
        if let Some((value, weight)) = self.old.remove(key) {
            self.old_weight -= weight;
            self.put(*key, value, weight);
        }
        // The move may have made the young half the old one.
        self.young.get(key).or_else(|| self.old.get(key)).map(|(value, _)| value)
    }

    /// Stores a value, replacing the previous one under this key. Returns the number of entries evicted for lack of
    /// room.
    pub fn put(&mut self, key: K, value: V, weight: usize) -> usize {
        if let Some((_, gone)) = self.old.remove(&key) {
            self.old_weight -= gone;
        }
        if let Some((_, gone)) = self.young.insert(key, (value, weight)) {
            self.young_weight -= gone;
        }
        self.young_weight += weight;
        if self.young_weight <= self.most {
            return 0;
        }
        let gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        self.old_weight = std::mem::take(&mut self.young_weight);
        gone.len()
    }

    pub fn count(&self) -> usize {
        self.young.len() + self.old.len()
    }

    pub const fn weight(&self) -> usize {
        self.young_weight + self.old_weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_asked_for_lately_and_no_more_than_it_may() {
        let mut cache = Cache::new(10);
        for key in 0..1000 {
            cache.put(key, key, 3);
            assert!(cache.weight() <= 2 * 10 + 2 * 3, "{}", cache.weight());
            // Reused repeatedly.
            assert_eq!(cache.look_again(&0), Some(&0));
        }
        assert!(cache.look_again(&999).is_some() && cache.look_again(&5).is_none());
        assert!(cache.count() <= 8);
    }

    #[test]
    fn a_replaced_entry_is_weighed_once() {
        let mut cache = Cache::new(10);
        for weight in [4, 6, 2] {
            assert_eq!(cache.put("a", weight, weight), 0);
        }
        assert_eq!((cache.count(), cache.weight(), cache.look(&"a")), (1, 2, Some(&2)));
        cache.put("b", 9, 9);
        assert_eq!(cache.put("a", 3, 3), 0);
        assert_eq!((cache.count(), cache.weight()), (2, 12));
    }
}
