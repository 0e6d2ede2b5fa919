use std::collections::HashSet;

use futures_util::future::BoxFuture;
use loadmaster_platform::{
    personal::{Person, PersonalData},
    postgres::{DbError, PgSession, commit, retrying, see_archive, see_tables},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    BookingError, BookingService,
    draft::{Draft, EventDetails, save_in_tx},
    model::{EventType, Texts},
    repository,
};

/// Bookings blanked in one transaction, while other changes of them wait.
const AT_ONCE: usize = 200;
/// Bookings or notes examined in one statement.
const LOOKED_AT_ONCE: i64 = 2_000;

impl PersonalData for BookingService {
    /// Exports the bookings made by a person or belonging to the person alone, with their texts, and the person's notes
    /// elsewhere.
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>> {
        Box::pin(async move {
            see_archive(tx).await?;
            let exported = repository::export(tx, person).await;
            see_tables(tx).await?;
            match exported? {
                Value::Object(members) => Ok(members),
                _ => Ok(Map::new()),
            }
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move { Ok(self.blank_all(person).await?) })
    }

    /// Returns the references of all bookings that belong to the person alone, and the ids of their holds.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>> {
        Box::pin(async move {
            // What was answered about an archived booking is forgotten, too.
            see_archive(tx).await?;
            let references = repository::references_of(tx, &person.organizations).await;
            see_tables(tx).await?;
            Ok(references?)
        })
    }
}

impl BookingService {
    /// Blanks texts and parties of the bookings that belong to the person alone, with the notes of their events, and
    /// the person's notes elsewhere. Events and ledger hold no personal data and stay unchanged. A booking whose
    /// appearance changes leaves an event, as always. Works in batches and skips blank rows, so that it can be
    /// repeated. Returns the number of changed bookings.
    async fn blank_all(&self, person: &Person) -> Result<usize, BookingError> {
        let mut blanked = 0;
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let own = &person.organizations;
            let window = repository::to_blank(&mut *self.db.read().await?, own, from, LOOKED_AT_ONCE).await?;
            for some in window.bookings.chunks(AT_ONCE) {
                blanked += retrying(|| self.blank(some, person, true)).await?;
            }
            after = window.last;
        }
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let window =
                repository::noted_by(&mut *self.db.read().await?, person.user_id, from, LOOKED_AT_ONCE).await?;
            for some in window.bookings.chunks(AT_ONCE) {
                blanked += retrying(|| self.blank(some, person, false)).await?;
            }
            after = window.last;
        }
        Ok(blanked)
    }

    /// Removes texts, contacts and notes from these bookings, or only the notes that the person wrote. Returns the number of
    /// changed bookings.
    async fn blank(&self, ids: &[Uuid], person: &Person, is_own: bool) -> Result<usize, BookingError> {
        let mut tx = self.db.begin().await?;
        let bookings = repository::lock_bookings(&mut tx, ids).await?;
        let author = (!is_own).then_some(person.user_id);
        let noted = repository::delete_notes(&mut tx, ids, author).await?;
        let mut changed: HashSet<Uuid> = HashSet::new();
        if is_own {
            changed.extend(repository::contacts::delete(&mut tx, ids).await?);
        }
        let mut drafts = Vec::new();
        for mut draft in bookings.into_iter().map(Draft::of) {
            if is_own {
                draft.now.texts = Texts::default();
            }
            if draft.has_news() || noted.contains(&draft.now.id) {
                draft.record(self.author(None), EventType::Amended, EventDetails::default());
                changed.insert(draft.now.id.uuid());
                drafts.push(draft);
            }
        }
        save_in_tx(&mut tx, &drafts).await?;
        commit(tx).await?;
        Ok(changed.len())
    }
}
