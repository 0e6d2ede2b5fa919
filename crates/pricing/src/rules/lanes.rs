use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;
use loadmaster_kernel::AirportCode;
use uuid::Uuid;

use super::{
    places::{Places, ScopeNumber},
    sharded::Sharded,
};
use crate::model::{Copied, Terms, Way};

/// Rules of one origin and one destination: for each key in the order in which they are tried.
type Bucket<T> = HashMap<<T as Terms>::Key, Vec<Arc<Copied<T>>>>;

/// The rules of one kind in force, by origin and destination. Its clone shares all of them.
#[derive(Debug, Clone)]
pub struct Lanes<T: Terms> {
    buckets: Sharded<(ScopeNumber, ScopeNumber), Bucket<T>>,
    by_id: Sharded<Uuid, Arc<Copied<T>>>,
}

impl<T: Terms> Default for Lanes<T> {
    fn default() -> Self {
        Self { buckets: Sharded::default(), by_id: Sharded::default() }
    }
}

impl<T: Terms> Lanes<T> {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn get(&self, id: Uuid) -> Option<&Arc<Copied<T>>> {
        self.by_id.get(&id)
    }

    /// Puts a rule into force, in place of an earlier version of it. The places have its scopes.
    pub fn put(&mut self, rule: Arc<Copied<T>>, places: &Places) {
        let Some(id) = rule.id else { return };
        self.remove(id, places);
        let reach = rule.terms.reach();
        let ends = places.find(&reach.origin).zip(places.find(&reach.destination));
        if let Some(bucket) = ends.and_then(|ends| self.buckets.entry(ends)) {
            let list = bucket.entry(rule.terms.key()).or_default();
            let place = rule.place();
            let at = list.partition_point(|other| other.place() < place);
            list.insert(at, rule.clone());
        }
        self.by_id.insert(id, rule);
    }

    pub fn remove(&mut self, id: Uuid, places: &Places) -> Option<Arc<Copied<T>>> {
        let former = self.by_id.get(&id)?.clone();
        self.by_id.remove(&id);
        let reach = former.terms.reach();
        let ends = places.find(&reach.origin).zip(places.find(&reach.destination))?;
        let bucket = self.buckets.entry(ends)?;
        let key = former.terms.key();
        if let Some(list) = bucket.get_mut(&key) {
            let place = former.place();
            let at = list.partition_point(|rule| rule.place() < place);
            if list.get(at).is_some_and(|rule| rule.id == Some(id)) {
                list.remove(at);
            }
            if list.is_empty() {
                bucket.remove(&key);
            }
        }
        if bucket.is_empty() {
            self.buckets.remove(&ends);
        }
        Some(former)
    }

    /// Returns whether a rule of this day has this key and scopes that cover these airports.
    pub fn is_between(
        &self,
        key: &T::Key,
        (origin, destination): (AirportCode, AirportCode),
        date: NaiveDate,
        places: &Places,
    ) -> bool {
        let rules = |ends: (ScopeNumber, ScopeNumber)| self.buckets.get(&ends).and_then(|bucket| bucket.get(key));
        let has_rule = |ends| rules(ends).is_some_and(|rules| rules.iter().any(|it| it.terms.reach().covers(date)));
        places.covering(origin).any(|from| places.covering(destination).any(|to| has_rule((from, to))))
    }

    /// Returns the rules with one of these keys whose scopes cover the way, bucket by bucket; in each the first ones precede.
    pub fn covering<'a>(
        &'a self,
        way: &Way<'a>,
        places: &'a Places,
        keys: &'a [T::Key],
    ) -> impl Iterator<Item = &'a [Arc<Copied<T>>]> {
        let origins = (!self.buckets.is_unused()).then(|| places.covering(way.origin));
        let destination = way.destination;
        origins.into_iter().flatten().flat_map(move |origin| {
            places
                .covering(destination)
                .filter_map(move |to| self.buckets.get(&(origin, to)))
                .flat_map(move |bucket| keys.iter().filter_map(move |key| bucket.get(key)).map(Vec::as_slice))
        })
    }
}
