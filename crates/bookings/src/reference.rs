use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use loadmaster_kernel::{BookingId, BookingRef, OrganizationId};
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    secrets::ServerSecrets,
};
use quick_cache::sync::Cache;
use sqlx::PgConnection;

use super::{model::Booking, repository};

/// Numbers per block of the database's sequence.
const BLOCK: u64 = 64;

/// References that are left out after a restore: more than are issued between a backup and the failure after it. There are
/// ten thousand times as many.
const LEFT_OUT: u64 = 100_000_000;

/// Leaves out the references that may have been issued since the backup from which this database was restored; returns
/// their number. Needs the rights of the owner.
pub async fn leave_out_references(owner: &mut PgConnection) -> sqlx::Result<u64> {
    let blocks = LEFT_OUT.div_ceil(BLOCK);
    repository::skip_reference_blocks(owner, i64::try_from(blocks).unwrap_or(i64::MAX)).await?;
    Ok(blocks * BLOCK)
}

/// Makes booking references: unique by construction, none predictable from another. Numbers come in blocks from a
/// sequence, so that most bookings cost no round trip; numbers left in a block when a process stops are not used again.
#[derive(Clone)]
pub(super) struct ReferenceSource {
    key: [u64; 4],
    /// The remainders of fetched blocks; several after concurrent fetches.
    blocks: Arc<Mutex<Vec<Range<u64>>>>,
}

impl ReferenceSource {
    pub fn new(secrets: &ServerSecrets) -> Self {
        let mut key = [0; 4];
        for (word, bytes) in key.iter_mut().zip(secrets.reference_key.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        }
        Self { key, blocks: Arc::default() }
    }

    /// Returns `wanted` new references. A caller that finds too few numbers left fetches the blocks that it needs, on its
    /// own connection and without blocking others: a database that does not answer delays only its own callers. A number
    /// is not reused after a rollback.
    pub async fn take(&self, tx: &mut PgSession, wanted: usize) -> Result<Vec<BookingRef>, DbError> {
        let mut counters = take_numbers(&mut self.blocks(), wanted);
        if counters.len() < wanted {
            let missing = wanted - counters.len();
            let mut fetched = fetch_blocks(tx, missing).await?;
            counters.extend(take_numbers(&mut fetched, missing));
            self.blocks().extend(fetched);
        }
        let references = counters.into_iter().map(|counter| BookingRef::from_counter(counter, self.key));
        references.collect::<Option<_>>().ok_or_else(|| DbError::from(out_of_references()))
    }

    fn blocks(&self) -> MutexGuard<'_, Vec<Range<u64>>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes up to `wanted` numbers out of these blocks.
fn take_numbers(blocks: &mut Vec<Range<u64>>, wanted: usize) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(wanted);
    while numbers.len() < wanted
        && let Some(block) = blocks.last_mut()
    {
        numbers.extend(block.by_ref().take(wanted - numbers.len()));
        if block.is_empty() {
            blocks.pop();
        }
    }
    numbers
}

fn out_of_references() -> sqlx::Error {
    sqlx::Error::Decode("all booking references are used up".into())
}

/// Most references whose bookings are remembered.
const MOST_KNOWN: usize = 32_768;

/// The ids of bookings that were read lately, by reference, and their organizations. Neither reference nor id ever
/// changes; a booking that is claimed changes its organization, which therefore only says what to ask the database. A
/// bounded cache.
#[derive(Clone)]
pub(super) struct KnownReferences(Arc<Cache<BookingRef, (BookingId, OrganizationId)>>);

impl Default for KnownReferences {
    fn default() -> Self {
        Self(Arc::new(Cache::new(MOST_KNOWN)))
    }
}

impl KnownReferences {
    /// Returns the id, if it is known and, where an organization is given, the booking belonged to it when it was read.
    pub fn id_of(&self, reference: &BookingRef, of: Option<OrganizationId>) -> Option<BookingId> {
        let (id, organization) = self.0.get(reference)?;
        of.is_none_or(|of| of == organization).then_some(id)
    }

    pub fn note(&self, booking: &Booking) {
        let known = (booking.id, booking.organization_id);
        if self.0.get(&booking.ref_id) != Some(known) {
            self.0.insert(booking.ref_id.clone(), known);
        }
    }

    /// Forgets a reference whose booking is not there: the database was exchanged for one without it.
    pub fn forget(&self, reference: &BookingRef) {
        self.0.remove(reference);
    }
}

/// Fetches the blocks for this many numbers.
async fn fetch_blocks(tx: &mut PgSession, numbers: usize) -> Result<Vec<Range<u64>>, DbError> {
    let blocks = (numbers as u64).div_ceil(BLOCK);
    let fetched = repository::next_reference_blocks(tx, i32::try_from(blocks).unwrap_or(i32::MAX)).await?;
    let block = |number: i64| {
        let first = u64::try_from(number).ok()?.checked_mul(BLOCK)?;
        Some(first..first + BLOCK)
    };
    fetched.into_iter().map(block).collect::<Option<_>>().ok_or_else(|| DbError::from(out_of_references()))
}
