use std::{
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};

use crate::platform::{cache::Cache, clock::Moment};

/// Longest that a credential is taken for what it was found to be.
pub(super) const KEPT: Duration = Duration::from_mins(1);

/// How many credentials are known at least, where so many come.
pub(super) const KNOWN: usize = 8_192;

/// By which a credential is kept and known: its SHA-256.
pub(super) type Hashed = [u8; 32];

pub(super) fn hashed(credential: &str) -> Hashed {
    let mut hash = Hashed::default();
    hash.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    hash
}

/// What was found out lately about credentials: for at most [`KEPT`], in bounded space.
pub(super) struct Recent<K, V>(Mutex<Cache<K, (V, Moment)>>);

impl<K: Hash + Eq + Copy, V: Clone> Recent<K, V> {
    /// On each half of the shelf so many; one is some 150 bytes.
    pub fn new(half: usize) -> Self {
        Self(Mutex::new(Cache::new(half)))
    }

    pub fn get(&self, key: &K, now: DateTime<Utc>) -> Option<V> {
        let mut kept = self.shelf();
        let (value, found) = kept.look_again(key)?;
        found.is_within(KEPT, now).then(|| value.clone())
    }

    /// Keeps what was found out at `moment`, which is before the question was asked.
    pub fn keep(&self, key: K, value: V, moment: Moment) {
        self.shelf().put(key, (value, moment), 1);
    }

    /// Forgets those of which this is so.
    pub fn forget(&self, is_outdated: impl Fn(&V) -> bool) {
        self.shelf().retain(|(value, _)| !is_outdated(value));
    }

    fn shelf(&self) -> MutexGuard<'_, Cache<K, (V, Moment)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_found_is_kept_for_a_minute_by_either_clock() {
        let recent = Recent::new(10);
        recent.keep("token", 1, Moment::at(second(0)));
        assert_eq!(recent.get(&"token", second(59)), Some(1));
        assert_eq!(recent.get(&"token", second(60)), None, "the injected clock");
        assert_eq!(recent.get(&"token", second(-60)), None, "set back");
        tokio::time::advance(KEPT).await;
        assert_eq!(recent.get(&"token", second(0)), None, "the steady clock");
    }

    #[tokio::test]
    async fn it_does_not_grow_for_ever_and_keeps_the_latest() {
        let recent = Recent::new(10);
        for number in 0..1000 {
            recent.keep(number, number, Moment::at(second(0)));
        }
        let kept = (0..1000).filter(|number| recent.get(number, second(0)).is_some()).count();
        assert!((10..=22).contains(&kept), "{kept}");
        assert_eq!(recent.get(&999, second(0)), Some(999));
        recent.forget(|value| *value == 999);
        assert_eq!(recent.get(&999, second(0)), None);
    }
}
