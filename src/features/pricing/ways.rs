use chrono::NaiveDate;
use futures_util::future::BoxFuture;

use crate::{
    features::{accounts::Principal, flights::Flight},
    kernel::{AirportCode, HandlingCode, Positions, Volume, Weight},
    platform::postgres::DbError,
};

/// Freight that is to be carried on a day, on whatever flights.
#[derive(Debug, Clone)]
pub struct Wish {
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Local calendar date at the origin.
    pub date: NaiveDate,
    pub weight: Weight,
    pub volume: Volume,
    pub positions: Option<Positions>,
    pub special_handling_codes: Vec<HandlingCode>,
}

/// Finds flights for freight. A higher room implements it.
pub trait WayFinder: Send + Sync {
    /// Returns the ways that the caller can book now, in no particular order.
    fn ways<'a>(&'a self, caller: Principal, wish: &'a Wish) -> BoxFuture<'a, Result<Vec<Vec<Flight>>, DbError>>;
}
