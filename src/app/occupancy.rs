use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places that are taken, in all and by each holder who is known.
#[derive(Debug)]
pub(super) struct Occupancy<K>(Mutex<Taken<K>>);

#[derive(Debug)]
pub(super) struct Taken<K> {
    in_all: usize,
    pub by_holder: HashMap<K, usize>,
}

/// A taken place; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Slot<K: Copy + Eq + Hash> {
    occupancy: Arc<Occupancy<K>>,
    holder: Option<K>,
}

impl<K> Default for Occupancy<K> {
    fn default() -> Self {
        Self(Mutex::new(Taken { in_all: 0, by_holder: HashMap::new() }))
    }
}

impl<K: Copy + Eq + Hash> Occupancy<K> {
    pub fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, unless `judge` refuses it by the places taken in all and by this holder.
    pub fn take<E>(
        self: &Arc<Self>,
        holder: Option<K>,
        judge: impl FnOnce(usize, usize) -> Result<(), E>,
    ) -> Result<Slot<K>, E> {
        let mut taken = self.taken();
        let own = holder.and_then(|holder| taken.by_holder.get(&holder)).copied().unwrap_or_default();
        judge(taken.in_all, own)?;
        if let Some(holder) = holder {
            taken.by_holder.insert(holder, own + 1);
        }
        taken.in_all += 1;
        Ok(Slot { occupancy: self.clone(), holder })
    }
}

impl<K: Copy + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut taken = self.occupancy.taken();
        taken.in_all -= 1;
        let Some(holder) = self.holder else { return };
        if let Some(own) = taken.by_holder.get_mut(&holder) {
            *own -= 1;
            if *own == 0 {
                taken.by_holder.remove(&holder);
            }
        }
    }
}
