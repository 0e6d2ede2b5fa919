use loadmaster_accounts::Principal;
use loadmaster_kernel::PartyId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, Recency},
    random::IdSource,
    web::PageRequest,
};

use super::{dto::PartyFilter, error::PartyError, model::Entry, repository};

/// The address books: finding parties here, changes in `write`. Everybody, the carrier's staff too, sees those of the own
/// organization alone. Cheap to clone.
#[derive(Clone)]
pub struct PartyService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
}

impl PartyService {
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
