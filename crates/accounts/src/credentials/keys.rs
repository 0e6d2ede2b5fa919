use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    postgres::{Database, commit, retrying},
    random::TokenSource,
    settings::{Algorithm, Auth},
};
use tokio::{sync::Mutex, time::Instant};

use super::{
    key_ring::{KeyRing, fresh_key},
    repository,
};

use crate::error::AccountError;

/// Smallest interval between two reads that tokens with unknown key ids cause.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);

/// Pause after a failed read, during which callers fail at once and do not queue for the database.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Time limit of a read, for which other callers wait.
const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// Age up to which a process signs and verifies by the keys that it read last.
const MAX_AGE: Duration = Duration::from_mins(1);

/// The keys in use. A process reads the keys of the database again every few seconds, and when a token names an unknown
/// key: another process may have made it. Keys that were read more than a minute ago are not used.
pub struct Keys {
    last: RwLock<LastRead>,
    /// `None` when the key comes from the settings. Not the pool of the requests: a full pool must not delay this read.
    database: Option<Database>,
    /// Held during a read: concurrent callers share one.
    reading: Mutex<()>,
}

#[derive(Clone)]
struct LastRead {
    ring: Arc<KeyRing>,
    read_at: Moment,
    /// Set if the last attempt to read failed.
    failed_at: Option<Instant>,
}

impl Keys {
    /// Takes the key from the settings, else from the database, where the first process ever makes it. Fails when the
    /// database is away or not migrated, or when a key is unusable.
    pub async fn load(
        db: &Database,
        settings: &Auth,
        clock: &SharedClock,
        random: &TokenSource,
    ) -> Result<Self, AccountError> {
        let read_at = Moment::at(clock.now());
        let (ring, database) = match (settings.algorithm, &settings.secret, &settings.private_key) {
            (Algorithm::Hs256, Some(secret), _) => (KeyRing::of_secret(secret), None),
            (Algorithm::Hs256, None, _) => {
                return Err(AccountError::Crypto("auth.algorithm HS256 requires auth.secret".to_owned()));
            }
            (Algorithm::EdDsa, _, Some(pem)) => (KeyRing::of_pem(pem)?, None),
            (Algorithm::EdDsa, _, None) => (load_or_make(db, clock, random).await?, Some(db.for_background())),
        };
        let last = LastRead { ring: Arc::new(ring), read_at, failed_at: None };
        Ok(Self { last: RwLock::new(last), database, reading: Mutex::default() })
    }

    /// Whether the keys are in the database, not in the settings.
    pub const fn are_stored(&self) -> bool {
        self.database.is_some()
    }

    pub fn current(&self) -> Arc<KeyRing> {
        self.last().ring
    }

    fn last(&self) -> LastRead {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys to verify a token with. Reads them again if they lack `kid` and were not read in the last ten seconds.
    pub async fn with_key(&self, kid: &str, now: DateTime<Utc>) -> Result<Arc<KeyRing>, AccountError> {
        let ring = self.recent(now).await?;
        if ring.verifying(kid).is_some() { Ok(ring) } else { self.read_again(now, UNKNOWN_KEY_INTERVAL).await }
    }

    /// The keys, at most a minute old, so that the end of a key takes effect.
    pub async fn recent(&self, now: DateTime<Utc>) -> Result<Arc<KeyRing>, AccountError> {
        self.read_again(now, MAX_AGE).await
    }

    /// The keys, read again unless they were read less than `age` ago.
    pub async fn read_again(&self, now: DateTime<Utc>, age: Duration) -> Result<Arc<KeyRing>, AccountError> {
        let Some(db) = &self.database else { return Ok(self.current()) };
        if let Some(ring) = self.read_within(now, age)? {
            return Ok(ring);
        }
        let _reading = self.reading.lock().await;
        // Another caller may have read them, or failed to, during the wait.
        if let Some(ring) = self.read_within(now, age)? {
            return Ok(ring);
        }
        let read_at = Moment::at(now);
        let read = tokio::time::timeout(READ_TIMEOUT, read(db)).await.unwrap_or(Err(AccountError::DatabaseTooSlow));
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(ring) => {
                *last = LastRead { ring: Arc::new(ring), read_at, failed_at: None };
                Ok(Arc::clone(&last.ring))
            }
            Err(error) => {
                last.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// The keys, unless they are older than `age`. An error if they are and a read failed a moment ago.
    fn read_within(&self, now: DateTime<Utc>, age: Duration) -> Result<Option<Arc<KeyRing>>, AccountError> {
        let last = self.last();
        if last.read_at.is_within(age, now) {
            return Ok(Some(last.ring));
        }
        match last.failed_at {
            Some(failed) if failed.elapsed() < RETRY_AFTER => Err(AccountError::DatabaseTooSlow),
            _ => Ok(None),
        }
    }
}

async fn read(db: &Database) -> Result<KeyRing, AccountError> {
    KeyRing::of_stored(&repository::signing_keys(&mut *db.read().await?).await?)
}

async fn load_or_make(db: &Database, clock: &SharedClock, random: &TokenSource) -> Result<KeyRing, AccountError> {
    let stored = repository::signing_keys(&mut *db.read().await?).await?;
    if stored.iter().any(|key| !key.is_retired) {
        return KeyRing::of_stored(&stored);
    }
    let (fresh, public_key) = fresh_key(random, clock.now(), DateTime::UNIX_EPOCH)?;
    retrying(|| async {
        let mut tx = db.begin().await?;
        // Processes that start together take turns here; all but the first find the key that the first has made.
        repository::lock_signing_keys(&mut tx).await?;
        let mut stored = repository::signing_keys(&mut tx).await?;
        if stored.iter().all(|key| key.is_retired) {
            repository::insert_signing_key(&mut tx, &fresh, &public_key).await?;
            stored = repository::signing_keys(&mut tx).await?;
        }
        commit(tx).await?;
        KeyRing::of_stored(&stored)
    })
    .await
}
