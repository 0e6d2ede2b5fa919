use serde_json::json;

use super::{OperationError, OperationService, service::count_changes};
use crate::{
    features::{
        accounts::Subject,
        flights::{FlightError, Imported, Lane, Timetable},
    },
    kernel::{FlightId, UserId},
    platform::{
        idempotency::Key,
        postgres::PgSession,
        tables::{ImportSummary, Table},
        work::{self, Command},
    },
};

/// Imports a table of flights into the schedule, all or nothing, and passes new times on to the bookings. With
/// `dry_run` nothing is written.
pub(super) struct Import {
    pub operations: OperationService,
    pub actor: Option<UserId>,
    pub table: Option<Table>,
    pub dry_run: bool,
    pub timetable: Option<Timetable>,
    pub touched: Vec<(FlightId, Lane)>,
    /// Flights have refused their rows, perhaps because of holds whose time is up.
    is_refused: bool,
    has_cleared: bool,
}

impl Import {
    pub fn new(operations: OperationService, actor: Option<UserId>, table: Table, dry_run: bool) -> Self {
        let (table, timetable, touched) = (Some(table), None, Vec::new());
        Self { operations, actor, table, dry_run, timetable, touched, is_refused: false, has_cleared: false }
    }
}

impl Command for Import {
    const NAME: &'static str = "operations.import";
    type Done = ImportSummary;
    type Error = OperationError;

    async fn prepare(&mut self, _: &Key) -> Result<(), OperationError> {
        if let Some(table) = self.table.take() {
            self.timetable = Some(self.operations.flights.read_timetable(table).await?);
        }
        if let (true, Some(timetable)) = (self.is_refused && !self.has_cleared, &self.timetable) {
            let refused = self.operations.flights.refused_with_holds(timetable).await?;
            self.operations.holds.clear(&refused).await?;
            self.has_cleared = true;
        }
        Ok(())
    }

    fn is_out_of_date(&self, error: &OperationError) -> bool {
        self.is_refused && !self.has_cleared && matches!(error, OperationError::Flight(FlightError::Table(_)))
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ImportSummary, OperationError> {
        let Self { operations, actor, dry_run, timetable, touched, .. } = self;
        let Some(timetable) = timetable else { return Ok(ImportSummary::default()) };
        let done = operations.flights.import_in_tx(tx, *actor, timetable, *dry_run, operations.now()).await;
        self.is_refused = matches!(&done, Err(FlightError::Table(_)));
        let Imported { summary, retimed, to_fit, touched: all_touched } = done?;
        *touched = all_touched;
        operations.retime_in_tx(tx, &retimed, *actor).await?;
        operations.fit_holds_in_tx(tx, &to_fit, *actor).await?;
        let ImportSummary { created, updated, .. } = summary;
        if !*dry_run && created + updated > 0 {
            let data = json!({"created": created, "updated": updated});
            operations
                .acts
                .record_in_tx(tx, (*actor).into(), "flights.imported", Subject::new("schedule", "flights"), data)
                .await?;
        }
        Ok(summary)
    }

    async fn concluded(&mut self, outcome: Result<&ImportSummary, &OperationError>) {
        let Ok(ImportSummary { created, updated, unchanged }) = outcome else { return };
        self.operations.flights.imported(&self.touched);
        if !self.dry_run {
            count_changes(*updated);
        }
        tracing::info!(created, updated, unchanged, dry_run = self.dry_run, "flights imported");
    }
}

impl OperationService {
    /// Imports a table from the command line.
    pub async fn import(&self, table: Table, dry_run: bool) -> Result<ImportSummary, OperationError> {
        Box::pin(work::run_alone(&self.db, Import::new(self.clone(), None, table, dry_run))).await
    }
}
