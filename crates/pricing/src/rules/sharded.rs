use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::Arc,
};

const SHARDS: usize = 256;

/// A map whose clone shares all entries; a change copies only the shard that it is in.
#[derive(Debug)]
pub struct Sharded<K, V>(Vec<Arc<HashMap<K, V>>>);

impl<K, V> Clone for Sharded<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Sharded<K, V> {
    fn shard<Q: Hash + ?Sized>(key: &Q) -> usize {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        usize::try_from(hash % SHARDS as u64).unwrap_or_default()
    }

    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(Self::shard(key))?.get(key)
    }

    fn shard_of(&mut self, key: &K) -> Option<&mut HashMap<K, V>> {
        if self.0.is_empty() {
            self.0 = (0..SHARDS).map(|_| Arc::default()).collect();
        }
        self.0.get_mut(Self::shard(key)).map(Arc::make_mut)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.shard_of(&key)?.insert(key, value)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.shard_of(key)?.remove(key)
    }

    /// Returns the entry, made if it is missing.
    pub fn entry(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        Some(self.shard_of(&key)?.entry(key).or_default())
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.len()).sum()
    }

    /// Returns whether nothing was ever inserted.
    pub const fn is_unused(&self) -> bool {
        self.0.is_empty()
    }
}
