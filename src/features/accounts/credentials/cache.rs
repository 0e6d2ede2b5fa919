use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::platform::cache::Cache;

/// The number of credentials that each half of a cache holds; an entry takes some 150 bytes.
const HALF: usize = 8_192;

/// The SHA-256 of a credential, by which it is stored and looked up.
pub type Hashed = [u8; 32];

pub fn hashed(credential: &str) -> Hashed {
    let mut hash = Hashed::default();
    hash.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    hash
}

/// A bounded cache of verified credentials, which keeps the latest. It spares the work of verifying; whether a credential
/// is still valid is for its readers to judge at each use.
pub struct VerifiedCache<V>(Mutex<Cache<Hashed, V>>);

impl<V> Default for VerifiedCache<V> {
    fn default() -> Self {
        Self(Mutex::new(Cache::new(HALF)))
    }
}

impl<V: Clone> VerifiedCache<V> {
    pub fn get(&self, hash: &Hashed) -> Option<V> {
        self.shelf().look_again(hash).cloned()
    }

    pub fn insert(&self, hash: Hashed, value: V) {
        self.shelf().put(hash, value, 1);
    }

    fn shelf(&self) -> MutexGuard<'_, Cache<Hashed, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
