//! Ways for quotes without flights.
use std::sync::{Arc, Weak};

use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_platform::postgres::DbError;
use loadmaster_pricing::{On, RouteQuery, WayFinder};
use serde_json::Value;

use super::{
    Day, SearchError, SearchService, alternatives,
    model::{Departing, Itinerary, Request},
    service::Inner,
};

/// Weak, because the search rates by the prices that hold it.
struct Ways(Weak<Inner>);

impl SearchService {
    /// Returns what finds ways for quotes.
    pub(super) fn way_finder(&self) -> Arc<dyn WayFinder> {
        Arc::new(Ways(Arc::downgrade(&self.0)))
    }

    async fn bookable_ways(
        &self,
        caller: Principal,
        day: NaiveDate,
        route: &RouteQuery,
    ) -> Result<Vec<Vec<Flight>>, DbError> {
        let request = request_for(route).by(self.own_space(Some(caller)));
        let departing = Departing::On(day);
        match Box::pin(self.candidates(route.origin, route.destination, departing, &request)).await {
            Ok(found) => Ok(found.bookable.into_iter().map(Itinerary::into_legs).collect()),
            Err(SearchError::Database(cause)) => Err(cause),
            // The airports exist, and candidates are read from the tables.
            Err(_) => Ok(Vec::new()),
        }
    }
}

fn request_for(route: &RouteQuery) -> Request {
    let space = Space { weight: route.weight, volume: route.volume, positions: route.positions.unwrap_or_default() };
    Request::of(space, &route.special_handling_codes).sized(route.dimensions.as_ref())
}

impl WayFinder for Ways {
    fn ways<'a>(
        &'a self,
        caller: Principal,
        day: NaiveDate,
        route: &'a RouteQuery,
    ) -> BoxFuture<'a, Result<Vec<Vec<Flight>>, DbError>> {
        Box::pin(async move {
            match self.0.upgrade() {
                Some(inner) => SearchService(inner).bookable_ways(caller, day, route).await,
                None => Ok(Vec::new()),
            }
        })
    }

    fn alternatives<'a>(&'a self, route: &'a RouteQuery) -> BoxFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let Some(inner) = self.0.upgrade() else { return Vec::new() };
            let (origin, destination, request) = (route.origin, route.destination, request_for(route));
            let day = match &route.on {
                On::Flights(flights) => Day::Of(flights.clone()),
                On::Date(date) => Day::On(*date),
            };
            let refused = alternatives::RouteQuery { origin, destination, day, earliest: None, request };
            SearchService(inner).alternatives(refused).await
        })
    }
}
