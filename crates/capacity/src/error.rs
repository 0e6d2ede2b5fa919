use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    postgres::DbError,
    web::{Problem, problem_codes},
};
use serde_json::json;

use super::model::CapacityShortfall;

problem_codes! {
    CAPACITY_EXCEEDED: CONFLICT, "capacity_exceeded", "The flight does not have enough capacity",
        "Book at most the `available` amount, one of the `alternatives`, or another flight.";
    CAPACITY_BELOW_BOOKED: CONFLICT, "capacity_below_booked", "The capacity is below what is booked",
        "Offload bookings or set `release_holds` in the same request (at departure: name bookings in `left_behind`), or set at least the capacity that `shortfalls` shows as booked and held.";
}

#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    #[error("flight {0} does not exist")]
    Unknown(FlightId),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for CapacityError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<CapacityError> for Problem {
    fn from(error: CapacityError) -> Self {
        match error {
            CapacityError::Unknown(id) => Self::not_found(format!("flight {id}")),
            CapacityError::Database(cause) => cause.into(),
        }
    }
}

impl CapacityShortfall {
    /// Returns the problem `capacity_below_booked`: the obstacle and what can be done about it.
    pub fn problem(&self, obstacle: &str, way_out: &str) -> Problem {
        let Self { dimensions, requested, booked, held } = self;
        let shortfalls: Vec<_> = dimensions
            .iter()
            .map(|dimension| {
                json!({
                    "dimension": dimension.as_str(),
                    "requested": requested.figure(*dimension),
                    "booked": booked.figure(*dimension),
                    "held": held.figure(*dimension),
                })
            })
            .collect();
        let named: Vec<_> = dimensions.iter().map(|dimension| dimension.as_str()).collect();
        let text = format!("{obstacle}, in {}; {way_out}.", named.join(", "));
        Problem::new(code::CAPACITY_BELOW_BOOKED, text).with("shortfalls", shortfalls)
    }
}
