//! Serves feeds that are due. Any number of processes do: each takes one feed for a while by the database's clock, so that no two
//! run the same one, and what was broken off is begun again.
use std::{panic::AssertUnwindSafe, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use loadmaster_kernel::FeedId;
use loadmaster_platform::{
    in_own_tx,
    leases::held,
    outbox,
    postgres::{DbError, commit, retrying},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    carry::Ended,
    error::FeedError,
    folder::Entry,
    metric,
    model::{Feed, FeedEventType, MOST_ATTEMPTS, Run, RunStatus, RunTrigger, message},
    repository,
    service::FeedService,
    source::{Failure, Found, Source},
};

/// Interval between two looks for feeds that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Time until a feed whose run could neither end well nor fail is served again.
const PUT_OFF: TimeDelta = TimeDelta::minutes(1);

impl FeedService {
    /// Serves feeds until `stop`. What is under way then is begun again by another process, or by the next.
    pub(super) async fn work(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let working = stop.run_until_cancelled(Box::pin(self.serve_one()));
            match working.await {
                None => return,
                Some(Ok(true)) => {}
                Some(Ok(false)) => self.rest(&stop).await,
                Some(Err(error)) => {
                    tracing::warn!(%error, "feeds cannot be served; trying again");
                    self.rest(&stop).await;
                }
            }
        }
    }

    /// Waits for the time of a look, for news or for shutdown.
    async fn rest(&self, stop: &CancellationToken) {
        _ = stop.run_until_cancelled(timeout(LOOK, self.news.notified())).await;
    }

    /// Takes a feed that is due, and serves it. Returns whether there was one.
    async fn serve_one(&self) -> Result<bool, FeedError> {
        if !self.clock.is_trusted() {
            return Ok(false);
        }
        let holder: Uuid = self.ids.next(self.clock.now());
        let since = Instant::now();
        let lease = || async { in_own_tx!(self.db, |tx| repository::lease(&mut tx, holder, self.clock.now())) };
        let Some(feed) = retrying(lease).await? else { return Ok(false) };
        let beat = || async { in_own_tx!(self.db, |tx| repository::beat(&mut tx, feed, holder)) };
        let serving = AssertUnwindSafe(Box::pin(self.serve(feed, holder))).catch_unwind();
        let because = match held(self.timing.leases, since, beat, serving).await {
            Some(Ok(Ok(()))) => None,
            Some(Ok(Err(error))) => Some(error.to_string()),
            Some(Err(_)) => Some("the run panicked".to_owned()),
            None => Some("its lease was lost".to_owned()),
        };
        if let Some(because) = because {
            tracing::warn!(because, feed_id = %feed, "a run of a feed broke off; it is begun again");
            retrying(|| self.put_off(feed, holder)).await?;
        }
        Ok(true)
    }

    /// Lets a feed wait whose run broke off: it must keep no other one waiting.
    async fn put_off(&self, id: FeedId, holder: Uuid) -> Result<(), FeedError> {
        let mut tx = self.db.begin().await?;
        if let Some(mut feed) = repository::lock(&mut tx, id).await?
            && repository::beat(&mut tx, id, holder).await?
        {
            feed.due_at = Some(self.clock.now() + PUT_OFF);
            repository::save(&mut tx, &feed).await?;
            repository::finish(&mut tx, id, holder).await?;
        }
        Ok(commit(tx).await?)
    }

    async fn serve(&self, id: FeedId, holder: Uuid) -> Result<(), FeedError> {
        let Some(feed) = repository::find(&mut *self.db.read().await?, id).await? else { return Ok(()) };
        let running = repository::running(&mut *self.db.read().await?, id).await?;
        let by_schedule = running.is_none();
        // A folder is looked at without a run while it has no file.
        let looked = match &feed.terms.folder {
            Some(_) if by_schedule => Some(self.read_source(&feed, false).await?),
            _ => None,
        };
        if let Some(Ok(Source::Empty)) = looked {
            return retrying(|| self.let_wait(&feed, holder)).await;
        }
        let run = match running {
            Some(run) => run,
            None => match retrying(|| self.begin_run(id, holder)).await? {
                Some(run) => run,
                None => return Ok(()),
            },
        };
        let attempt = || async { in_own_tx!(self.db, |tx| repository::note_attempt(&mut tx, run.id)) };
        retrying(attempt).await?;
        let ended = self.carry_out(&feed, &run, looked).await?;
        if let Some(file) = &ended.file {
            self.keep_file(&run, file).await?;
        }
        let has_ended = retrying(|| self.conclude(&feed, &run, holder, &ended)).await?;
        if let Some(entry) = ended.entry.as_ref().filter(|_| has_ended) {
            self.put_away(&feed, entry, run.id, ended.status == Some(RunStatus::Failed)).await?;
            let finish = || async { in_own_tx!(self.db, |tx| repository::finish(&mut tx, id, holder)) };
            retrying(finish).await?;
        }
        Ok(())
    }

    /// Carries a run out, with what its folder was found to have.
    async fn carry_out(
        &self,
        feed: &Feed,
        run: &Run,
        looked: Option<Result<Source, Failure>>,
    ) -> Result<Ended, FeedError> {
        if run.is_applied {
            // A process died between the commit of its changes and its end. A file of a folder is found there again.
            return Ok(Ended { etag: run.etag.clone(), ..Ended::of(RunStatus::Applied) });
        }
        if run.attempts >= MOST_ATTEMPTS {
            let noted = repository::noted_file(&mut *self.db.read().await?, run.id).await?;
            let entry = noted.filter(|_| !run.is_approved);
            let because = "The run broke off three times, and was given up; see the log of the processes.";
            return Ok(Ended { entry, ..Ended::failed(because) });
        }
        let source = match looked {
            Some(source) => source,
            None => self.source_of(feed, run).await?,
        };
        if let Ok(Source::File(Found { entry: Some(entry), .. })) = &source {
            let note = || async { in_own_tx!(self.db, |tx| repository::note_file(&mut tx, run.id, entry)) };
            retrying(note).await?;
        }
        Ok(self.end_of(feed, run, source).await?)
    }

    /// Returns the file of a run: the one that is kept for it, or that of the source.
    async fn source_of(&self, feed: &Feed, run: &Run) -> Result<Result<Source, Failure>, DbError> {
        if run.has_own_file() {
            let kept = repository::read_file(&mut *self.db.read().await?, run.id).await?;
            let found = |bytes| Source::File(Found { bytes, etag: run.etag.clone(), entry: None });
            let lost = || Failure::new("The file of the run is no longer kept; start another run.");
            return Ok(kept.map(found).ok_or_else(lost));
        }
        self.read_source(feed, run.trigger == RunTrigger::Person).await
    }

    async fn end_of(&self, feed: &Feed, run: &Run, source: Result<Source, Failure>) -> Result<Ended, DbError> {
        match source {
            Ok(Source::File(found)) => self.carry(feed, run, found).await,
            Ok(Source::NotModified) => {
                // Later files are still measured by the last one that was read.
                let file_rows = self.expected_rows(feed).await?;
                let etag = feed.etag.clone();
                Ok(Ended { etag, file_rows, is_nothing_new: true, ..Ended::of(RunStatus::Unchanged) })
            }
            Ok(Source::Empty) => {
                let because = Some("The folder has no file that has not been changed for 10 seconds.".to_owned());
                Ok(Ended { because, is_nothing_new: true, ..Ended::of(RunStatus::Unchanged) })
            }
            Err(Failure { because, wish, entry }) => Ok(Ended { wish, entry, ..Ended::failed(because) }),
        }
    }

    /// Keeps the file of a run that is to wait for a person. Each part is a transaction of its own, which leaves the feed unlocked: its
    /// lease is prolonged meanwhile, however long that takes.
    async fn keep_file(&self, run: &Run, file: &[u8]) -> Result<(), DbError> {
        if run.has_own_file() {
            return Ok(());
        }
        // An attempt that broke off may have left parts of another file.
        retrying(|| async { in_own_tx!(self.db, |tx| repository::delete_file(&mut tx, run.id)) }).await?;
        for part in repository::parts(file) {
            retrying(|| async { in_own_tx!(self.db, |tx| repository::write_part(&mut tx, run.id, part)) }).await?;
        }
        Ok(())
    }

    /// Begins a run by schedule; `None` if the feed is no longer to run, or a person has begun one.
    async fn begin_run(&self, id: FeedId, holder: Uuid) -> Result<Option<Run>, FeedError> {
        let mut tx = self.db.begin().await?;
        let Some(mut feed) = repository::lock(&mut tx, id).await? else {
            commit(tx).await?;
            return Ok(None);
        };
        let is_held = repository::beat(&mut tx, id, holder).await?;
        let is_free = repository::running(&mut tx, id).await?.is_none();
        let now = self.clock.now();
        let is_due = feed.next_run(now, true).is_some();
        let run =
            (is_due && is_held && is_free).then(|| Run::begun(self.ids.next(now), id, RunTrigger::Schedule, None, now));
        if let Some(run) = &run {
            repository::insert_run(&mut tx, run).await?;
        } else {
            if is_free {
                feed.due_at = feed.next_run(now, false);
                repository::save(&mut tx, &feed).await?;
            }
            repository::finish(&mut tx, id, holder).await?;
        }
        commit(tx).await?;
        Ok(run)
    }

    /// Ends the lease of a feed whose folder is empty, until the next look; `served` is the feed as it was then.
    async fn let_wait(&self, served: &Feed, holder: Uuid) -> Result<(), FeedError> {
        let id = served.id;
        let mut tx = self.db.begin().await?;
        if let Some(mut feed) = repository::lock(&mut tx, id).await?
            && repository::running(&mut tx, id).await?.is_none()
        {
            // It was changed or reset meanwhile: it is to run soon.
            let is_changed = feed.version != served.version;
            feed.due_at = feed.next_run(self.clock.now(), is_changed);
            repository::save(&mut tx, &feed).await?;
        }
        repository::finish(&mut tx, id, holder).await?;
        Ok(commit(tx).await?)
    }

    /// Writes what became of a run, and its message; `served` is the feed as it was then. Returns false if the run was taken over, or
    /// is gone.
    async fn conclude(&self, served: &Feed, run: &Run, holder: Uuid, ended: &Ended) -> Result<bool, FeedError> {
        let (id, now) = (served.id, self.clock.now());
        let mut tx = self.db.begin().await?;
        let feed = repository::lock(&mut tx, id).await?;
        let is_held = repository::beat(&mut tx, id, holder).await?;
        let locked = repository::lock_run(&mut tx, id, run.id).await?;
        let (Some(mut feed), Some(before), true) =
            (feed, locked.filter(|run| run.status == RunStatus::Running), is_held)
        else {
            commit(tx).await?;
            return Ok(false);
        };
        let run = concluded(&before, ended, now);
        let is_failing = take_in(&mut feed, (served, &before), &run, ended);
        if run.status != RunStatus::Failed && (before.is_applied || !ended.is_nothing_new) {
            repository::supersede(&mut tx, id, run.id, now).await?;
        }
        repository::save_run(&mut tx, &run).await?;
        // A run that goes back to its person shows what it showed.
        if !(before.is_applied || ended.is_passing && run.status == RunStatus::Review) {
            repository::replace_findings(&mut tx, run.id, &ended.faults, &ended.differences).await?;
        }
        if run.status != RunStatus::Review {
            repository::delete_file(&mut tx, run.id).await?;
        }
        let event = match run.status {
            RunStatus::Review => Some(FeedEventType::Review),
            _ => is_failing.then_some(FeedEventType::Failing),
        };
        feed.event_sequence += i32::from(event.is_some());
        repository::save(&mut tx, &feed).await?;
        // No other process looks at the folder before the file is moved away.
        if ended.entry.is_none() {
            repository::finish(&mut tx, id, holder).await?;
        }
        if let Some(event) = event {
            outbox::append_in_tx(&mut tx, &[message(&feed, run.id, event, &id.to_string(), now)]).await?;
        }
        commit(tx).await?;
        report(&feed, &run);
        Ok(true)
    }
}

/// Returns a run after its end.
fn concluded(before: &Run, ended: &Ended, now: DateTime<Utc>) -> Run {
    // An earlier attempt, perhaps of another process, applied the file and recorded the result.
    let applied = before.is_applied.then_some(RunStatus::Applied);
    let status = applied.or(ended.status).unwrap_or(RunStatus::Failed);
    let run = Run {
        status,
        is_approved: before.is_approved && status != RunStatus::Review,
        file_name: ended.entry.as_ref().map(Entry::shown).or(before.file_name.clone()),
        bytes: ended.bytes.or(before.bytes),
        sha256: ended.sha256.clone().or(before.sha256.clone()),
        etag: ended.etag.clone().or(before.etag.clone()),
        ended_at: Some(now),
        ..before.clone()
    };
    if before.is_applied {
        return run;
    }
    Run {
        digest: ended.digest.clone().filter(|_| status == RunStatus::Review),
        counts: ended.counts,
        file_rows: ended.file_rows,
        because: ended.because.clone(),
        ..run
    }
}

/// Takes in a run of a feed that has ended; `served` is the feed and `before` the run as they were then. Returns whether the feed is
/// failing from now on.
fn take_in(feed: &mut Feed, (served, before): (&Feed, &Run), run: &Run, ended: &Ended) -> bool {
    let now = run.ended_at.unwrap_or(run.started_at);
    let is_same = feed.version == served.version;
    let mut is_failing = false;
    if run.status == RunStatus::Failed {
        is_failing = feed.failed(ended.wish, ended.bytes.is_some() || ended.entry.is_some(), now);
    } else {
        // The file that a person has approved says nothing of the source of today.
        let etag = if before.is_approved { feed.etag.clone() } else { ended.etag.clone() };
        feed.succeeded(etag.filter(|_| is_same), now);
    }
    if !is_same {
        // It was changed or reset meanwhile: its file is read anew, and soon.
        feed.due_at = feed.next_run(now, true);
    }
    is_failing
}

fn report(feed: &Feed, run: &Run) {
    let (kind, status) = (feed.terms.kind.as_str(), run.status.as_str());
    metric::FEED_RUNS.with([kind, status]).increment(1);
    let (because, faults) = (run.because.as_deref().unwrap_or_default(), run.counts.faults);
    if run.status == RunStatus::Failed {
        let failures = feed.failures;
        tracing::warn!(feed_id = %feed.id, run_id = %run.id, kind, because, faults, failures, "run of a feed failed");
    } else {
        tracing::info!(feed_id = %feed.id, run_id = %run.id, kind, status, because, "run of a feed ended");
    }
}
