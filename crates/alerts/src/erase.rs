//! What of the alerts is personal: who made them, and what that person waits for. They go with the person.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    idempotency,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying},
};
use serde_json::{Map, Value, json};

use super::{error::AlertError, repository, service::AlertService};

impl PersonalData for AlertService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let alerts = repository::export(tx, person).await?;
            Ok(Map::from_iter([("alerts".to_owned(), json!(alerts))]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let names = repository::ids_of(&mut tx, person).await?;
                idempotency::forget_in_tx(&mut tx, person.user_id.uuid(), &names).await?;
                let erased = repository::erase(&mut tx, person).await?;
                commit(tx).await?;
                Ok::<_, AlertError>(erased)
            });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(repository::ids_of(tx, person).await?) })
    }
}
