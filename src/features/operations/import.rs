use bytes::Bytes;
use serde_json::json;

use super::{OperationError, OperationService, service::count_changes};
use crate::{
    features::{
        accounts::Subject,
        flights::{ImportSummary, Imported, Timetable},
    },
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
        let mut all_touched = Vec::new();
        let imported = async {
            once.enter_in_tx(&mut tx).await?;
            let done = self.flights.import_in_tx(&mut tx, actor, timetable, dry_run, self.now()).await?;
            let Imported { summary, retimed, touched } = done;
            all_touched = touched;
            self.retime_in_tx(&mut tx, &retimed, actor).await?;
            let ImportSummary { created, updated, .. } = summary;
            if !dry_run && created + updated > 0 {
                let data = json!({"created": created, "updated": updated});
                self.acts.record_in_tx(&mut tx, actor.into(), "flights.imported", Subject::schedule(), data).await?;
            }
            Ok::<_, OperationError>(summary)
        };
        let imported = imported.await;
        let summary = once.conclude(tx, imported).await?;
        self.flights.imported(&all_touched);
        if !dry_run {
            count_changes(summary.updated);
        }
        Ok(summary)
    }
}
