//! The bookings on a flight, and the holds that become bookings once they are paid, that do not go with every aircraft.
use std::collections::{HashMap, HashSet};

use futures_util::future::BoxFuture;
use loadmaster_flights::FreightAboard;
use loadmaster_holds as holds;
use loadmaster_kernel::{AircraftCode, BookingRef, FlightId, HandlingCode};
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_reference::{Reference, TooLarge};

use super::{BookingError, BookingService, repository};

/// Bookings named in one refusal.
const MOST_NAMED: i64 = 1_000;

/// A booking of which an aircraft does not take a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OversizeAboard {
    pub ref_id: BookingRef,
    /// The first that is too large.
    pub piece: TooLarge,
}

/// Compares bookings, and holds that are being paid for, with the openings of aircraft; without the flights, which hold it.
pub(super) struct SizesAboard(pub Reference);

impl FreightAboard for SizesAboard {
    fn too_small<'a>(
        &'a self,
        tx: &'a mut PgSession,
        wanted: &'a [(FlightId, AircraftCode)],
    ) -> BoxFuture<'a, Result<HashSet<FlightId>, DbError>> {
        Box::pin(async move {
            let wanted: HashMap<FlightId, AircraftCode> = wanted.iter().copied().collect();
            let flights: Vec<FlightId> = wanted.keys().copied().collect();
            let mut sized = repository::dimensions_on(tx, &flights).await?;
            sized.extend(holds::sizes_being_paid_in_tx(tx, &flights).await?);
            let too_large = sized.into_iter().filter(|(flight, dimensions)| {
                let aircraft = wanted.get(flight);
                aircraft.is_some_and(|aircraft| self.0.too_large(dimensions, *aircraft).is_some())
            });
            Ok(too_large.map(|(flight, _)| flight).collect())
        })
    }
}

impl BookingService {
    /// Returns the bookings on a flight that require a cargo aircraft: at most the first thousand.
    pub async fn freighter_bound_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
    ) -> Result<Vec<BookingRef>, BookingError> {
        Ok(repository::aboard_with_code(tx, flight, HandlingCode::CARGO_AIRCRAFT_ONLY, MOST_NAMED).await?)
    }

    /// Returns the bookings on a flight of which a piece does not fit on an aircraft of this type, by reference: at most the first
    /// thousand.
    pub async fn oversize_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        aircraft: AircraftCode,
    ) -> Result<Vec<OversizeAboard>, BookingError> {
        let sized = repository::aboard_with_dimensions(tx, flight).await?.into_iter();
        let reference = &self.surroundings().reference;
        let too_large = sized.filter_map(|(ref_id, dimensions)| {
            Some(OversizeAboard { ref_id, piece: reference.too_large(&dimensions, aircraft)? })
        });
        let mut too_large: Vec<OversizeAboard> = too_large.collect();
        too_large.sort_by(|a, b| a.ref_id.cmp(&b.ref_id));
        too_large.truncate(usize::try_from(MOST_NAMED).unwrap_or_default());
        Ok(too_large)
    }

    /// Returns how many holds on a flight are being paid for, and have a piece that does not fit on an aircraft of this type.
    pub async fn oversize_being_paid_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        aircraft: AircraftCode,
    ) -> Result<usize, BookingError> {
        let sized = holds::sizes_being_paid_in_tx(tx, &[flight]).await?;
        let reference = &self.surroundings().reference;
        Ok(sized.iter().filter(|(_, dimensions)| reference.too_large(dimensions, aircraft).is_some()).count())
    }
}
