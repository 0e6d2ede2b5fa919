//! What of payments belongs to a person. They are ids and figures: they are exported, and there is nothing to erase.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession},
};
use serde_json::{Map, Value, json};

use super::{repository, service::PaymentService};

impl PersonalData for PaymentService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let payments = repository::export(tx, person).await?;
            Ok(Map::from_iter([("payments".to_owned(), json!(payments))]))
        })
    }

    fn erase<'a>(&'a self, _: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async { Ok(0) })
    }

    /// Returns the ids of all payments that belong to the person alone.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(repository::ids_of(tx, &person.organizations).await?) })
    }
}
