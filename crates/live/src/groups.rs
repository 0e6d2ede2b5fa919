use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Those who follow one thing, and how much of it they have been sent.
#[derive(Debug)]
pub(super) struct Group<S, M> {
    pub sent: S,
    /// By the numbers of their streams.
    pub members: HashMap<u64, M>,
}

/// What is followed in this process, and by whom. What nobody follows any more is forgotten.
#[derive(Debug)]
pub(super) struct Groups<K, S, M>(Arc<Mutex<HashMap<K, Group<S, M>>>>);

impl<K, S, M> Clone for Groups<K, S, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, S, M> Default for Groups<K, S, M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Dropping it leaves the group.
pub(super) struct Joined<K: Copy + Eq + Hash, S, M> {
    groups: Groups<K, S, M>,
    key: K,
    number: u64,
}

impl<K: Copy + Eq + Hash, S: Default, M> Groups<K, S, M> {
    pub fn join(&self, key: K, number: u64, member: M) -> Joined<K, S, M> {
        let mut groups = self.all();
        let group = groups.entry(key).or_insert_with(|| Group { sent: S::default(), members: HashMap::new() });
        group.members.insert(number, member);
        Joined { groups: self.clone(), key, number }
    }
}

impl<K: Copy + Eq + Hash, S, M> Groups<K, S, M> {
    pub fn all(&self) -> MutexGuard<'_, HashMap<K, Group<S, M>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a group, if there is one.
    pub fn with<T>(&self, key: K, look: impl FnOnce(&mut Group<S, M>) -> T) -> Option<T> {
        self.all().get_mut(&key).map(look)
    }
}

impl<K: Copy + Eq + Hash, S, M> Drop for Joined<K, S, M> {
    fn drop(&mut self) {
        let mut groups = self.groups.all();
        if let Some(group) = groups.get_mut(&self.key) {
            group.members.remove(&self.number);
            if group.members.is_empty() {
                groups.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_lasts_until_its_last_member_leaves() {
        let groups = Groups::<u8, u8, &str>::default();
        let first = groups.join(7, 1, "first");
        groups.with(7, |group| group.sent = 5);
        let second = groups.join(7, 2, "second");
        drop(first);
        assert_eq!(groups.with(7, |group| (group.sent, group.members.len())), Some((5, 1)));
        drop(second);
        assert!(groups.all().is_empty());
    }
}
