use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_accounts::AdministrationService;
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    clock::SharedClock,
    idempotency,
    jobs::{self, JobError, JobKind, NewJob},
    personal::{Person, PersonalData},
    postgres::{Database, commit, retrying},
    random::IdSource,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PrivacyError;

/// The second sweep, run when no process accepts the person's credentials any more: it erases data added until then.
pub(super) const SWEEP: JobKind<Erased> = JobKind::named("erased_person");

/// The person whose data is swept again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Erased {
    pub user_id: UserId,
}
const SWEPT_AFTER: TimeDelta = TimeDelta::minutes(3);

/// The privacy service; cheap to clone.
#[derive(Clone)]
pub struct PrivacyService(Arc<Inner>);

struct Inner {
    db: Database,
    accounts: AdministrationService,
    /// The rooms that keep personal data, besides the accounts.
    rooms: Vec<Arc<dyn PersonalData>>,
    ids: IdSource,
    clock: SharedClock,
}

impl PrivacyService {
    pub fn new(
        db: Database,
        accounts: AdministrationService,
        rooms: Vec<Arc<dyn PersonalData>>,
        ids: IdSource,
        clock: SharedClock,
    ) -> Self {
        Self(Arc::new(Inner { db, accounts, rooms, ids, clock }))
    }

    /// Exports all personal data of one person, as one JSON object. The request is recorded.
    pub async fn export(&self, user: UserId) -> Result<Value, PrivacyError> {
        let Inner { db, accounts, rooms, .. } = &*self.0;
        retrying(|| async {
            let mut tx = db.begin().await?;
            let (person, mut export) = accounts.export_in_tx(&mut tx, user).await?;
            for room in rooms {
                let members = room.export_in_tx(&mut tx, &person).await?;
                export.as_object_mut().into_iter().for_each(|export| export.extend(members.clone()));
            }
            commit(tx).await?;
            Ok(export)
        })
        .await
    }

    /// Erases a person from all stored data, for ever: the account is anonymized, and the texts and parties of the
    /// person's bookings and holds are blank. The history of flights and shipments stays, without the person. An
    /// organization of several people keeps its bookings. Can be repeated after a failure. Returns the number of
    /// blanked bookings and holds.
    pub async fn erase(&self, user: UserId) -> Result<usize, PrivacyError> {
        let Inner { db, accounts, ids, clock, .. } = &*self.0;
        let person = retrying(|| async {
            let mut tx = db.begin().await?;
            let person = accounts.close_in_tx(&mut tx, user).await?;
            commit(tx).await?;
            Ok::<_, PrivacyError>(person)
        });
        let person = person.await?;
        let blanked = self.sweep(&person).await?;
        let later = NewJob { run_in: SWEPT_AFTER, ..SWEEP.job(&Erased { user_id: user })? };
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

    /// The job `SWEEP`.
    pub async fn sweep_again(&self, erased: Erased) -> Result<(), JobError> {
        let person = self.0.accounts.person(erased.user_id).await?;
        let blanked = self.sweep(&person).await?;
        tracing::info!(user = %person.user_id, blanked, "personal data written after an erasure was erased");
        Ok(())
    }

    async fn sweep(&self, person: &Person) -> Result<usize, PrivacyError> {
        let Inner { db, rooms, .. } = &*self.0;
        let mut blanked = 0;
        for room in rooms {
            blanked += room.erase(person).await.map_err(PrivacyError::Room)?;
        }
        retrying(|| async {
            let mut tx = db.begin().await?;
            // Includes all of them, as an earlier attempt may have blanked some.
            let mut names = vec![person.user_id.to_string()];
            for room in rooms {
                names.extend(room.names_in_tx(&mut tx, person).await?);
            }
            idempotency::forget_in_tx(&mut tx, person.user_id.uuid(), &names).await?;
            commit(tx).await?;
            Ok::<_, PrivacyError>(())
        })
        .await?;
        Ok(blanked)
    }
}
