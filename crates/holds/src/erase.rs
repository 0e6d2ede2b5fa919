//! What of a hold is personal: its texts, parties and contact. They are exported and erased with their person, and go
//! some time after the hold has ended.
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use loadmaster_kernel::HoldId;
use loadmaster_platform::{
    in_own_tx,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, retrying},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{HoldService, repository};

/// Time for which the texts of a hold are kept after its end.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// Most holds that are blanked in one transaction, while other changes of them wait.
const AT_ONCE: i64 = 200;

impl PersonalData for HoldService {
    /// Exports the texts of the holds made by a person or belonging to the person alone.
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let holds = repository::export(tx, person).await?;
            Ok(Map::from_iter([("holds".to_owned(), json!(holds))]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let mut blanked = 0;
            loop {
                let some =
                    repository::texts_of(&mut *self.db.snapshot().await?, &person.organizations, AT_ONCE).await?;
                if some.is_empty() {
                    return Ok(blanked);
                }
                blanked += self.blank(&some).await?;
            }
        })
    }

    /// Returns the ids of all holds that belong to the person alone.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(repository::ids_of(tx, &person.organizations).await?) })
    }
}

impl HoldService {
    /// Blanks the texts of holds that ended long ago. Returns their number.
    pub(super) async fn blank_ended(&self) -> Result<usize, DbError> {
        let mut blanked = 0;
        loop {
            let before = self.clock.now() - KEPT_FOR;
            let some = repository::texts_of_ended(&mut *self.db.snapshot().await?, before, AT_ONCE).await?;
            if some.is_empty() {
                return Ok(blanked);
            }
            blanked += self.blank(&some).await?;
        }
    }

    async fn blank(&self, holds: &[Uuid]) -> Result<usize, DbError> {
        retrying(|| async { in_own_tx!(self.db, |tx| repository::blank(&mut tx, holds, self.clock.now())) }).await?;
        Ok(holds.len())
    }
}

/// Blanks the texts of these holds, whose versions rise. Comes after the locks of flights and bookings.
pub async fn blank_in_tx(tx: &mut PgSession, holds: &[HoldId], now: DateTime<Utc>) -> Result<(), DbError> {
    let ids: Vec<Uuid> = holds.iter().map(|hold| hold.uuid()).collect();
    Ok(repository::blank(tx, &ids, now).await?)
}
