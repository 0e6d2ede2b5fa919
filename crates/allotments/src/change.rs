use loadmaster_accounts::{Actor, Principal, Subject};
use loadmaster_kernel::AllotmentId;
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    web::Precondition,
    work::Command,
};
use serde_json::json;

use super::{
    dto::{AllotmentBody, ChangeAllotment, CreateAllotment},
    error::AllotmentError,
    model::{ALLOTMENT, Allotment, RELEASE_HOURS},
    repository,
    service::AllotmentService,
};

/// Makes an allotment; the keeper takes its holds.
pub(super) struct Create {
    pub allotments: AllotmentService,
    pub caller: Principal,
    pub wanted: CreateAllotment,
}

impl Command for Create {
    const NAME: &'static str = "allotments.create";
    type Done = Allotment;
    type Error = AllotmentError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Allotment, AllotmentError> {
        let Self { allotments, caller, wanted } = self;
        let now = allotments.clock.now();
        let load = wanted.load();
        let allotment = Allotment {
            id: allotments.ids.next(now),
            organization_id: wanted.organization_id,
            name: wanted.name.clone(),
            airline_code: wanted.airline_code,
            flight_number: wanted.flight_number,
            origin: wanted.origin,
            destination: wanted.destination,
            weekdays: wanted.weekdays.clone(),
            date_from: wanted.date_from,
            date_to: wanted.date_to,
            space: load.space,
            volume_defaulted: load.volume_defaulted,
            release_hours: wanted.release_hours.unwrap_or(RELEASE_HOURS),
            revision: 1,
            version: 1,
            created_by: caller.user_id,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        check(&allotment)?;
        if !repository::organization_exists(tx, allotment.organization_id).await? {
            return Err(AllotmentError::UnknownOrganization);
        }
        repository::insert(tx, &allotment).await?;
        record_in_tx(allotments, tx, *caller, "allotment.created", &allotment).await?;
        Ok(allotment)
    }

    async fn concluded(&mut self, outcome: Result<&Allotment, &AllotmentError>) {
        if let Ok(allotment) = outcome {
            tracing::info!(allotment_id = %allotment.id, "allotment made");
            self.allotments.news.notify_one();
        }
    }
}

/// What is done with an allotment.
pub(super) enum Verb {
    Change(Box<ChangeAllotment>),
    Delete,
}

/// Changes an allotment or deletes it; the keeper changes or releases its holds.
pub(super) struct Change {
    pub allotments: AllotmentService,
    pub caller: Principal,
    pub id: AllotmentId,
    pub precondition: Precondition,
    pub verb: Verb,
}

impl Command for Change {
    const NAME: &'static str = "allotments.change";
    type Done = Allotment;
    type Error = AllotmentError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Allotment, AllotmentError> {
        let Self { allotments, caller, id, precondition, verb } = self;
        let before = repository::lock(tx, *id).await?.filter(|allotment| allotment.deleted_at.is_none());
        let before = before.ok_or(AllotmentError::Unknown)?;
        precondition.check(before.version).map_err(AllotmentError::VersionMismatch)?;
        let now = allotments.clock.now();
        let (mut after, act) = match verb {
            Verb::Change(change) => (change.applied(&before), "allotment.changed"),
            Verb::Delete => (Allotment { deleted_at: Some(now), ..before.clone() }, "allotment.deleted"),
        };
        check(&after)?;
        if after == before {
            return Ok(before);
        }
        after.revision += i32::from(after.keeps_otherwise_than(&before));
        (after.version, after.updated_at) = (before.version + 1, now);
        repository::save(tx, &after).await?;
        record_in_tx(allotments, tx, *caller, act, &after).await?;
        Ok(after)
    }

    async fn concluded(&mut self, outcome: Result<&Allotment, &AllotmentError>) {
        if let Ok(allotment) = outcome {
            tracing::info!(allotment_id = %allotment.id, version = allotment.version, "allotment changed");
            self.allotments.news.notify_one();
        }
    }
}

fn check(allotment: &Allotment) -> Result<(), AllotmentError> {
    let faults = allotment.faults();
    if faults.is_empty() { Ok(()) } else { Err(AllotmentError::Invalid(faults)) }
}

async fn record_in_tx(
    allotments: &AllotmentService,
    tx: &mut PgSession,
    caller: Principal,
    act: &'static str,
    allotment: &Allotment,
) -> Result<(), DbError> {
    let mut data = json!(AllotmentBody::from(allotment));
    if let Some(members) = data.as_object_mut() {
        // Free text.
        members.remove("name");
    }
    let subject = Subject::new(ALLOTMENT, allotment.id);
    allotments.acts.record_in_tx(tx, Actor::Caller(caller.user_id), act, subject, data).await
}
