//! Proofs of rights, which callers are given and present again.
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{clock::SharedClock, seal::SealKey, settings::Secrets};

/// Time from the first start with a configured key until it seals: other processes may not know it yet, and those of the release before never do.
const LEARNED_AFTER: TimeDelta = TimeDelta::days(1);
/// Time after which nothing counts any more that was sealed before under the key in the database: the longest life of a proof.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(30);

/// Seals what callers are given to prove a right: under a key made of that in the database and of `secrets.key`, where that is
/// configured, so that a reader of the database alone cannot make it. Cheap to clone.
#[derive(Clone)]
pub struct ProofKey {
    /// The key in the database alone.
    stored: SealKey,
    mixed: Option<Arc<Mixed>>,
}

struct Mixed {
    /// Of the configured key, then of the former ones.
    keys: Vec<SealKey>,
    /// The first start of a process with a configured key.
    since: DateTime<Utc>,
    clock: SharedClock,
}

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(***)")
    }
}

impl ProofKey {
    /// `since`: the first start of a process of the installation with a configured key.
    pub fn new(stored: &[u8; 32], settings: &Secrets, since: DateTime<Utc>, clock: SharedClock) -> Self {
        let mix = |key: [u8; 32]| SealKey::new(&key).derive("proofs", stored);
        let configured = settings.key.iter().chain(&settings.former_keys).filter_map(Secrets::bytes);
        let mixed =
            settings.key.is_some().then(|| Arc::new(Mixed { keys: configured.map(mix).collect(), since, clock }));
        Self { stored: SealKey::new(stored), mixed }
    }

    /// Seals under the newest key that all processes know.
    pub fn seal(&self, scope: &str, payload: &[u8]) -> Vec<u8> {
        self.key().seal(scope, payload)
    }

    /// Returns the payload if it was sealed under the same scope, and under a key that still counts; otherwise `None`.
    pub fn open<'a>(&self, scope: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        self.keys().find_map(|key| key.open(scope, sealed))
    }

    /// Returns what [`Self::seal`] returns or may have returned for this payload while it counts.
    pub fn seals(&self, scope: &str, payload: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        self.keys().map(move |key| key.seal(scope, payload))
    }

    fn key(&self) -> &SealKey {
        let mixed = self.mixed.as_ref().filter(|mixed| mixed.clock.now() >= mixed.since + LEARNED_AFTER);
        mixed.and_then(|mixed| mixed.keys.first()).unwrap_or(&self.stored)
    }

    /// The keys that count.
    fn keys(&self) -> impl Iterator<Item = &SealKey> {
        let end = |mixed: &Arc<Mixed>| mixed.since + LEARNED_AFTER + FORGOTTEN_AFTER;
        let counts = self.mixed.as_ref().is_none_or(|mixed| mixed.clock.now() < end(mixed));
        self.mixed.iter().flat_map(|mixed| &mixed.keys).chain(counts.then_some(&self.stored))
    }
}

/// The key in the database alone.
impl From<SealKey> for ProofKey {
    fn from(stored: SealKey) -> Self {
        Self { stored, mixed: None }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_configured_key_seals_proofs_and_after_their_life_that_of_the_database_makes_none() {
        let since = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::at(since));
        let proofs = |keys: &[u8]| {
            let text = |byte: &u8| STANDARD.encode([*byte; 32]).into();
            let settings =
                Secrets { key: keys.first().map(text), former_keys: keys.iter().skip(1).map(text).collect() };
            ProofKey::new(&[9; 32], &settings, since, clock.clone())
        };
        let (stored, one, two) = (proofs(&[]), proofs(&[1]), proofs(&[2, 1]));
        let before = stored.seal("here", b"payload");
        assert_eq!(one.seal("here", b"payload"), before, "a process that does not know the key opens it");
        clock.advance(LEARNED_AFTER);
        let sealed = one.seal("here", b"payload");
        assert_eq!(stored.open("here", &sealed), None);
        for key in [&one, &two] {
            assert_eq!(key.open("here", &sealed), Some(&b"payload"[..]));
            assert_eq!(key.open("here", &before), Some(&b"payload"[..]), "it is still within its life");
            assert!(key.seals("here", b"payload").any(|seal| seal == sealed));
        }
        assert_eq!(one.open("here", &two.seal("here", b"payload")), None);
        clock.advance(FORGOTTEN_AFTER);
        assert_eq!(one.open("here", &before), None, "made by who reads the database");
        assert_eq!(one.open("here", &sealed), Some(&b"payload"[..]));
        assert_eq!(stored.open("here", &before), Some(&b"payload"[..]));
    }
}
