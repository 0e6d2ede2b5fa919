//! Many concurrent callers, so that every connection to the database is in use when a fault begins.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::Mutex, task::JoinSet};

use super::{Client, Load, Operation};

/// Callers of each server: more than it has connections.
const CALLERS: u64 = 24;
/// Their client numbers start above those of all other clients.
const FIRST: u64 = 1_000_000;

#[derive(Default)]
pub(crate) struct Burst {
    tasks: Mutex<JoinSet<Vec<Operation>>>,
    started: AtomicU64,
}

impl Burst {
    /// Starts them; each imports a new flight, without waiting for another caller, and repeats that until its outcome
    /// is known.
    pub async fn start(load: &Arc<Load>) {
        let mut tasks = load.burst.tasks.lock().await;
        for instance in 0..load.wire.addresses.count() as u64 {
            for _ in 0..CALLERS {
                let number = FIRST + load.burst.started.fetch_add(1, Ordering::Relaxed);
                tasks.spawn(Client::new(number, Arc::clone(load)).import_once(instance));
            }
        }
    }

    /// Waits for all of them; returns their operations.
    pub async fn settled(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.tasks.lock().await).join_all().await.into_iter().flatten().collect()
    }
}
