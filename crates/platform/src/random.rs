use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SecureRandom;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Generates ids: `UUIDv7`, rising within a process even inside one millisecond.
#[derive(Debug, Clone)]
pub struct IdSource(Arc<Mutex<ContextV7>>);

impl Default for IdSource {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(ContextV7::new())))
    }
}

impl IdSource {
    /// Returns a fresh id that sorts by `now`, the moment of creation.
    pub fn next<T: From<Uuid>>(&self, now: DateTime<Utc>) -> T {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos())).into()
    }
}

/// Generates secrets and tokens from the operating system's generator.
#[derive(Clone)]
pub struct TokenSource(Arc<dyn SecureRandom + Send + Sync>);

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSource")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

impl Default for TokenSource {
    #[allow(clippy::disallowed_methods, reason = "this is the injected source")]
    fn default() -> Self {
        Self(Arc::new(aws_lc_rs::rand::SystemRandom::new()))
    }
}

impl TokenSource {
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// Returns 256 random bits as 43 characters that need no escaping anywhere.
    pub fn token(&self) -> Result<String, NoRandomness> {
        Ok(URL_SAFE_NO_PAD.encode(self.bytes::<32>()?))
    }
}
