use std::{ops::Range, sync::Arc};

use tokio::sync::Mutex;

use super::{BookingError, repository};
use crate::platform::postgres::PgSession;
use crate::{kernel::BookingRef, platform::secrets::ServerSecrets};

/// Numbers per block of the database's sequence.
const BLOCK: u64 = 64;

/// Makes booking references: unique by construction, none predictable from another. Numbers come in blocks from a
/// sequence, so that most bookings cost no round trip; what a stopped process has left of a block is not used again.
#[derive(Clone)]
pub(super) struct ReferenceSource {
    key: [u64; 4],
    block: Arc<Mutex<Range<u64>>>,
}

impl ReferenceSource {
    pub fn new(secrets: &ServerSecrets) -> Self {
        let mut key = [0; 4];
        for (word, bytes) in key.iter_mut().zip(secrets.reference_key.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        }
        Self { key, block: Arc::default() }
    }

    /// The next reference. A block that has to be fetched is fetched on the caller's connection: who waits for it holds
    /// one already, so nobody queues here for a database that is away. What is rolled back does not come again.
    pub async fn next(&self, tx: &mut PgSession) -> Result<BookingRef, BookingError> {
        let mut block = self.block.lock().await;
        if block.is_empty() {
            *block = fetch_block(tx).await?;
        }
        let counter = block.next().ok_or(BookingError::OutOfReferences)?;
        BookingRef::from_counter(counter, self.key).ok_or(BookingError::OutOfReferences)
    }
}

async fn fetch_block(tx: &mut PgSession) -> Result<Range<u64>, BookingError> {
    let number = repository::next_reference_block(tx).await?;
    let first = u64::try_from(number).map_err(|_| BookingError::OutOfReferences)? * BLOCK;
    Ok(first..first + BLOCK)
}
