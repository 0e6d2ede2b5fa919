use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use moka::{policy::EvictionPolicy, sync::Cache};

use super::{BookingError, model::Booking, repository};
use crate::{
    kernel::{BookingId, BookingRef, OrganizationId},
    platform::{postgres::PgSession, secrets::ServerSecrets},
};

/// Numbers per block of the database's sequence.
const BLOCK: u64 = 64;

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

    /// Returns the next reference. A caller that finds no block left fetches one on its own connection without blocking
    /// others: a database that does not answer delays only its own callers. A number is not reused after a rollback.
    pub async fn next(&self, tx: &mut PgSession) -> Result<BookingRef, BookingError> {
        let counter = match self.left() {
            Some(counter) => counter,
            None => self.first_of(fetch_block(tx).await?)?,
        };
        BookingRef::from_counter(counter, self.key).ok_or(BookingError::OutOfReferences)
    }

    fn left(&self) -> Option<u64> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(block) = blocks.last_mut() {
            match block.next() {
                Some(counter) => return Some(counter),
                None => _ = blocks.pop(),
            }
        }
        None
    }

    /// Takes the first number and stores the rest for later calls.
    fn first_of(&self, mut block: Range<u64>) -> Result<u64, BookingError> {
        let counter = block.next().ok_or(BookingError::OutOfReferences)?;
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block);
        Ok(counter)
    }
}

/// Most references whose bookings are remembered.
const MOST_KNOWN: u64 = 32_768;

/// The ids of bookings that were read lately, by reference: neither ever changes. A bounded cache.
#[derive(Clone)]
pub(super) struct KnownReferences(Cache<BookingRef, (BookingId, OrganizationId)>);

impl Default for KnownReferences {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_KNOWN).eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl KnownReferences {
    /// Returns the id, if it is known and, where an organization is given, the booking belongs to it.
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
        self.0.invalidate(reference);
    }
}

async fn fetch_block(tx: &mut PgSession) -> Result<Range<u64>, BookingError> {
    let number = repository::next_reference_block(tx).await?;
    let first = u64::try_from(number).map_err(|_| BookingError::OutOfReferences)? * BLOCK;
    Ok(first..first + BLOCK)
}
