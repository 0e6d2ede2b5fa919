//! What of the stations is personal: the tips that somebody wrote, and which tips somebody reported. They go with the person.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    idempotency,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying},
};
use serde_json::{Map, Value, json};

use super::{error::StationError, repository::tips, service::StationService};

impl PersonalData for StationService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let written = tips::export(tx, person).await?;
            let reported = tips::export_reports(tx, person).await?;
            let members = [("station_tips", json!(written)), ("station_tip_reports", json!(reported))];
            Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let names = tips::ids_of(&mut tx, person).await?;
                idempotency::forget_in_tx(&mut tx, person.user_id.uuid(), &names).await?;
                let erased = tips::erase(&mut tx, person).await?;
                commit(tx).await?;
                Ok::<_, StationError>(erased)
            });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(tips::ids_of(tx, person).await?) })
    }
}
