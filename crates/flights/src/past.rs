//! Makes the messages about flights again from their histories.
use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{
    outbox::{Entry, Message, Page, Past, Wanted},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::repository::past::{ids_to_replay, published_events};

pub(super) const PAST: Past = Past { aggregate: FLIGHT, page };

/// Flights at a time.
const PAGE: i64 = 500;

fn page<'a>(
    snapshot: &'a mut PgSession,
    wanted: &'a Wanted,
    after: Uuid,
) -> BoxFuture<'a, Result<Option<Page>, DbError>> {
    Box::pin(async move {
        let ids = ids_to_replay(snapshot, wanted, after, PAGE).await?;
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let mut entries = Vec::new();
        for event in published_events(snapshot, &ids).await? {
            if !wanted.is_in_time(event.created_at) {
                continue;
            }
            let message = Message {
                aggregate: FLIGHT,
                aggregate_id: event.flight_id.uuid(),
                organization: None,
                subject: &event.flight_id.to_string(),
                sequence: event.sequence,
                event_type: event.event_type.as_str(),
                data: &event.data,
                trace: None,
                occurred_at: event.occurred_at,
            };
            let entry = Entry::of_past(&message, event.created_at);
            entries.push(entry.map_err(|error| DbError::Sql(sqlx::Error::Decode(error.into())))?);
        }
        Ok(Some(Page { last, entries }))
    })
}
