use loadmaster_accounts::Subject;
use loadmaster_flights::{Departure, FlightError, ImportListener, Imported, Lane, Timetable};
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    idempotency::Key,
    postgres::PgSession,
    tables::{ImportSummary, Table},
    work::{self, Command},
};
use serde_json::json;

use super::{OperationError, OperationService, service::count_changes};

/// Imports a table of flights into the schedule, all or nothing, and passes new times on to the bookings. With
/// `dry_run` nothing is written.
pub(super) struct Import {
    pub operations: OperationService,
    pub actor: Option<UserId>,
    pub table: Option<Table>,
    pub dry_run: bool,
    pub timetable: Option<Timetable>,
    pub touched: Vec<(Lane, Departure)>,
    /// Flights have refused their rows, perhaps because of holds whose time is up.
    is_refused: bool,
    has_cleared: bool,
    /// Receives its progress.
    listener: Box<ImportListener>,
}

impl Import {
    pub fn new(operations: OperationService, actor: Option<UserId>, table: Table, dry_run: bool) -> Self {
        Self {
            operations,
            actor,
            table: Some(table),
            dry_run,
            timetable: None,
            touched: Vec::new(),
            is_refused: false,
            has_cleared: false,
            listener: Box::new(|_| {}),
        }
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
        let Self { operations, actor, dry_run, timetable, touched, listener, .. } = self;
        let Some(timetable) = timetable else { return Ok(ImportSummary::default()) };
        let done = operations.flights.import_in_tx(tx, *actor, timetable, *dry_run, operations.now(), listener).await;
        self.is_refused = matches!(&done, Err(FlightError::Table(_)));
        let imported = done?;
        if !*dry_run {
            operations.conclude_import_in_tx(tx, &imported, *actor).await?;
        }
        *touched = imported.touched;
        Ok(imported.summary)
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
    /// Passes new times of imported flights on to their bookings, fits the holds on changed ones, and records the import in
    /// the audit trail.
    pub(super) async fn conclude_import_in_tx(
        &self,
        tx: &mut PgSession,
        imported: &Imported,
        actor: Option<UserId>,
    ) -> Result<(), OperationError> {
        let lifted = self.retime_in_tx(tx, &imported.retimed, actor).await?;
        self.fit_holds_in_tx(tx, &imported.to_fit, actor).await?;
        let ImportSummary { created, updated, .. } = imported.summary;
        if created + updated > 0 {
            let (subject, data) =
                (Subject::new("schedule", "flights"), json!({"created": created, "updated": updated}));
            self.acts.record_in_tx(tx, actor.into(), "flights.imported", subject, data).await?;
        }
        Ok(self.bookings.return_surplus_in_tx(tx, &lifted, actor).await?)
    }

    /// Imports a table from the command line.
    pub async fn import(
        &self,
        table: Table,
        dry_run: bool,
        listener: Box<ImportListener>,
    ) -> Result<ImportSummary, OperationError> {
        let import = Import { listener, ..Import::new(self.clone(), None, table, dry_run) };
        Box::pin(work::run_alone(&self.db, import)).await
    }
}
