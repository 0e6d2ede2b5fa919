//! Comparing and applying the file of a run, by the code of the imports and of seasons.
use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use chrono::TimeDelta;
use loadmaster_flights::{Effect, FeedDifferences, FeedRule, FlightError, Season};
use loadmaster_kernel::{AirlineCode, UserId};
use loadmaster_operations::{FeedApplied, OperationError};
use loadmaster_platform::{
    postgres::DbError,
    tables::{ImportSummary, Table, TableError},
};
use loadmaster_pricing::PricingError;
use loadmaster_rates::ReferenceError;

use super::{
    carry::{Ended, digest_of},
    dto::run::documents,
    model::{Counts, Feed, FeedApply, FeedKind, Reason, Run, RunStatus, reasons},
    service::FeedService,
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
            Err(error) => return refused(error),
        };
        let foreign = season.faults_of_airlines(&airlines(feed));
        if !foreign.is_empty() {
            return Ok(Ended::faulty(&foreign));
        }
        if season.is_empty() {
            return Ok(Ended::failed("The file gives no flight from today on; have it sent again."));
        }
        for _ in 0..ATTEMPTS {
            if let Some(ended) = self.compare_and_apply(feed, run, &season).await? {
                return Ok(ended);
            }
        }
        Ok(Ended::failed("Others changed the schedule during every attempt; nothing was changed."))
    }

    /// Returns what became of the file; `None` if the schedule has changed meanwhile.
    async fn compare_and_apply(&self, feed: &Feed, run: &Run, season: &Arc<Season>) -> Result<Option<Ended>, DbError> {
        let rule = FeedRule {
            feed: feed.id,
            far: TimeDelta::minutes(self.bounds.far_minutes.into()),
            cancels_absent: feed.terms.cancels_absent,
        };
        let differences = match self.operations.compare_feed(season, &rule).await {
            Ok(differences) => differences,
            Err(error) => return refused(error).map(Some),
        };
        let found = Ended {
            counts: counts(&differences),
            differences: documents(&differences),
            digest: Some(digest_of(&differences)),
            ..Ended::default()
        };
        let has_changes = differences.has_changes(&rule);
        if run.is_approved && !has_changes {
            return Ok(Some(Ended { status: Some(RunStatus::Applied), ..found }));
        }
        if let Some(because) = self.decided_by_person(run, &differences, found.digest.as_deref()) {
            return Ok(Some(Ended { status: Some(RunStatus::Review), because: Some(because), ..found }));
        }
        if !has_changes {
            return Ok(Some(Ended { status: Some(RunStatus::Unchanged), ..found }));
        }
        if !run.is_approved && feed.terms.apply == FeedApply::Review {
            let because = Some(SHOWN_TO_PERSON.to_owned());
            return Ok(Some(Ended { status: Some(RunStatus::Review), because, ..found }));
        }
        match self.operations.apply_feed(season.clone(), differences, rule, Some(actor(feed, run))).await {
            Ok(FeedApplied { summary: ImportSummary { created, updated, .. }, cancelled }) => {
                let number = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
                let (created, updated) = (number(created), number(updated));
                let counts = Counts { created, updated, cancelled: number(cancelled), ..found.counts };
                Ok(Some(Ended { status: Some(RunStatus::Applied), counts, ..found }))
            }
            Err(OperationError::Flight(FlightError::NotAsShown)) => Ok(None),
            Err(error) => refused(error).map(Some),
        }
    }

    /// Returns why a person decides on these differences whatever the feed does by itself, unless one has.
    fn decided_by_person(&self, run: &Run, differences: &FeedDifferences, digest: Option<&[u8]>) -> Option<String> {
        if run.is_approved {
            return (run.digest.as_deref() != digest).then(|| CHANGED_SINCE.to_owned());
        }
        let reasons: Vec<String> = reasons(differences, self.bounds).into_iter().map(Reason::text).collect();
        (!reasons.is_empty()).then(|| reasons.join(" "))
    }

    /// Carries out a run of whose file only the numbers are known before: of tariffs and of reference rates.
    pub(super) async fn carry_counted(&self, feed: &Feed, run: &Run, file: &Bytes) -> Result<Ended, DbError> {
        let found = match self.import(feed, run, file, true).await? {
            Ok(found) => found,
            Err(ended) => return Ok(*ended),
        };
        if let Some(ended) = settled_by_counts(feed, run, found) {
            return Ok(ended);
        }
        match self.import(feed, run, file, false).await? {
            Ok(done) => Ok(Ended { counts: counts_of(done), ..Ended::of(RunStatus::Applied) }),
            Err(ended) => Ok(*ended),
        }
    }

    /// Imports the file, or counts what that would change. `Err`: what becomes of a file that is refused.
    async fn import(
        &self,
        feed: &Feed,
        run: &Run,
        file: &Bytes,
        is_dry_run: bool,
    ) -> Result<Result<ImportSummary, Box<Ended>>, DbError> {
        let table = Table::of_file(file.clone()).naming(feed.terms.columns.clone());
        let ended = if feed.terms.kind == FeedKind::ReferenceRates {
            match self.rates.import_reference(table, is_dry_run).await {
                Ok(summary) => return Ok(Ok(summary)),
                Err(error) => refused_rates(error)?,
            }
        } else {
            match self.pricing.import_tariffs(table, airlines(feed), actor(feed, run), is_dry_run).await {
                Ok(summary) => return Ok(Ok(summary)),
                Err(error) => refused_tariffs(error)?,
            }
        };
        Ok(Err(Box::new(ended)))
    }
}

/// Returns what becomes of a file that would do this, if it is not to be applied.
fn settled_by_counts(feed: &Feed, run: &Run, found: ImportSummary) -> Option<Ended> {
    let counts = counts_of(found);
    let digest = Some(format!("{found:?}").into_bytes());
    if counts.created + counts.updated == 0 {
        let status = if run.is_approved { RunStatus::Applied } else { RunStatus::Unchanged };
        return Some(Ended { counts, digest, ..Ended::of(status) });
    }
    let because = match (run.is_approved, feed.terms.apply) {
        (true, _) if run.digest == digest => return None,
        (true, _) => CHANGED_SINCE,
        (false, FeedApply::Auto) => return None,
        (false, FeedApply::Review) => SHOWN_TO_PERSON,
    };
    Some(Ended { counts, digest, because: Some(because.to_owned()), ..Ended::of(RunStatus::Review) })
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
    }
}

fn counts_of(ImportSummary { created, updated, unchanged }: ImportSummary) -> Counts {
    let number = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
    Counts { created: number(created), updated: number(updated), unchanged: number(unchanged), ..Counts::default() }
}

/// Returns what became of a file whose table is refused.
fn refused_table(error: &TableError) -> Ended {
    match error {
        TableError::Faults(faults) => Ended::faulty(faults),
        error => Ended::failed(format!("The file cannot be read: {error}.")),
    }
}

/// Returns what became of a file that flights refuse.
fn refused(error: OperationError) -> Result<Ended, DbError> {
    match error {
        OperationError::Flight(FlightError::Table(error)) => Ok(refused_table(&error)),
        OperationError::Flight(FlightError::Database(cause)) | OperationError::Database(cause) => Err(cause),
        error => Ok(Ended::failed(format!("The file cannot be applied: {error}."))),
    }
}

fn refused_tariffs(error: PricingError) -> Result<Ended, DbError> {
    match error {
        PricingError::Table(error) => Ok(refused_table(&error)),
        PricingError::Database(cause) => Err(cause),
        error => Ok(Ended::failed(format!("The file cannot be applied: {error}."))),
    }
}

fn refused_rates(error: ReferenceError) -> Result<Ended, DbError> {
    match error {
        ReferenceError::Table(error) => Ok(refused_table(&error)),
        ReferenceError::Database(cause) => Err(cause),
    }
}
