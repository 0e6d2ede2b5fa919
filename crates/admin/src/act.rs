use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    clock::SharedClock,
    jobs::{self, Job, JobState, Planned},
    postgres::{Database, PgSession},
    random::IdSource,
    work::Command,
};
use serde_json::json;
use uuid::Uuid;

use super::error::AdminError;

/// What the acts use.
#[derive(Clone)]
pub struct Backstage {
    pub db: Database,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub acts: Acts,
}

/// Locks a job that has failed for good.
async fn lock_dead(tx: &mut PgSession, id: Uuid) -> Result<Job, AdminError> {
    let job = jobs::lock_in_tx(tx, id).await?.ok_or(AdminError::NoJob(id))?;
    if job.state == JobState::Dead { Ok(job) } else { Err(AdminError::NotDead(job.state)) }
}

/// Makes a dead job due again, with all its attempts.
pub(super) struct Retry {
    pub backstage: Backstage,
    pub actor: UserId,
    pub id: Uuid,
}

impl Command for Retry {
    const NAME: &'static str = "admin.retry_job";
    type Done = Job;
    type Error = AdminError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Job, AdminError> {
        let job = lock_dead(tx, self.id).await?;
        if jobs::retry_dead_in_tx(tx, Some(self.id)).await? == 0 {
            return Err(AdminError::Superseded);
        }
        let (subject, data) = (Subject::new("job", self.id), json!({"kind": job.kind, "error": job.last_error}));
        self.backstage.acts.record_in_tx(tx, Actor::Caller(self.actor), "job.retried", subject, data).await?;
        jobs::lock_in_tx(tx, self.id).await?.ok_or(AdminError::NoJob(self.id))
    }
}

/// Deletes a dead job: its work is not done.
pub(super) struct Drop {
    pub backstage: Backstage,
    pub actor: UserId,
    pub id: Uuid,
}

impl Command for Drop {
    const NAME: &'static str = "admin.drop_job";
    type Done = ();
    type Error = AdminError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), AdminError> {
        let job = lock_dead(tx, self.id).await?;
        jobs::drop_dead_in_tx(tx, self.id).await?;
        let (subject, data) = (Subject::new("job", self.id), json!({"kind": job.kind, "error": job.last_error}));
        Ok(self.backstage.acts.record_in_tx(tx, Actor::Caller(self.actor), "job.dropped", subject, data).await?)
    }
}

/// Makes the job of a schedule due now.
pub(super) struct Run {
    pub backstage: Backstage,
    pub actor: UserId,
    pub name: String,
}

impl Command for Run {
    const NAME: &'static str = "admin.run_schedule";
    type Done = Planned;
    type Error = AdminError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Planned, AdminError> {
        let Self { backstage, actor, name } = self;
        let id = backstage.ids.next(backstage.clock.now());
        let planned = jobs::run_in_tx(tx, id, name).await?.ok_or(AdminError::NoSchedule)?;
        let subject = Subject::new("schedule", &planned.name);
        backstage.acts.record_in_tx(tx, Actor::Caller(*actor), "schedule.run", subject, json!({})).await?;
        Ok(planned)
    }
}
