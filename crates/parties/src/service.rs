use chrono::TimeDelta;
use loadmaster_accounts::Principal;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, Recency},
    random::IdSource,
    web::PageRequest,
};
use loadmaster_shipment::Party;

use super::{
    dto::NameFilter,
    error::PartyError,
    model::{Entry, Template},
    repository::Stored,
};

/// Time for which the id of a deleted entry is kept, unless answers under an `Idempotency-Key` are kept longer.
const DELETED_KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The address books and the templates: finding entries here, changes in `write`. Everybody, the carrier's staff too, sees
/// those of the own organization alone. Cheap to clone.
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

    /// Deletes the ids of parties and templates that were deleted long ago. Returns their number.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let before = self.clock.now() - DELETED_KEPT_FOR.max(self.repeated_for);
        let parties = self.db.delete_in_batches(|tx, most| Box::pin(Party::delete_old(tx, before, most))).await?;
        let templates = self.db.delete_in_batches(|tx, most| Box::pin(Template::delete_old(tx, before, most))).await?;
        Ok(parties + templates)
    }

    pub(super) async fn entry<T: Stored>(&self, caller: Principal, id: T::Id) -> Result<Entry<T>, PartyError> {
        let mut connection = self.db.read().await?;
        T::find(&mut connection, id, caller.organization_id).await?.ok_or(PartyError::Unknown(T::KIND))
    }

    /// Fails unless the caller's organization has or had the entry: the deletion of one may be repeated under the same key.
    pub(super) async fn existing<T: Stored>(&self, caller: Principal, id: T::Id) -> Result<(), PartyError> {
        let mut connection = self.db.read().await?;
        let existed = T::existed(&mut connection, id, caller.organization_id).await?;
        if existed { Ok(()) } else { Err(PartyError::Unknown(T::KIND)) }
    }

    pub(super) async fn list<T: Stored>(
        &self,
        caller: Principal,
        filter: &NameFilter,
        page: &PageRequest<T::Id>,
        recency: Recency,
    ) -> Result<Vec<Entry<T>>, PartyError> {
        let of = (caller.organization_id, filter.q.as_deref());
        let read = move |db: Database| async move {
            let mut connection = db.listing().await?;
            Ok(T::list(&mut connection, of, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }
}
