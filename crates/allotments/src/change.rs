use chrono::{DateTime, Utc};
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    entries::{Entry, Spans, Step},
    postgres::PgSession,
    web::PRIVATE,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    dto::{AllotmentBody, ChangeAllotment, CreateAllotment},
    error::AllotmentError,
    model::{ALLOTMENT, Allotment, RELEASE_HOURS},
    repository,
    service::AllotmentService,
};

/// Administrators keep the allotments; the keeper takes, changes and releases their holds.
impl Entry for Allotment {
    type Keeper = AllotmentService;
    /// With the user who makes it.
    type Terms = (UserId, CreateAllotment);
    type Change = ChangeAllotment;
    type Begun = ();
    type Error = AllotmentError;

    const SPANS: Spans = Spans { create: "allotments.create", change: "allotments.change", end: "allotments.change" };
    const PATH: &'static str = "/allotments";
    const CACHE: &'static str = PRIVATE;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn is_ended(&self) -> bool {
        self.deleted_at.is_some()
    }

    fn shown(&self) -> impl Serialize {
        AllotmentBody::from(self)
    }

    fn created(allotments: &AllotmentService, (created_by, wanted): (UserId, CreateAllotment)) -> Self {
        let now = allotments.clock.now();
        let load = wanted.load();
        Self {
            id: allotments.ids.next(now),
            organization_id: wanted.organization_id,
            name: wanted.name,
            airline_code: wanted.airline_code,
            flight_number: wanted.flight_number,
            origin: wanted.origin,
            destination: wanted.destination,
            weekdays: wanted.weekdays,
            date_from: wanted.date_from,
            date_to: wanted.date_to,
            space: load.space,
            volume_defaulted: load.volume_defaulted,
            release_hours: wanted.release_hours.unwrap_or(RELEASE_HOURS),
            revision: 1,
            version: 1,
            created_by,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    fn changed(&self, allotments: &AllotmentService, change: &ChangeAllotment) -> Result<Option<Self>, AllotmentError> {
        let after = change.applied(self);
        check(&after)?;
        Ok((after != *self).then(|| after.following(self, allotments.clock.now())))
    }

    fn ended(self, allotments: &AllotmentService) -> Self {
        let now = allotments.clock.now();
        Self { deleted_at: Some(now), ..self.clone() }.following(&self, now)
    }

    fn unknown(_: Uuid) -> AllotmentError {
        AllotmentError::Unknown
    }

    fn version_mismatch(current: i32) -> AllotmentError {
        AllotmentError::VersionMismatch(current)
    }

    async fn find(allotments: &AllotmentService, id: Uuid) -> Result<Option<Self>, AllotmentError> {
        let mut connection = allotments.db.read().await?;
        Ok(repository::find(&mut connection, id.into(), None).await?)
    }

    async fn begin_in_tx(_: &mut PgSession) -> Result<(), AllotmentError> {
        Ok(())
    }

    async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Self>, AllotmentError> {
        Ok(repository::lock(tx, id.into()).await?)
    }

    async fn save_in_tx(
        &self,
        allotments: &AllotmentService,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        (): (),
    ) -> Result<(), AllotmentError> {
        if step == Step::Created {
            check(self)?;
            if !repository::organization_exists(tx, self.organization_id).await? {
                return Err(AllotmentError::UnknownOrganization);
            }
            repository::insert(tx, self).await?;
        } else {
            repository::save(tx, self).await?;
        }
        let act = match step {
            Step::Created => "allotment.created",
            Step::Changed => "allotment.changed",
            Step::Ended => "allotment.deleted",
        };
        let mut data = json!(AllotmentBody::from(self));
        if let Some(members) = data.as_object_mut() {
            // Free text.
            members.remove("name");
        }
        let subject = Subject::new(ALLOTMENT, self.id);
        Ok(allotments.acts.record_in_tx(tx, Actor::Caller(actor), act, subject, data).await?)
    }

    async fn saved(&self, allotments: &AllotmentService, step: Step) {
        tracing::info!(allotment_id = %self.id, version = self.version, ?step, "allotment written");
        allotments.news.notify_one();
    }
}

impl Allotment {
    /// Returns the version that follows `before`.
    fn following(mut self, before: &Self, now: DateTime<Utc>) -> Self {
        self.revision += i32::from(self.keeps_otherwise_than(before));
        (self.version, self.updated_at) = (before.version + 1, now);
        self
    }
}

fn check(allotment: &Allotment) -> Result<(), AllotmentError> {
    let faults = allotment.faults();
    if faults.is_empty() { Ok(()) } else { Err(AllotmentError::Invalid(faults)) }
}
