//! Comparing and applying the file of a run, by the code of the imports and of seasons.
use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use chrono::TimeDelta;
use loadmaster_flights::{Effect, FeedDifferences, FeedRule, FlightError, Season};
use loadmaster_kernel::{AirlineCode, UserId};
use loadmaster_operations::{FeedApplied, OperationError};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, commit, retrying},
    tables::{ImportSummary, Table, TableError},
    work,
};
use loadmaster_pricing::PricingError;
use loadmaster_rates::{ReferenceError, import_reference_in_tx};

use super::{
    carry::Ended,
    dto::run::documents,
    model::{Counts, Feed, FeedApply, FeedKind, Reason, Run, RunStatus, fewer, reasons},
    noted::{Note, Noted},
    repository,
    service::FeedService,
    shown::{marks, was_shown},
};

/// How often a schedule that changes meanwhile is compared again.
const ATTEMPTS: usize = 3;
const SHOWN_TO_PERSON: &str =
    "The feed applies nothing by itself: look at the differences, then apply or reject the run.";
const CHANGED_SINCE: &str = "What the file does has changed since it was shown: look at the differences again.";

impl FeedService {
    pub(super) async fn carry_schedule(&self, feed: &Feed, run: &Run, file: Bytes) -> Result<Ended, DbError> {
        let table = Table::of_file(file).naming(feed.terms.columns.clone());
        let reading = match feed.terms.kind {
            FeedKind::Flights => self.operations.read_dated_flights(table).await,
            _ => self.operations.read_season(table).await,
        };
        let season = match reading {
            Ok(season) => Arc::new(season),
            Err(error) => return refused(run, error),
        };
        let foreign = season.faults_of_airlines(&airlines(feed));
        if !foreign.is_empty() {
            return Ok(Ended::faulty(&foreign));
        }
        if season.is_empty() {
            return Ok(Ended::failed("The file gives no flight from today on; have it sent again."));
        }
        // What had left before is not missed in the next file.
        let rows = i64::try_from(season.rows(run.started_at)).unwrap_or(i64::MAX);
        let fewer = fewer(rows, self.expected_rows(feed).await?, self.bounds);
        for _ in 0..ATTEMPTS {
            if let Some(ended) = self.compare_and_apply(feed, run, &season, (rows, fewer)).await? {
                return Ok(ended);
            }
        }
        Ok(overtaken(run))
    }

    /// Returns the number of rows that a file has if nothing is cut: that of the last one that was applied or changed nothing, of dated
    /// flights without those that have left since. `None` if there was none.
    pub(super) async fn expected_rows(&self, feed: &Feed) -> Result<Option<i64>, DbError> {
        let last = repository::last_rows(&mut *self.db.read().await?, feed.id).await?;
        let Some((rows, since)) = last else { return Ok(None) };
        if feed.terms.kind != FeedKind::Flights {
            return Ok(Some(rows));
        }
        let left = self.operations.left_of_feed(feed.id, since).await?;
        Ok(Some((rows - left).max(0)))
    }

    /// Compares a file with the schedule, and applies it unless a person decides on it. `fewer` is the reason for that if its `rows` are
    /// too few. Returns `None` if the schedule has changed since the comparison.
    async fn compare_and_apply(
        &self,
        feed: &Feed,
        run: &Run,
        season: &Arc<Season>,
        (rows, fewer): (i64, Option<Reason>),
    ) -> Result<Option<Ended>, DbError> {
        let rule = FeedRule {
            feed: feed.id,
            far: TimeDelta::minutes(self.bounds.far_minutes.into()),
            cancels_absent: feed.terms.cancels_absent,
        };
        let differences = match self.operations.compare_feed(season, &rule).await {
            Ok(differences) => differences,
            Err(error) => return refused(run, error).map(Some),
        };
        let found = Ended {
            counts: counts(&differences),
            differences: documents(&differences),
            digest: Some(marks(&differences.effect(&rule))),
            file_rows: Some(rows),
            ..Ended::default()
        };
        let has_changes = differences.has_changes(&rule);
        if run.is_approved && !has_changes {
            return Ok(Some(Ended { status: Some(RunStatus::Applied), ..found }));
        }
        if let Some(because) = self.decided_by_person(run, &differences, found.digest.as_deref(), fewer) {
            return Ok(Some(Ended { status: Some(RunStatus::Review), because: Some(because), ..found }));
        }
        if !has_changes {
            return Ok(Some(Ended { status: Some(RunStatus::Unchanged), ..found }));
        }
        if !run.is_approved && feed.terms.apply == FeedApply::Review {
            let because = Some(SHOWN_TO_PERSON.to_owned());
            return Ok(Some(Ended { status: Some(RunStatus::Review), because, ..found }));
        }
        let (before, file_rows) = (found.counts, Some(rows));
        let command = self.operations.feed_to_apply(season.clone(), differences, rule, Some(actor(feed, run)));
        let note = Note { run: run.clone(), found };
        match Box::pin(work::run_alone(&self.db, Noted { command, note, counts: applied })).await {
            Ok(done) => Ok(Some(Ended { counts: applied(&done, before), file_rows, ..Ended::of(RunStatus::Applied) })),
            Err(OperationError::Flight(FlightError::NotAsShown)) => Ok(None),
            Err(error) => refused(run, error).map(Some),
        }
    }

    /// Returns why a person decides on these differences whatever the feed does by itself, unless one has.
    fn decided_by_person(
        &self,
        run: &Run,
        differences: &FeedDifferences,
        digest: Option<&[u8]>,
        fewer: Option<Reason>,
    ) -> Option<String> {
        if run.is_approved {
            let today = self.clock.now().date_naive();
            let both = run.digest.as_deref().zip(digest);
            let is_as_shown = both.is_some_and(|(shown, now)| was_shown(shown, now, today));
            return (!is_as_shown).then(|| CHANGED_SINCE.to_owned());
        }
        let mut reasons = reasons(differences, self.bounds);
        // One of the two says it.
        let is_gone = reasons.iter().any(|reason| matches!(reason, Reason::Gone { .. }));
        reasons.extend(fewer.filter(|_| !is_gone));
        let texts: Vec<String> = reasons.into_iter().map(Reason::text).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    /// Carries out a run of whose file only the numbers are known before: of tariffs and of reference rates.
    pub(super) async fn carry_counted(&self, feed: &Feed, run: &Run, file: &Bytes) -> Result<Ended, DbError> {
        let found = match self.import(feed, run, file, None).await? {
            Ok(found) => found,
            Err(ended) => return Ok(*ended),
        };
        let found = found_by_counts(found);
        let fewer = fewer(found.file_rows.unwrap_or_default(), self.expected_rows(feed).await?, self.bounds);
        let found = match settled_by_counts(feed, run, found, fewer) {
            Ok(ended) => return Ok(ended),
            Err(found) => *found,
        };
        let file_rows = found.file_rows;
        match self.import(feed, run, file, Some(found)).await? {
            Ok(done) => Ok(Ended { counts: counts_of(done), file_rows, ..Ended::of(RunStatus::Applied) }),
            Err(ended) => Ok(*ended),
        }
    }

    /// Imports the file, of which this was found; else it counts what that would change. `Err`: what becomes of a file that is refused.
    async fn import(
        &self,
        feed: &Feed,
        run: &Run,
        file: &Bytes,
        found: Option<Ended>,
    ) -> Result<Result<ImportSummary, Box<Ended>>, DbError> {
        let table = Table::of_file(file.clone()).naming(feed.terms.columns.clone());
        let note = found.map(|found| Note { run: run.clone(), found });
        let ended = if feed.terms.kind == FeedKind::ReferenceRates {
            match self.import_rates(table, note.as_ref()).await {
                Ok(summary) => return Ok(Ok(summary)),
                Err(error) => refused_rates(error)?,
            }
        } else {
            let command = self.pricing.tariffs_to_import(table, airlines(feed), actor(feed, run), note.is_none());
            let imported = match note {
                None => Box::pin(work::run_alone(&self.db, command)).await,
                Some(note) => Box::pin(work::run_alone(&self.db, Noted { command, note, counts: imported })).await,
            };
            match imported {
                Ok(summary) => return Ok(Ok(summary)),
                Err(error) => refused_tariffs(run, error)?,
            }
        };
        Ok(Err(Box::new(ended)))
    }

    /// Imports reference rates, and notes that in their run; without a run it counts what that would change.
    async fn import_rates(&self, table: Table, note: Option<&Note>) -> Result<ImportSummary, ReferenceError> {
        let rates = &self.rates.read_reference(table).await?;
        retrying(|| async move {
            let mut tx = self.db.begin().await?;
            let summary = import_reference_in_tx(&mut tx, rates, note.is_none()).await?;
            if let Some(note) = note {
                note.write_in_tx(&mut tx, counts_of(summary)).await?;
            }
            commit(tx).await?;
            Ok::<_, ReferenceError>(summary)
        })
        .await
    }
}

/// Returns what is known of a file that would do this.
fn found_by_counts(found: ImportSummary) -> Ended {
    let counts = counts_of(found);
    let file_rows = Some(counts.created + counts.updated + counts.unchanged);
    Ended { counts, file_rows, digest: Some(format!("{found:?}").into_bytes()), ..Ended::default() }
}

/// Returns what becomes of a file of which this was found, if it is not to be applied; else what was found.
fn settled_by_counts(feed: &Feed, run: &Run, found: Ended, fewer: Option<Reason>) -> Result<Ended, Box<Ended>> {
    let is_same = found.counts.created + found.counts.updated == 0;
    let because = match (run.is_approved, fewer) {
        (true, _) if is_same => return Ok(Ended { status: Some(RunStatus::Applied), ..found }),
        (true, _) if run.digest == found.digest => return Err(Box::new(found)),
        (true, _) => CHANGED_SINCE.to_owned(),
        (false, Some(fewer)) => fewer.text(),
        (false, None) if is_same => return Ok(Ended { status: Some(RunStatus::Unchanged), ..found }),
        (false, None) if feed.terms.apply == FeedApply::Auto => return Err(Box::new(found)),
        (false, None) => SHOWN_TO_PERSON.to_owned(),
    };
    Ok(Ended { status: Some(RunStatus::Review), because: Some(because), ..found })
}

/// Returns what becomes of a run during whose attempts others changed what its file changes. One that a person has approved waits as
/// before.
fn overtaken(run: &Run) -> Ended {
    let because = "Others changed the same flights or tariffs during every attempt; nothing was changed.";
    if !run.is_approved {
        let because = format!("{because} The file is read again; one that was given by hand must be given again.");
        return Ended { is_passing: true, ..Ended::failed(because) };
    }
    Ended {
        because: Some(format!("{because} Apply or reject the run.")),
        digest: run.digest.clone(),
        counts: run.counts,
        file_rows: run.file_rows,
        is_passing: true,
        ..Ended::of(RunStatus::Review)
    }
}

fn airlines(feed: &Feed) -> BTreeSet<AirlineCode> {
    feed.terms.airline_codes.iter().copied().collect()
}

/// Returns the person on whose behalf a run applies what it finds.
fn actor(feed: &Feed, run: &Run) -> UserId {
    run.actor.unwrap_or(feed.changed_by)
}

fn counts(differences: &FeedDifferences) -> Counts {
    let of_size = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
    let number = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
    let season = &differences.season;
    Counts {
        created: of_size(season.count(|effect| matches!(effect, Effect::New { .. }))),
        updated: of_size(season.count(|effect| matches!(effect, Effect::Changed { .. }))),
        unchanged: number(season.unchanged + season.departed),
        kept: number(differences.kept),
        absent: of_size(differences.absent.len()),
        refused: of_size(differences.refused()),
        cancelled: 0,
        faults: 0,
        other_offsets: number(season.other_offsets),
    }
}

/// Returns the numbers of a run that has applied a file of which these were found.
fn applied(done: &FeedApplied, found: Counts) -> Counts {
    let number = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
    let ImportSummary { created, updated, .. } = done.summary;
    Counts { created: number(created), updated: number(updated), cancelled: number(done.cancelled), ..found }
}

/// Returns the numbers of a run that has imported a file.
fn imported(done: &ImportSummary, _: Counts) -> Counts {
    counts_of(*done)
}

fn counts_of(ImportSummary { created, updated, unchanged }: ImportSummary) -> Counts {
    let number = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
    Counts { created: number(created), updated: number(updated), unchanged: number(unchanged), ..Counts::default() }
}

/// Returns what became of a file whose table is refused.
fn refused_table(error: &TableError) -> Ended {
    match error {
        TableError::Faults(faults) => Ended::faulty(faults),
        error => Ended::failed(format!("The file cannot be read: {error}; have it mended by its sender.")),
    }
}

/// Returns what became of a run whose file flights refuse.
fn refused(run: &Run, error: OperationError) -> Result<Ended, DbError> {
    match error.into_database() {
        Ok(cause) => Err(cause),
        Err(OperationError::Flight(FlightError::Table(error))) => Ok(refused_table(&error)),
        Err(error) if error.is_race() => Ok(overtaken(run)),
        Err(error) => Ok(Ended::failed(format!("The file cannot be applied: {error}."))),
    }
}

fn refused_tariffs(run: &Run, error: PricingError) -> Result<Ended, DbError> {
    match error {
        PricingError::Table(error) => Ok(refused_table(&error)),
        PricingError::Repeated(Repetition::Database(cause)) | PricingError::Database(cause) => Err(cause),
        PricingError::Raced => Ok(overtaken(run)),
        error => Ok(Ended::failed(format!("The file cannot be applied: {error}."))),
    }
}

fn refused_rates(error: ReferenceError) -> Result<Ended, DbError> {
    match error {
        ReferenceError::Table(error) => Ok(refused_table(&error)),
        ReferenceError::Database(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::model::RunTrigger;

    #[test]
    fn an_approved_run_waits_again_after_a_temporary_error() {
        let nil = uuid::Uuid::nil();
        let run = Run::begun(nil.into(), nil.into(), RunTrigger::File, None, DateTime::UNIX_EPOCH);
        let run = Run { is_approved: true, digest: Some(vec![1]), ..run };
        for ended in [
            refused(&run, FlightError::Raced.into()),
            refused(&run, OperationError::OutOfReach),
            refused_tariffs(&run, PricingError::Raced),
        ] {
            let ended = ended.unwrap();
            assert_eq!((ended.status, ended.is_passing), (Some(RunStatus::Review), true), "{ended:?}");
            assert_eq!(ended.digest, run.digest, "it waits for the same");
        }
        let database = || Repetition::Database(DbError::Conflict);
        assert!(refused(&run, database().into()).is_err(), "the run is begun again");
        assert!(refused_tariffs(&run, database().into()).is_err());
    }
}
