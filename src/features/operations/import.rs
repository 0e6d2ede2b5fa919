use bytes::Bytes;

use super::{OperationError, OperationService};
use crate::{
    features::flights::{ImportSummary, Imported, Timetable},
    kernel::UserId,
    platform::{idempotency::Once, postgres::retrying},
};

impl OperationService {
    /// Reads a table of flights and makes the schedule so, all or nothing; bookings on flights that were retimed are told.
    /// With `dry_run` nothing is written.
    pub async fn import(
        &self,
        actor: Option<UserId>,
        table: Bytes,
        dry_run: bool,
        once: &Once<ImportSummary>,
    ) -> Result<ImportSummary, OperationError> {
        let timetable = self.flights.read_timetable(table).await?;
        let summary = retrying(|| self.try_import(actor, &timetable, dry_run, once)).await?;
        let ImportSummary { created, updated, unchanged } = summary;
        tracing::info!(created, updated, unchanged, dry_run, "flights imported");
        Ok(summary)
    }

    async fn try_import(
        &self,
        actor: Option<UserId>,
        timetable: &Timetable,
        dry_run: bool,
        once: &Once<ImportSummary>,
    ) -> Result<ImportSummary, OperationError> {
        let mut tx = self.db.begin().await?;
        let imported = async {
            once.enter_in_tx(&mut tx).await?;
            let done = self.flights.import_in_tx(&mut tx, actor, timetable, dry_run, self.now()).await?;
            let Imported { summary, retimed } = done;
            self.bookings.retime_in_tx(&mut tx, &retimed, actor).await?;
            Ok::<_, OperationError>(summary)
        };
        let imported = imported.await;
        once.conclude(tx, imported).await
    }
}
