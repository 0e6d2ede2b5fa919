use futures_util::future::BoxFuture;
use loadmaster_platform::{
    in_own_tx,
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, retrying},
};
use serde_json::{Map, Value};

use super::{repository, service::NotificationService};

impl PersonalData for NotificationService {
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            match repository::erase::export(tx, person).await? {
                Value::Object(members) => Ok(members),
                _ => Ok(Map::new()),
            }
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            self.post.erase(person.user_id).await?;
            let leftover = retrying(|| async { in_own_tx!(self.db, |tx| repository::erase::erase(&mut tx, person)) });
            let repository::erase::Leftover { letters, contacts } = leftover.await?;
            self.post.discard(letters, contacts).await?;
            // Bookings and holds are counted.
            Ok(0)
        })
    }

    /// What was answered about contacts lies below the addresses of bookings, which their room names.
    fn names_in_tx<'a>(&'a self, _: &'a mut PgSession, _: &'a Person) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
