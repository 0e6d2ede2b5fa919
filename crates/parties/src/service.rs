use chrono::TimeDelta;
use loadmaster_accounts::Principal;
use loadmaster_kernel::PartyId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, Recency},
    random::IdSource,
    web::PageRequest,
};

use super::{dto::PartyFilter, error::PartyError, model::Entry, repository};

/// Time for which the id of a deleted party is kept, unless answers under an `Idempotency-Key` are kept longer.
const DELETED_KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The address books: finding parties here, changes in `write`. Everybody, the carrier's staff too, sees those of the own
/// organization alone. Cheap to clone.
#[derive(Clone)]
pub struct PartyService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    /// How long answers are repeated under their keys.
    pub(super) repeated_for: TimeDelta,
}

impl PartyService {
    /// Returns the same service on the connections reserved for background work.
    pub(super) fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Deletes the ids of parties that were deleted long ago. Returns their number.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let before = self.clock.now() - DELETED_KEPT_FOR.max(self.repeated_for);
        self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old(tx, before, most))).await
    }

    pub(super) async fn party(&self, caller: Principal, id: PartyId) -> Result<Entry, PartyError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.organization_id).await?.ok_or(PartyError::Unknown)
    }

    /// Fails unless the caller's organization has or had the party: the deletion of one may be repeated under the same key.
    pub(super) async fn existing(&self, caller: Principal, id: PartyId) -> Result<(), PartyError> {
        let mut connection = self.db.read().await?;
        let existed = repository::existed(&mut connection, id, caller.organization_id).await?;
        if existed { Ok(()) } else { Err(PartyError::Unknown) }
    }

    pub(super) async fn list(
        &self,
        caller: Principal,
        filter: &PartyFilter,
        page: &PageRequest<PartyId>,
        recency: Recency,
    ) -> Result<Vec<Entry>, PartyError> {
        let of = (caller.organization_id, filter.q.as_deref());
        let read = move |db: Database| async move {
            let mut connection = db.listing().await?;
            Ok(repository::list(&mut connection, of, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }
}
