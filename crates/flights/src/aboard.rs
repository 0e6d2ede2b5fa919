//! What a higher room knows of the freight on flights.
use std::collections::HashSet;

use futures_util::future::BoxFuture;
use loadmaster_capacity::Space;
use loadmaster_kernel::{AircraftCode, FlightId};
use loadmaster_platform::postgres::{DbError, PgSession};

use super::model::{Flight, NewFlight};

/// Knows the size of what is booked on flights.
pub trait FreightAboard: Send + Sync {
    /// Returns those of these flights on which a piece would not fit on the aircraft that they are to get.
    fn too_small<'a>(
        &'a self,
        tx: &'a mut PgSession,
        wanted: &'a [(FlightId, AircraftCode)],
    ) -> BoxFuture<'a, Result<HashSet<FlightId>, DbError>>;
}

/// The aircraft that this row gives the flight, if it is another one and something is booked or held.
pub(super) fn other_aircraft(flight: &Flight, row: &NewFlight) -> Option<(FlightId, AircraftCode)> {
    let aircraft = row.aircraft.filter(|_| row.aircraft != flight.aircraft)?;
    (flight.space.taken() != Space::default()).then_some((flight.id, aircraft))
}
