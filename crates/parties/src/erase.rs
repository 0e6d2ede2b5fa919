//! What of the address books is personal: the parties themselves, and who entered them. An organization of several people keeps
//! its parties, without the name of a person who is erased; they go with the person who is its last member.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying},
};
use serde_json::{Map, Value, json};

use super::{error::PartyError, repository, service::PartyService};

impl PersonalData for PartyService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let parties = repository::export(tx, person).await?;
            Ok(Map::from_iter([("address_book".to_owned(), json!(parties))]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let erased = repository::erase(&mut tx, person, self.clock.now()).await?;
                commit(tx).await?;
                Ok::<_, PartyError>(erased)
            });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    /// Returns the ids of all parties that belong to the person alone.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move { Ok(repository::ids_of(tx, &person.organizations).await?) })
    }
}
