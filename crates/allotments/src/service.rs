use std::sync::Arc;

use loadmaster_accounts::{Acts, Principal};
use loadmaster_capacity::CapacityService;
use loadmaster_holds::HoldService;
use loadmaster_kernel::AllotmentId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, Recency},
    random::IdSource,
    web::PageRequest,
};
use tokio::sync::Notify;

use super::{
    dto::AllotmentFilter,
    error::AllotmentError,
    model::{Allotment, AllotmentAnchor, FlightAnchor, OnFlight},
    repository,
};

/// The use cases of allotments: `change`, and `keeper` with `keep`.
#[derive(Clone)]
pub struct AllotmentService {
    pub db: Database,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub acts: Acts,
    pub capacity: CapacityService,
    pub holds: HoldService,
    /// Wakes the keeper of this process.
    pub news: Arc<Notify>,
}

impl AllotmentService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let (capacity, holds) = (self.capacity.for_background(), self.holds.for_background());
        Self { db: self.db.for_background(), capacity, holds, ..self.clone() }
    }

    /// Returns the allotment if the caller may see it; one of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, id: AllotmentId) -> Result<Allotment, AllotmentError> {
        let found = self.visible_once(caller, id).await?;
        if found.deleted_at.is_some() { Err(AllotmentError::Unknown) } else { Ok(found) }
    }

    /// The same, also for one that was deleted.
    pub async fn visible_once(&self, caller: Principal, id: AllotmentId) -> Result<Allotment, AllotmentError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.sees_only()).await?.ok_or(AllotmentError::Unknown)
    }

    pub async fn list(
        &self,
        filter: &AllotmentFilter,
        page: &PageRequest<AllotmentAnchor>,
        recency: Recency,
    ) -> Result<Vec<Allotment>, AllotmentError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            Ok(repository::list(&mut snapshot, filter, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the flights of an allotment in order of departure.
    pub async fn flights(
        &self,
        id: AllotmentId,
        page: &PageRequest<FlightAnchor>,
        recency: Recency,
    ) -> Result<Vec<OnFlight>, AllotmentError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            Ok(repository::flights(&mut snapshot, id, page.after, page.offset, page.fetch(), now).await?)
        };
        self.db.reading(recency, read).await
    }
}
