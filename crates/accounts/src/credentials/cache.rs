use aws_lc_rs::digest::{SHA256, digest};
use moka::{policy::EvictionPolicy, sync::Cache};

/// Maximum number of credentials in a cache.
const MOST: u64 = 16_384;

/// The SHA-256 of a credential, by which it is stored and looked up.
pub type Hashed = [u8; 32];

pub fn hashed(credential: &str) -> Hashed {
    let mut hash = Hashed::default();
    hash.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    hash
}

/// A bounded cache of verified credentials. It spares the work of verifying; whether a credential is still valid is for
/// its readers to judge at each use.
pub struct VerifiedCache<V>(Cache<Hashed, V>);

impl<V: Clone + Send + Sync + 'static> Default for VerifiedCache<V> {
    fn default() -> Self {
        // Evicts the least recently used: by frequency, tokens that have expired would keep new ones out.
        Self(Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl<V: Clone + Send + Sync + 'static> VerifiedCache<V> {
    pub fn get(&self, hash: &Hashed) -> Option<V> {
        self.0.get(hash)
    }

    pub fn insert(&self, hash: Hashed, value: V) {
        self.0.insert(hash, value);
    }
}
