//! What of the address books and templates is personal: the parties, the words of the templates, and who entered them. An
//! organization of several people keeps both, without the name of a person who is erased; they go with the person who is its
//! last member.
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying},
};
use loadmaster_shipment::Party;
use serde_json::{Map, Value, json};

use super::{error::PartyError, model::Template, repository::Stored, service::PartyService};

impl PersonalData for PartyService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            let parties = Party::export(tx, person).await?;
            let templates = Template::export(tx, person).await?;
            Ok(Map::from_iter([
                ("address_book".to_owned(), json!(parties)),
                ("booking_templates".to_owned(), json!(templates)),
            ]))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            let erased = retrying(|| async {
                let now = self.clock.now();
                let mut tx = self.db.begin().await?;
                let parties = Party::erase(&mut tx, person, now).await?;
                let templates = Template::erase(&mut tx, person, now).await?;
                commit(tx).await?;
                Ok::<_, PartyError>(parties + templates)
            });
            Ok(usize::try_from(erased.await?)?)
        })
    }

    /// Returns the ids of all parties and templates that belong to the person alone.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move {
            let mut names = Party::ids_of(tx, &person.organizations).await?;
            names.extend(Template::ids_of(tx, &person.organizations).await?);
            Ok(names)
        })
    }
}
