use loadmaster_flights::{Departure, Differences, ImportListener, Lane, Season};
use loadmaster_platform::{
    postgres::PgSession,
    tables::{ImportSummary, Table},
    work::{self, Command},
};

use super::{OperationError, OperationService, service::count_changes};

/// Applies a season whose effect has been shown, all or nothing, and passes new times on to the bookings.
struct ApplySeason {
    operations: OperationService,
    season: Season,
    shown: Differences,
    touched: Vec<(Lane, Departure)>,
    listener: Box<ImportListener>,
}

impl Command for ApplySeason {
    const NAME: &'static str = "operations.apply_season";
    type Done = ImportSummary;
    type Error = OperationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ImportSummary, OperationError> {
        let Self { operations, season, shown, touched, listener } = self;
        let now = operations.now();
        let imported = operations.flights.apply_season_in_tx(tx, None, season, shown, now, listener).await?;
        operations.conclude_import_in_tx(tx, &imported, None).await?;
        *touched = imported.touched;
        Ok(imported.summary)
    }

    async fn concluded(&mut self, outcome: Result<&ImportSummary, &OperationError>) {
        let Ok(ImportSummary { created, updated, unchanged }) = outcome else { return };
        self.operations.flights.imported(&self.touched);
        count_changes(*updated);
        tracing::info!(created, updated, unchanged, "season applied");
    }
}

impl OperationService {
    /// Reads a table of recurring flights, and expands it from today on.
    pub async fn read_season(&self, table: Table) -> Result<Season, OperationError> {
        Ok(self.flights.read_season(table).await?)
    }

    /// Returns what the season does to the schedule as it is. Holds whose time is up do not count, but end.
    pub async fn compare_season(&self, season: &Season) -> Result<Differences, OperationError> {
        let differences = self.flights.compare_season(season).await?;
        if !differences.has_refused() {
            return Ok(differences);
        }
        let refused = self.flights.refused_with_holds(season.timetable()).await?;
        if refused.is_empty() {
            return Ok(differences);
        }
        self.holds.clear(&refused).await?;
        Ok(self.flights.compare_season(season).await?)
    }

    /// Applies the season if its effect is still as shown; else fails with `FlightError::NotAsShown`.
    pub async fn apply_season(
        &self,
        season: Season,
        shown: Differences,
        listener: Box<ImportListener>,
    ) -> Result<ImportSummary, OperationError> {
        let command = ApplySeason { operations: self.clone(), season, shown, touched: Vec::new(), listener };
        Box::pin(work::run_alone(&self.db, command)).await
    }
}
