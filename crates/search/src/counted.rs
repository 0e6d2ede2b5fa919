//! What is counted of searches: sums of equal ones.
use std::collections::HashMap;

use chrono::NaiveDate;
use loadmaster_accounts::{Channel, Role};
use loadmaster_kernel::{AirportCode, Weight};
use rustc_hash::FxBuildHasher;
use uuid::Uuid;

use super::seen::Outcome;

/// Most sums of lanes between two writes; what is beyond counts without its lane.
const MOST_KEYS: usize = 2_000;

/// The least kilograms of each class of weights.
const WEIGHT_CLASSES: [i32; 6] = [0, 45, 100, 300, 500, 1000];

/// What equal searches have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The local date at the origin.
    pub asked_on: NaiveDate,
    /// With the departure date; `None`: any.
    pub lane: Option<(AirportCode, AirportCode, NaiveDate)>,
    pub weight_class: i32,
    /// `None` without a credential.
    pub role: Option<Role>,
    pub channel: Channel,
    pub outcome: Outcome,
}

/// The sums over equal searches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub searches: i64,
    pub options: i64,
    pub bookable: i64,
    pub took_us: i64,
    pub cache_hits: i64,
}

impl Sums {
    const fn add(&mut self, other: Self) {
        self.searches += other.searches;
        self.options += other.options;
        self.bookable += other.bookable;
        self.took_us = self.took_us.saturating_add(other.took_us);
        self.cache_hits += other.cache_hits;
    }
}

/// A row that is written, under an id that it keeps until it is.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub id: Uuid,
    pub key: Key,
    pub sums: Sums,
}

/// The sums since they were last taken. Their memory is used again.
#[derive(Debug, Default)]
pub struct SumsByKey(HashMap<Key, Sums, FxBuildHasher>);

impl SumsByKey {
    /// Beyond the bound a search counts without its lane, which makes no more than a few hundred further keys.
    pub fn add(&mut self, key: Key, sums: Sums) {
        let is_kept = self.0.len() < MOST_KEYS || self.0.contains_key(&key);
        let key = if is_kept { key } else { Key { lane: None, ..key } };
        self.0.entry(key).or_default().add(sums);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take(&mut self) -> Vec<(Key, Sums)> {
        self.0.drain().collect()
    }
}

/// Returns the class of a weight; without one, the lowest.
pub fn weight_class(weight: Option<Weight>) -> i32 {
    let hectograms = weight.unwrap_or_default().hectograms();
    WEIGHT_CLASSES.into_iter().rev().find(|class| i64::from(*class) * 10 <= hectograms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        let code = |number: usize| -> AirportCode {
            let letter = |divisor: usize| char::from(b'A' + u8::try_from(number / divisor % 26).unwrap());
            String::from_iter([676, 26, 1].map(letter)).parse().unwrap()
        };
        Key {
            asked_on: NaiveDate::MIN,
            lane: Some((code(number), code(number + 1), NaiveDate::MIN)),
            weight_class: 0,
            role: None,
            channel: Channel::Anonymous,
            outcome: Outcome::Bookable,
        }
    }

    #[test]
    fn a_weight_belongs_to_the_highest_class_that_is_not_above_it() {
        let class = |kilograms: &str| weight_class(Some(Weight::from_kilograms(kilograms).unwrap()));
        let classes =
            ["0.1", "44.9", "45", "99.9", "100", "299.9", "300", "500", "999.9", "1000", "9999999.9"].map(class);
        assert_eq!(classes, [0, 0, 45, 45, 100, 100, 300, 500, 500, 1000, 1000]);
        assert_eq!(weight_class(None), 0);
    }

    #[test]
    fn sums_beyond_the_bound_have_no_lane() {
        let one = Sums { searches: 1, options: 2, ..Sums::default() };
        let mut sums = SumsByKey::default();
        for number in 0..MOST_KEYS + 10 {
            sums.add(key(number), one);
        }
        sums.add(key(3), one);
        let found = sums.take();
        let of = |lane: Option<_>| found.iter().find(|(key, _)| key.lane == lane).unwrap().1;
        assert_eq!((found.len(), of(None).searches, of(None).options), (MOST_KEYS + 1, 10, 20));
        assert_eq!(of(key(3).lane).searches, 2, "one that is known counts on");
        assert!(sums.is_empty());
    }
}
