//! Applying a file and noting that in its run are one transaction: a process that dies before the end of the run leaves what it has
//! done to the next one, and a file is not applied for a run that is gone.
use loadmaster_platform::{
    idempotency::Key,
    postgres::{DbError, PgSession},
    work::Command,
};

use super::{
    carry::Ended,
    model::{Counts, Run, RunStatus},
    repository,
};

/// A command that applies the file of a run, and then notes in the run what it has done.
pub(super) struct Noted<C: Command> {
    pub command: C,
    pub note: Note,
    /// Returns the numbers of the run after the command, by those that were found before.
    pub counts: fn(&C::Done, Counts) -> Counts,
}

/// A run, and what was found before its file is applied.
pub(super) struct Note {
    pub run: Run,
    pub found: Ended,
}

impl<C: Command> Command for Noted<C> {
    const NAME: &'static str = C::NAME;
    type Done = C::Done;
    type Error = C::Error;

    async fn prepare(&mut self, key: &Key) -> Result<(), C::Error> {
        self.command.prepare(key).await
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<C::Done, C::Error> {
        let done = self.command.decide(tx).await?;
        let counts = (self.counts)(&done, self.note.found.counts);
        self.note.write_in_tx(tx, counts).await?;
        Ok(done)
    }

    fn is_out_of_date(&self, error: &C::Error) -> bool {
        self.command.is_out_of_date(error)
    }

    async fn concluded(&mut self, outcome: Result<&C::Done, &C::Error>) {
        self.command.concluded(outcome).await;
    }
}

impl Note {
    /// Fails if the run is gone with its feed, or if another process has applied its file: then nothing is to be applied.
    pub(super) async fn write_in_tx(&self, tx: &mut PgSession, counts: Counts) -> Result<(), DbError> {
        let Self { run, found } = self;
        let locked = repository::lock_run(tx, run.feed, run.id).await?;
        let is_open = |run: &Run| run.status == RunStatus::Running && !run.is_applied;
        let before = locked.filter(is_open).ok_or(sqlx::Error::RowNotFound)?;
        let applied = Run {
            bytes: run.bytes,
            sha256: run.sha256.clone(),
            etag: run.etag.clone(),
            digest: None,
            counts,
            file_rows: found.file_rows,
            is_applied: true,
            because: None,
            ..before
        };
        repository::save_run(tx, &applied).await?;
        Ok(repository::replace_findings(tx, run.id, &[], &found.differences).await?)
    }
}
