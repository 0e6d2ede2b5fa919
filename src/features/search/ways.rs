//! Ways for quotes without flights.
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;

use super::{
    SearchError, SearchService,
    model::{Departing, Itinerary, Request},
    service::Inner,
};
use crate::{
    features::{
        accounts::Principal,
        flights::Flight,
        pricing::{WayFinder, Wish},
    },
    platform::postgres::DbError,
};

/// Weak, because the search rates by the prices that hold it.
struct Ways(Weak<Inner>);

impl SearchService {
    /// Returns what finds ways for quotes.
    pub(super) fn way_finder(&self) -> Arc<dyn WayFinder> {
        Arc::new(Ways(Arc::downgrade(&self.0)))
    }

    async fn bookable_ways(&self, caller: Principal, wish: &Wish) -> Result<Vec<Vec<Flight>>, DbError> {
        let request = Request {
            weight: Some(wish.weight),
            volume: Some(wish.volume),
            positions: wish.positions,
            special_handling_codes: wish.special_handling_codes.clone(),
            own: self.own_room(Some(caller)),
            priced_for: None,
        };
        let departing = Departing::On(wish.date);
        match Box::pin(self.candidates(wish.origin, wish.destination, departing, &request)).await {
            Ok(found) => Ok(found.bookable.into_iter().map(Itinerary::into_legs).collect()),
            Err(SearchError::Database(cause)) => Err(cause),
            // The airports exist, and candidates are read from the tables.
            Err(_) => Ok(Vec::new()),
        }
    }
}

impl WayFinder for Ways {
    fn ways<'a>(&'a self, caller: Principal, wish: &'a Wish) -> BoxFuture<'a, Result<Vec<Vec<Flight>>, DbError>> {
        Box::pin(async move {
            match self.0.upgrade() {
                Some(inner) => SearchService(inner).bookable_ways(caller, wish).await,
                None => Ok(Vec::new()),
            }
        })
    }
}
