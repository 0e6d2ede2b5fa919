//! What of webhooks belongs to a person: those of organizations that consist of the person alone.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    in_own_tx,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, retrying},
};
use serde_json::{Map, Value, json};

use super::{repository, service::WebhookService};

impl PersonalData for WebhookService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let webhooks = repository::export(tx, person).await?;
            Ok(Map::from_iter([("webhooks".to_owned(), json!(webhooks))]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased =
                retrying(|| async { in_own_tx!(self.db, |tx| repository::erase(&mut tx, &person.organizations)) });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    /// Returns the ids of all webhooks that belong to the person alone.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(repository::ids_of(tx, &person.organizations).await?) })
    }
}
