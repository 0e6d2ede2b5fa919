use std::{path::PathBuf, sync::Arc};

use chrono::TimeDelta;
use loadmaster_accounts::{Actor, Acts, Principal, Subject};
use loadmaster_kernel::{FeedId, FeedRunId};
use loadmaster_operations::OperationService;
use loadmaster_platform::{
    clock::SharedClock,
    listing::{Anchor, CountParams, CreatedOrder, Listed},
    outbound::Outbound,
    postgres::{Database, DbError, PgSession, Recency},
    random::IdSource,
    timing::Timing,
    vault::Vault,
    web::PageRequest,
};
use loadmaster_pricing::PricingService;
use loadmaster_rates::RateService;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    dto::{DifferenceFilter, FeedFilter, RunFilter},
    error::FeedError,
    model::{Bounds, FEED, Feed, FileFault, Run},
    repository::{self, Part},
};

/// Time for which a run that has ended is kept.
const ENDED_KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// The use cases of feeds: changes in `write` and `runs`, carrying out runs in `work`, `source`, `carry` and `apply`; finding here.
/// Cheap to clone.
#[derive(Clone)]
pub struct FeedService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    pub(super) vault: Vault,
    pub(super) outbound: Outbound,
    pub(super) operations: OperationService,
    pub(super) pricing: PricingService,
    pub(super) rates: RateService,
    pub(super) bounds: Bounds,
    /// The folder of the installation.
    pub(super) folder: Option<Arc<PathBuf>>,
    pub(super) timing: Timing,
    /// Wakes the worker of this process.
    pub(super) news: Arc<Notify>,
}

impl FeedService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self {
            db: self.db.for_background(),
            operations: self.operations.for_background(),
            rates: self.rates.for_background(),
            ..self.clone()
        }
    }

    pub(super) async fn feed(&self, id: FeedId) -> Result<Feed, FeedError> {
        repository::find(&mut *self.db.read().await?, id).await?.ok_or(FeedError::Unknown("feed"))
    }

    /// Fails unless there is or was such a feed: the deletion of one may be repeated under the same key.
    pub(super) async fn existing(&self, id: FeedId) -> Result<(), FeedError> {
        let existed = repository::existed(&mut *self.db.read().await?, id).await?;
        if existed { Ok(()) } else { Err(FeedError::Unknown("feed")) }
    }

    pub(super) async fn list(
        &self,
        filter: FeedFilter,
        order: CreatedOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Feed>, FeedError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let entries = repository::list(&mut snapshot, filter, order, part(page)).await?;
            let counted = repository::number_of(&mut snapshot, filter, order);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    pub(super) async fn run(&self, feed: FeedId, id: FeedRunId) -> Result<Run, FeedError> {
        let mut connection = self.db.read().await?;
        if repository::find(&mut connection, feed).await?.is_none() {
            return Err(FeedError::Unknown("feed"));
        }
        repository::find_run(&mut connection, feed, id).await?.ok_or(FeedError::Unknown("run"))
    }

    pub(super) async fn list_runs(
        &self,
        feed: FeedId,
        filter: RunFilter,
        order: CreatedOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Run>, FeedError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let entries = repository::list_runs(&mut snapshot, feed, filter, order, part(page)).await?;
            let counted = repository::number_of_runs(&mut snapshot, feed, filter, order);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    pub(super) async fn faults(&self, run: FeedRunId) -> Result<Vec<FileFault>, FeedError> {
        Ok(repository::faults(&mut *self.db.read().await?, run).await?)
    }

    /// Returns a page of what a run does, each with its place.
    pub(super) async fn differences(
        &self,
        run: FeedRunId,
        filter: &DifferenceFilter,
        page: &PageRequest<i32>,
    ) -> Result<Vec<(i32, Value)>, FeedError> {
        let mut connection = self.db.read().await?;
        Ok(repository::differences(&mut connection, run, filter, page.after, page.offset, page.fetch()).await?)
    }

    /// Has the worker of this process look for work now.
    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    /// Records what an administrator or an operator does. Addresses are not recorded: they may hold secrets.
    pub(super) async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        feed: &Feed,
        act: &str,
        run: Option<FeedRunId>,
    ) -> Result<(), DbError> {
        let data = json!({
            "kind": feed.terms.kind, "airline_codes": feed.terms.airline_codes, "apply": feed.terms.apply,
            "status": feed.status, "version": feed.version, "run_id": run,
        });
        let actor = Actor::Caller(caller.user_id);
        self.acts.record_in_tx(tx, actor, act, Subject::new(FEED, feed.id), data).await
    }

    /// Deletes runs that ended long ago. Returns their number.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let before = self.clock.now() - ENDED_KEPT_FOR;
        self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old(tx, before, most))).await
    }
}

fn part(page: &PageRequest<Anchor>) -> Part {
    Part { after: page.after, offset: page.offset, fetch: page.fetch() }
}
