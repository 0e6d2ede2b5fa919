use std::sync::Arc;

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::PrivacyError;
use crate::{
    features::{
        accounts::{AccountService, Person},
        bookings::BookingService,
    },
    kernel::UserId,
    platform::{
        clock::SharedClock,
        idempotency,
        jobs::{self, JobError, NewJob},
        postgres::{Database, commit, retrying},
        random::IdSource,
    },
};

/// A second sweep, when no process takes the person's credentials any more: what came in until then goes, too.
pub const SWEEP: &str = "erased_person";
const SWEPT_AFTER: TimeDelta = TimeDelta::minutes(3);

/// Cheap to clone.
#[derive(Clone)]
pub struct PrivacyService(Arc<Rooms>);

struct Rooms {
    db: Database,
    accounts: AccountService,
    bookings: BookingService,
    ids: IdSource,
    clock: SharedClock,
}

impl PrivacyService {
    pub fn new(
        db: Database,
        accounts: AccountService,
        bookings: BookingService,
        ids: IdSource,
        clock: SharedClock,
    ) -> Self {
        Self(Arc::new(Rooms { db, accounts, bookings, ids, clock }))
    }

    /// All personal data of one person, as one JSON object. It is recorded that this was asked for.
    pub async fn export(&self, user: UserId) -> Result<Value, PrivacyError> {
        let Rooms { db, accounts, bookings, .. } = &*self.0;
        retrying(|| async {
            let mut tx = db.begin().await?;
            let (person, mut export) = accounts.export_in_tx(&mut tx, user).await?;
            let shipments = bookings.export_in_tx(&mut tx, &person).await?;
            if let (Some(export), Value::Object(shipments)) = (export.as_object_mut(), shipments) {
                export.extend(shipments);
            }
            commit(tx).await?;
            Ok(export)
        })
        .await
    }

    /// Takes a person out of all that is kept, for ever: the account is nobody's, and the texts and parties of the person's
    /// bookings are blank. What happened to flights and shipments stays, without the person. An organization of several
    /// keeps its bookings. Should it fail on the way it can be done again. Answers how many bookings were blanked.
    pub async fn erase(&self, user: UserId) -> Result<usize, PrivacyError> {
        let Rooms { db, accounts, ids, clock, .. } = &*self.0;
        let person = retrying(|| async {
            let mut tx = db.begin().await?;
            let person = accounts.close_in_tx(&mut tx, user).await?;
            commit(tx).await?;
            Ok::<_, PrivacyError>(person)
        });
        let person = person.await?;
        let blanked = self.sweep(&person).await?;
        let later = NewJob { run_in: SWEPT_AFTER, ..NewJob::now(SWEEP, json!({"user_id": user})) };
        retrying(|| async {
            let mut tx = db.begin().await?;
            accounts.erase_in_tx(&mut tx, user).await?;
            jobs::enqueue_in_tx(&mut tx, ids.next(clock.now()), &later).await?;
            commit(tx).await?;
            Ok::<_, PrivacyError>(())
        })
        .await?;
        Ok(blanked)
    }

    /// The job [`SWEEP`].
    pub async fn sweep_again(&self, payload: Value) -> Result<(), JobError> {
        let user: UserId = serde_json::from_value(payload["user_id"].clone()).context("whose data are to go")?;
        let person = self.0.accounts.person(user).await?;
        let blanked = self.sweep(&person).await?;
        tracing::info!(user = %person.user_id, blanked, "an erased person's data swept again");
        Ok(())
    }

    async fn sweep(&self, person: &Person) -> Result<usize, PrivacyError> {
        let Rooms { db, bookings, .. } = &*self.0;
        let blanked = bookings.erase(person).await?;
        retrying(|| async {
            let mut tx = db.begin().await?;
            // All of them: an earlier try may have blanked some.
            let mut names = bookings.references_in_tx(&mut tx, person).await?;
            names.push(person.user_id.to_string());
            idempotency::forget_in_tx(&mut tx, person.user_id.uuid(), &names).await?;
            commit(tx).await?;
            Ok::<_, PrivacyError>(())
        })
        .await?;
        Ok(blanked.len())
    }
}
