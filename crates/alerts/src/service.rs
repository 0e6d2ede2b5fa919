use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::{Acts, Principal};
use loadmaster_capacity::CapacityService;
use loadmaster_kernel::AlertId;
use loadmaster_platform::{
    clock::SharedClock,
    in_own_tx,
    listing::{Anchor, CountParams, CreatedOrder, Listed},
    postgres::{Database, DbError, Recency},
    random::IdSource,
    web::PageRequest,
};
use loadmaster_reference::Reference;
use loadmaster_search::SearchService;

use super::{
    dto::AlertFilter,
    error::AlertError,
    model::{Alert, Changed, Terms},
    repository,
};

/// Time for which an alert that has ended is kept.
const ENDED_KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// The use cases of alerts: changes in `write`, searching in `judge`, checks in `work`; finding and ending here. Cheap to clone.
#[derive(Clone)]
pub struct AlertService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    pub(super) capacity: CapacityService,
    pub(super) search: SearchService,
    pub(super) reference: Reference,
    pub(super) most_active: u32,
    /// What has changed since the last look of this process.
    pub(super) changed: Arc<Mutex<Changed>>,
}

impl AlertService {
    /// Returns the same service on the connections reserved for background work.
    pub(super) fn for_background(&self) -> Self {
        Self {
            db: self.db.for_background(),
            capacity: self.capacity.for_background(),
            search: self.search.for_background(),
            ..self.clone()
        }
    }

    /// Returns an alert of the caller's organization; any for the carrier's staff.
    pub(super) async fn visible(&self, caller: Principal, id: AlertId) -> Result<Alert, AlertError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.sees_only()).await?.ok_or(AlertError::Unknown)
    }

    /// Fails unless there is or was such an alert: the deletion of one may be repeated under the same key.
    pub(super) async fn existing(&self, caller: Principal, id: AlertId) -> Result<(), AlertError> {
        let mut connection = self.db.read().await?;
        let existed = repository::existed(&mut connection, id, caller.sees_only()).await?;
        if existed { Ok(()) } else { Err(AlertError::Unknown) }
    }

    pub(super) async fn list(
        &self,
        filter: &AlertFilter,
        order: CreatedOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Alert>, AlertError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            let entries = repository::list(&mut snapshot, filter, order, after, offset, fetch).await?;
            let counted = repository::number_of(&mut snapshot, filter, order);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    /// Fails if members of these terms contradict each other or the time.
    pub(super) fn validate(&self, terms: &Terms) -> Result<(), AlertError> {
        let now = self.clock.now();
        let faults = terms.faults(self.reference.local_date(terms.origin, now), now);
        if faults.is_empty() { Ok(()) } else { Err(AlertError::Invalid(faults)) }
    }

    /// Returns when an alert with these terms ends.
    pub(super) fn end_of(&self, terms: &Terms) -> Option<DateTime<Utc>> {
        let last = terms.date_to.zip(self.reference.airport(terms.origin)).map(|(date, airport)| airport.day(date).1);
        last.into_iter().chain(terms.expires_at).min()
    }

    /// Notes what has changed: the next look of this process wakes the alerts concerned.
    pub(super) fn note(&self, note: impl FnOnce(&mut Changed)) {
        note(&mut self.changed.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends the alerts whose time is up or whose user has gone, and deletes those that ended long ago. Returns both numbers.
    pub(super) async fn end_and_delete(&self) -> Result<(u64, u64), DbError> {
        let now = self.clock.now();
        let ended = in_own_tx!(self.db, |tx| repository::end(&mut tx, now))?;
        let before = now - ENDED_KEPT_FOR;
        let deleted = self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old(tx, before, most))).await?;
        Ok((ended, deleted))
    }
}
