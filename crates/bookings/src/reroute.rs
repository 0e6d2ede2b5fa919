use loadmaster_capacity::{self as capacity, Shift};
use loadmaster_flights::{self as flights, Segment};
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::PgSession;
use loadmaster_shipment::{self as shipment, Demand, Fit, ItineraryError};

use super::{
    BookingError,
    amend::Amending,
    billing,
    draft::EventDetails,
    model::{EventType, LegStatus},
};

/// Bound on all legs that a booking ever had, because they are read with it.
const MOST_LEGS: usize = 1_000;

impl Amending<'_> {
    /// Replaces all legs that have not departed by legs on these flights, from where the cargo is or will land. The old
    /// legs release their space first: the new route may use some of the same flights. All or nothing: the caller rolls
    /// back.
    pub(super) async fn reroute(&mut self, tx: &mut PgSession, flight_ids: &[FlightId]) -> Result<(), BookingError> {
        if self.draft.now.legs.len() + flight_ids.len() > MOST_LEGS {
            let text = format!("A booking has at most {MOST_LEGS} legs, including replaced ones; make a new booking.");
            return Err(ItineraryError::Invalid(text).into());
        }
        // A flight of both ways keeps what the new leg takes.
        let (space, stays) = (self.draft.now.space, |given: &Shift| flight_ids.contains(&given.flight_id));
        let given = self.draft.release_legs(LegStatus::Replaced, |_| true).into_iter();
        let given = given.map(|given| if stays(&given) { given.staying_in_part(space) } else { given });
        let given: Vec<Shift> = given.collect();
        self.shift(tx, &given).await?;
        let booking = &self.draft.now;
        let mut found = flights::find_all_in_tx(tx, flight_ids).await?;
        for flight in &mut found {
            flight.space = self.draws.capacity_for(booking.organization_id, flight.space);
        }
        let flights = shipment::in_order(flight_ids, found)?;
        let flown = booking.last_leg_flown();
        let demand = Demand {
            origin: booking.onward_from(),
            destination: booking.destination,
            space: booking.space,
            special_handling_codes: &booking.special_handling_codes,
            inbound: flown.map(Segment::from),
            fit: Fit::of(
                booking.dimensions.as_ref().filter(|_| !self.accepts_oversize),
                &self.service.surroundings().reference,
            ),
            until: self.until,
        };
        let rules = self.service.flights.connections();
        let embargoes = self.service.embargoes.in_force_in_tx(tx).await?;
        shipment::check_itinerary(&flights, demand, &embargoes, |airport| rules.minimum(airport), self.author.now)?;
        let next = flown.map_or(1, |leg| leg.sequence + 1);
        let legs = self.service.legs(&flights, next, (booking.pieces, booking.space), self.author.now);
        let taken: Vec<Shift> =
            legs.iter().map(|leg| Shift::booked(leg.flight_id, booking.id, leg.id, leg.space)).collect();
        self.shift(tx, &taken).await?;
        capacity::Path::Amending.count_taken(taken.len());
        let first = legs.first().cloned();
        self.draft.now.legs.extend(legs);
        self.draft.now.legs.sort_by_key(|leg| (leg.sequence, leg.id));
        self.draft.now.needs_rerouting = false;
        billing::keep_fee_in_tx(self.service, tx, &mut self.draft, self.author).await?;
        self.draft.record(
            self.author,
            EventType::Rerouted,
            EventDetails { leg: first, accepts_oversize: self.accepts_oversize, ..EventDetails::default() },
        );
        Ok(())
    }
}
