use serde_json::Value;
use uuid::Uuid;

use super::{
    BookingError, BookingService,
    draft::{Draft, Told, save_in_tx},
    event::EventType,
    model::Texts,
    repository,
};
use crate::{
    features::accounts::Person,
    kernel::BookingRef,
    platform::postgres::{PgSession, commit, retrying},
};

/// Bookings blanked in one transaction, while their changes wait.
const AT_ONCE: usize = 200;
/// Bookings or notes looked at in one statement.
const LOOKED_AT_ONCE: i64 = 2_000;

impl BookingService {
    /// The bookings that a person made or that are the person's alone, with their texts, and what the person noted
    /// elsewhere, as JSON.
    pub async fn export_in_tx(&self, tx: &mut PgSession, person: &Person) -> Result<Value, BookingError> {
        Ok(repository::export(tx, person).await?)
    }

    /// Blanks texts and parties of the bookings that are the person's alone, and the notes of their events, and what the
    /// person noted elsewhere. Events and ledger stay as they are: there is nothing personal in them. A booking that looks
    /// different is told of, as always. Does some at a time; what is blank is left alone, so that it can be done again.
    /// Answers which bookings they were.
    pub async fn erase(&self, person: &Person) -> Result<Vec<BookingRef>, BookingError> {
        let mut blanked = Vec::new();
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let own = &person.organizations;
            let window = repository::to_blank(&mut *self.db.read().await?, own, from, LOOKED_AT_ONCE).await?;
            for some in window.bookings.chunks(AT_ONCE) {
                blanked.extend(retrying(|| self.blank(some, person, true)).await?);
            }
            after = window.last;
        }
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let window =
                repository::noted_by(&mut *self.db.read().await?, person.user_id, from, LOOKED_AT_ONCE).await?;
            for some in window.bookings.chunks(AT_ONCE) {
                blanked.extend(retrying(|| self.blank(some, person, false)).await?);
            }
            after = window.last;
        }
        Ok(blanked)
    }

    /// The references of all bookings that are the person's alone.
    pub async fn references_in_tx(&self, tx: &mut PgSession, person: &Person) -> Result<Vec<String>, BookingError> {
        Ok(repository::references_of(tx, &person.organizations).await?)
    }

    /// Takes texts and notes out of these bookings: all of them, or the notes that the person wrote.
    async fn blank(&self, ids: &[Uuid], person: &Person, is_own: bool) -> Result<Vec<BookingRef>, BookingError> {
        let mut tx = self.db.begin().await?;
        let bookings = repository::lock_bookings(&mut tx, ids).await?;
        let author = (!is_own).then_some(person.user_id);
        let noted = repository::delete_notes(&mut tx, ids, author).await?;
        let mut drafts = Vec::new();
        for mut draft in bookings.into_iter().map(Draft::of) {
            if is_own {
                draft.now.texts = Texts::default();
            }
            if draft.has_news() || noted.contains(&draft.now.id) {
                draft.tell(self.author(None), EventType::Amended, Told::default());
                drafts.push(draft);
            }
        }
        save_in_tx(&mut tx, &drafts).await?;
        commit(tx).await?;
        Ok(drafts.into_iter().map(|draft| draft.now.ref_id).collect())
    }
}
