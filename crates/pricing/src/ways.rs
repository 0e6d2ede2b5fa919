use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use loadmaster_accounts::Principal;
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, Dimensions, FlightId, HandlingCode, Positions, Volume, Weight};
use loadmaster_platform::postgres::DbError;
use serde_json::Value;

/// Freight that is to be carried.
#[derive(Debug, Clone)]
pub struct RouteQuery {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub on: On,
    pub weight: Weight,
    pub volume: Volume,
    pub positions: Option<Positions>,
    /// `None`: whether its pieces fit is not judged.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
}

/// The flights that freight is to be carried on.
#[derive(Debug, Clone)]
pub enum On {
    /// These, in order.
    Flights(Vec<FlightId>),
    /// The cheapest that can be booked on this local calendar date at the origin.
    Date(NaiveDate),
}

/// Finds flights for freight. A higher room implements it.
pub trait WayFinder: Send + Sync {
    /// Returns the ways that the caller can book now on the day of the query, in no particular order.
    fn ways<'a>(
        &'a self,
        caller: Principal,
        day: NaiveDate,
        route: &'a RouteQuery,
    ) -> BoxFuture<'a, Result<Vec<Vec<Flight>>, DbError>>;

    /// Returns a few options (`RouteOption`) that can be booked instead of what was refused, or none.
    fn alternatives<'a>(&'a self, route: &'a RouteQuery) -> BoxFuture<'a, Vec<Value>>;
}
