//! Which feed gives a flight, and whether a person keeps the flight from it.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{FeedId, FlightId};
use loadmaster_platform::postgres::{DbError, PgSession};

use super::{FlightService, model::FlightFeed, repository::feeds};

impl FlightService {
    /// Returns the feeds of these flights, as far as feeds give them.
    pub async fn feeds_of(&self, flights: &[FlightId]) -> Result<HashMap<FlightId, FlightFeed>, DbError> {
        if flights.is_empty() {
            return Ok(HashMap::new());
        }
        let found = feeds::find(&mut *self.db.read().await?, flights).await?;
        Ok(found.into_iter().collect())
    }

    /// Returns the number of flights of a feed that were to leave since an instant.
    pub async fn left_of_feed(&self, feed: FeedId, since: DateTime<Utc>) -> Result<i64, DbError> {
        let span = (since, self.clock.now());
        Ok(feeds::count_left(&mut *self.db.read().await?, feed, span).await?)
    }
}

/// Keeps a flight that a feed gives from all feeds, or gives it back. Returns whether that is a change; `None` if no feed gives the
/// flight. Joins the caller's transaction, which has locked the flight.
pub async fn keep_from_feeds_in_tx(
    tx: &mut PgSession,
    flight: FlightId,
    is_kept: bool,
) -> Result<Option<bool>, DbError> {
    let before = feeds::find(tx, &[flight]).await?.pop();
    let Some((_, before)) = before else { return Ok(None) };
    if before.is_kept == is_kept {
        return Ok(Some(false));
    }
    feeds::keep(tx, flight, is_kept).await?;
    Ok(Some(true))
}

/// Forgets a feed: its flights are nobody's but the carrier's. Joins the caller's transaction.
pub async fn forget_feed_in_tx(tx: &mut PgSession, feed: FeedId) -> Result<(), DbError> {
    Ok(feeds::forget(tx, feed).await?)
}
