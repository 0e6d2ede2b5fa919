use chrono::TimeDelta;
use loadmaster_accounts::{Acts, OneTime, Principal};
use loadmaster_bookings::Desk;
use loadmaster_kernel::ConsolidationId;
use loadmaster_platform::{
    clock::SharedClock,
    in_own_tx,
    postgres::{Database, DbError, PgSession, Recency, retrying},
    random::IdSource,
    web::{PageRequest, Precondition},
    work::UnitOfWork,
};
use loadmaster_search::SearchService;

use super::{
    dto::ConsolidationFilter,
    error::ConsolidationError,
    model::{ConsolidationEvent, Listed, Whole},
    repository,
};

/// Time for which an invitation can be answered.
pub const INVITED_FOR: TimeDelta = TimeDelta::days(14);

/// The use cases of consolidations: changes of the plan in `write`, masters in `hold`, `book`, `amend` and `cancel`; finding
/// here. Cheap to clone.
#[derive(Clone)]
pub struct ConsolidationService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) one_time: OneTime,
    pub(super) desk: Desk,
    pub(super) search: SearchService,
    pub(super) acts: Acts,
    pub(super) unit_of_work: UnitOfWork,
}

impl ConsolidationService {
    /// Returns the same service on the connections reserved for background work.
    pub(super) fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Returns a consolidation that the caller may read.
    pub(super) async fn visible(&self, caller: Principal, id: ConsolidationId) -> Result<Whole, ConsolidationError> {
        let mut snapshot = self.db.snapshot().await?;
        self.visible_in_tx(&mut snapshot, caller, id).await
    }

    pub(super) async fn visible_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: ConsolidationId,
    ) -> Result<Whole, ConsolidationError> {
        let whole = repository::find(tx, id, self.clock.now()).await?;
        whole.filter(|whole| whole.is_visible_to(caller)).ok_or(ConsolidationError::Unknown)
    }

    /// Locks a consolidation that the caller may read, and still has the version that the caller knows.
    pub(super) async fn lock_any_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: ConsolidationId,
        precondition: &Precondition,
    ) -> Result<Whole, ConsolidationError> {
        repository::lock(tx, id).await?;
        let whole = self.visible_in_tx(tx, caller, id).await?;
        precondition.check(whole.consolidation.version).map_err(ConsolidationError::VersionMismatch)?;
        Ok(whole)
    }

    /// The same, for a consolidation that is not cancelled.
    pub(super) async fn lock_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: ConsolidationId,
        precondition: &Precondition,
    ) -> Result<Whole, ConsolidationError> {
        let whole = self.lock_any_in_tx(tx, caller, id, precondition).await?;
        if whole.consolidation.cancelled_at.is_some() {
            return Err(ConsolidationError::Cancelled);
        }
        Ok(whole)
    }

    /// The same, for what only the owner may do.
    pub(super) async fn lock_own_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: ConsolidationId,
        precondition: &Precondition,
    ) -> Result<Whole, ConsolidationError> {
        let whole = self.lock_in_tx(tx, caller, id, precondition).await?;
        if whole.is_owner(caller.organization_id) { Ok(whole) } else { Err(ConsolidationError::NotOwner) }
    }

    pub(super) async fn list(
        &self,
        filter: &ConsolidationFilter,
        page: &PageRequest<ConsolidationId>,
        recency: Recency,
    ) -> Result<Vec<Listed>, ConsolidationError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let place = (page.after, page.offset, page.fetch());
            Ok(repository::list(&mut snapshot, filter, place, now).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns a page of the history, newest first.
    pub(super) async fn events(
        &self,
        id: ConsolidationId,
        page: &PageRequest<i32>,
        recency: Recency,
    ) -> Result<Vec<ConsolidationEvent>, ConsolidationError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            Ok(repository::events(&mut snapshot, id, (page.after, page.offset, page.fetch())).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Deletes the invitations that nobody has answered in time. Returns their number.
    pub(super) async fn delete_old_invitations(&self) -> Result<u64, DbError> {
        let ended = || async {
            let now = self.clock.now();
            in_own_tx!(self.db, |tx| repository::delete_invitations(&mut tx, now))
        };
        retrying(ended).await
    }
}
