//! The files of feeds, applied by the code of seasons.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use loadmaster_flights::{FeedDifferences, FeedRule, Followed, Season};
use loadmaster_kernel::{FeedId, UserId};
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    tables::{ImportSummary, Table},
    work::Command,
};

use super::{OperationError, OperationService, service::count_changes};

/// What applying the file of a feed has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedApplied {
    pub summary: ImportSummary,
    /// Flights that the file does not give, and that were cancelled.
    pub cancelled: u64,
}

/// Applies the file of a feed whose effect has been compared, all of it or nothing, and passes new times on to the bookings.
struct ApplyFeed {
    operations: OperationService,
    actor: Option<UserId>,
    season: Arc<Season>,
    shown: FeedDifferences,
    rule: FeedRule,
    followed: Followed,
}

impl Command for ApplyFeed {
    const NAME: &'static str = "operations.apply_feed";
    type Done = FeedApplied;
    type Error = OperationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<FeedApplied, OperationError> {
        let Self { operations, actor, season, shown, rule, followed } = self;
        let now = operations.now();
        *followed = operations.flights.apply_feed_in_tx(tx, *actor, (&**season, &*shown), rule, now, &|_| {}).await?;
        operations.conclude_import_in_tx(tx, &followed.imported, *actor).await?;
        let cancelled = u64::try_from(followed.cancelled.len()).unwrap_or(u64::MAX);
        Ok(FeedApplied { summary: followed.imported.summary, cancelled })
    }

    async fn concluded(&mut self, outcome: Result<&FeedApplied, &OperationError>) {
        let Ok(FeedApplied { summary, cancelled }) = outcome else { return };
        let ImportSummary { created, updated, unchanged } = summary;
        self.operations.flights.imported(&self.followed.imported.touched);
        for flight in &self.followed.cancelled {
            self.operations.flights.left(flight);
        }
        count_changes(*updated);
        tracing::info!(feed_id = %self.rule.feed, created, updated, unchanged, cancelled, "file of a feed applied");
    }
}

impl OperationService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), flights: self.flights.for_background(), ..self.clone() }
    }

    /// Reads a table of dated flights, as an import does.
    pub async fn read_dated_flights(&self, table: Table) -> Result<Season, OperationError> {
        Ok(Season::of(self.flights.read_timetable(table).await?))
    }

    /// Returns what the file of a feed does to the schedule as it is. Holds whose time is up do not count, but end.
    pub async fn compare_feed(&self, season: &Season, rule: &FeedRule) -> Result<FeedDifferences, OperationError> {
        let differences = self.flights.compare_feed(season, rule).await?;
        if !differences.season.has_refused() {
            return Ok(differences);
        }
        let refused = self.flights.refused_with_holds(season.timetable()).await?;
        if refused.is_empty() {
            return Ok(differences);
        }
        self.holds.clear(&refused).await?;
        Ok(self.flights.compare_feed(season, rule).await?)
    }

    /// Returns the number of flights of a feed that were to leave since an instant.
    pub async fn left_of_feed(&self, feed: FeedId, since: DateTime<Utc>) -> Result<i64, DbError> {
        self.flights.left_of_feed(feed, since).await
    }

    /// Returns the command that applies the file of a feed if its effect is still as shown; else it fails with
    /// `FlightError::NotAsShown`.
    pub fn feed_to_apply(
        &self,
        season: Arc<Season>,
        shown: FeedDifferences,
        rule: FeedRule,
        actor: Option<UserId>,
    ) -> impl Command<Done = FeedApplied, Error = OperationError> + use<> {
        let operations = self.clone();
        ApplyFeed { operations, actor, season, shown, rule, followed: Followed::default() }
    }
}
