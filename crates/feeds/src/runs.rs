//! What persons do with runs: they start, apply and reject them. The worker carries out what they start and apply.
use bytes::Bytes;
use loadmaster_accounts::Principal;
use loadmaster_kernel::{FeedId, FeedRunId};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    error::FeedError,
    model::{Feed, Run, RunStatus, RunTrigger},
    repository,
    service::FeedService,
    write::lock_in_tx,
};

/// Starts a run of a feed, by its source or by a file.
pub(super) struct Start {
    pub feeds: FeedService,
    pub caller: Principal,
    pub feed: FeedId,
    pub file: Option<Bytes>,
}

impl Command for Start {
    const NAME: &'static str = "feeds.start";
    type Done = Run;
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Run, FeedError> {
        let Self { feeds, caller, feed, file } = self;
        let mut feed = lock_in_tx(tx, *feed, &Precondition::default()).await?;
        if file.is_none() && feed.terms.url.is_none() && feed.terms.folder.is_none() {
            return Err(FeedError::NoSource);
        }
        let trigger = if file.is_some() { RunTrigger::File } else { RunTrigger::Person };
        let now = feeds.clock.now();
        let run = Run::begun(feeds.ids.next(now), feed.id, trigger, Some(caller.user_id), now);
        let run = Run { bytes: file.as_ref().and_then(|file| i64::try_from(file.len()).ok()), ..run };
        begin_in_tx(tx, feeds, &mut feed).await?;
        repository::insert_run(tx, &run).await?;
        if let Some(file) = file {
            repository::write_file(tx, run.id, file).await?;
        }
        feeds.record_in_tx(tx, *caller, &feed, "feed.run_started", Some(run.id)).await?;
        Ok(run)
    }

    async fn concluded(&mut self, outcome: Result<&Run, &FeedError>) {
        if outcome.is_ok() {
            self.feeds.wake();
        }
    }
}

/// Applies or rejects a run that waits for a person.
pub(super) struct Decide {
    pub feeds: FeedService,
    pub caller: Principal,
    pub feed: FeedId,
    pub run: FeedRunId,
    pub applies: bool,
}

impl Command for Decide {
    const NAME: &'static str = "feeds.decide";
    type Done = Run;
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Run, FeedError> {
        let Self { feeds, caller, feed, run, applies } = self;
        let mut feed = lock_in_tx(tx, *feed, &Precondition::default()).await?;
        let mut run = repository::lock_run(tx, feed.id, *run).await?.ok_or(FeedError::Unknown("run"))?;
        let action = if *applies { "apply" } else { "reject" };
        if run.status != RunStatus::Review {
            return Err(FeedError::NotInReview { from: run.status, action });
        }
        run.actor = Some(caller.user_id);
        let act = if *applies {
            begin_in_tx(tx, feeds, &mut feed).await?;
            (run.status, run.is_approved, run.attempts, run.ended_at) = (RunStatus::Running, true, 0, None);
            "feed.run_applied"
        } else {
            (run.status, run.ended_at, run.digest) = (RunStatus::Rejected, Some(feeds.clock.now()), None);
            repository::delete_file(tx, run.id).await?;
            "feed.run_rejected"
        };
        repository::save_run(tx, &run).await?;
        feeds.record_in_tx(tx, *caller, &feed, act, Some(run.id)).await?;
        Ok(run)
    }

    async fn concluded(&mut self, outcome: Result<&Run, &FeedError>) {
        if outcome.is_ok() {
            self.feeds.wake();
        }
    }
}

/// Makes a feed due that has no run under way. The caller has locked it.
async fn begin_in_tx(tx: &mut PgSession, feeds: &FeedService, feed: &mut Feed) -> Result<(), FeedError> {
    if repository::running(tx, feed.id).await?.is_some() {
        return Err(FeedError::Running);
    }
    feed.due_at = Some(feeds.clock.now());
    Ok(repository::save(tx, feed).await?)
}
