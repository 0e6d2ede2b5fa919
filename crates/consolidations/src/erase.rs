//! What of consolidations is personal: the texts and parties of an organization's parts, who made what, and the addresses of open
//! invitations. The plan of an organization of several people remains, without the name of a person who is erased.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    idempotency,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying},
};
use serde_json::{Map, Value, json};

use super::{error::ConsolidationError, repository, service::ConsolidationService};

impl PersonalData for ConsolidationService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let (consolidations, parts) = repository::export(tx, person).await?;
            Ok(Map::from_iter([
                ("consolidations".to_owned(), json!(consolidations)),
                ("consolidation_parts".to_owned(), json!(parts)),
            ]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased = retrying(|| async {
                let now = self.clock.now();
                let mut tx = self.db.begin().await?;
                let addresses = self.addresses_in_tx(&mut tx, person).await?;
                let names = repository::ids_of(&mut tx, person, &addresses).await?;
                idempotency::forget_in_tx(&mut tx, person.user_id.uuid(), &names).await?;
                let erased = repository::erase(&mut tx, person, &addresses, now).await?;
                commit(tx).await?;
                Ok::<_, ConsolidationError>(erased)
            });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move {
            let addresses = self.addresses_in_tx(tx, person).await?;
            Ok(repository::ids_of(tx, person, &addresses).await?)
        })
    }
}

impl ConsolidationService {
    /// Returns the digests of the person's address.
    async fn addresses_in_tx(&self, tx: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Vec<u8>>> {
        let email = repository::any_email_of(tx, person.user_id).await?;
        Ok(email.map_or_else(Vec::new, |email| self.one_time.address_hashes("email", &email)))
    }
}
