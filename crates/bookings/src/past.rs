//! Makes the messages about bookings again from their histories.
use futures_util::{TryStreamExt, future::BoxFuture};
use loadmaster_platform::{
    outbox::{Entry, Page, Past, Wanted},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{
    BOOKING,
    model::{Folding, message},
    repository::past::{ids_to_replay, published_events},
};

pub(super) const PAST: Past = Past { aggregate: BOOKING, page };

/// Bookings at a time.
const PAGE: i64 = 200;

fn page<'a>(
    snapshot: &'a mut PgSession,
    wanted: &'a Wanted,
    after: Uuid,
) -> BoxFuture<'a, Result<Option<Page>, DbError>> {
    Box::pin(async move {
        let ids = ids_to_replay(snapshot, wanted, after, PAGE).await?;
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let unreadable = |text: String| DbError::Sql(sqlx::Error::Decode(text.into()));
        let (mut entries, mut folding, mut of) = (Vec::new(), Folding::default(), None);
        let mut events = published_events(snapshot, &ids);
        while let Some((id, event)) = events.try_next().await? {
            if of.replace(id) != Some(id) {
                folding = Folding::default();
            }
            let booking = folding.after(id, event.created_at, &event.data).map_err(unreadable)?;
            if wanted.is_in_time(event.created_at) {
                let entry = Entry::of_past(&message(&booking, &event, None), event.created_at);
                entries.push(entry.map_err(|error| unreadable(error.to_string()))?);
            }
        }
        Ok(Some(Page { last, entries }))
    })
}
