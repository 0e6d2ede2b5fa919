//! Many callers at one moment, so that every connection to the database is in use when something happens to it.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::Mutex, task::JoinSet};

use super::{Client, Deed, Load};

/// Callers of each server: more than it has connections.
const CALLERS: u64 = 24;
/// Their numbers begin where those of no other client are.
const FIRST: u64 = 1_000_000;

#[derive(Default)]
pub(crate) struct Crowd {
    callers: Mutex<JoinSet<Vec<Deed>>>,
    called: AtomicU64,
}

impl Crowd {
    /// They begin now; each imports a new flight, for which it waits for nobody else, and asks again until it knows what
    /// became of it.
    pub async fn call(load: &Arc<Load>) {
        let mut callers = load.crowd.callers.lock().await;
        for instance in 0..load.wire.addresses.count() as u64 {
            for _ in 0..CALLERS {
                let number = FIRST + load.crowd.called.fetch_add(1, Ordering::Relaxed);
                callers.spawn(Client::new(number, Arc::clone(load)).import_once(instance));
            }
        }
    }

    /// All that they have asked for, once they know.
    pub async fn settled(&self) -> Vec<Deed> {
        std::mem::take(&mut *self.callers.lock().await).join_all().await.into_iter().flatten().collect()
    }
}
