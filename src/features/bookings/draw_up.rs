use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    BookingService,
    dto::CreateBooking,
    model::{Booking, BookingData, BookingStatus, Event, EventType, Leg, LegStatus, Texts},
};
use crate::{
    features::{
        accounts::Principal,
        capacity::{OpenUntil, Space},
        flights::Flight,
        holds::{Demand, Hold, Load},
    },
    kernel::{BookingId, BookingRef, FlightId, HoldId, OrganizationId, Pieces},
};

/// A booking that a caller wants on these flights, in this order.
#[derive(Debug, Clone)]
pub struct NewBooking {
    pub caller: Principal,
    pub new: Arc<CreateBooking>,
    pub flights: Vec<FlightId>,
    /// The organization that it will belong to, if not the caller's, and the hold that it is made of.
    pub hold: Option<(OrganizationId, HoldId)>,
}

impl CreateBooking {
    /// Returns the room that it takes; a missing volume follows from the weight.
    pub(super) fn space(&self) -> Space {
        Load::of(self.weight_kg, self.volume_m3, self.positions).space
    }

    /// The booking that a hold is to become; `None` if the hold lacks what a booking requires.
    pub(super) fn of_hold(hold: &Hold) -> Option<Self> {
        Some(Self {
            origin: hold.origin,
            destination: hold.destination,
            pieces: hold.pieces?,
            weight_kg: hold.space.weight,
            volume_m3: Some(hold.space.volume).filter(|_| !hold.volume_defaulted),
            positions: Some(hold.space.positions),
            flight_ids: Vec::new(),
            departure_date: None,
            description: hold.texts.description.clone(),
            special_handling_codes: hold.special_handling_codes.clone(),
            awb_number: hold.awb_number.clone(),
            shipper: hold.texts.shipper.clone(),
            consignee: hold.texts.consignee.clone(),
            customer_reference: hold.texts.customer_reference.clone(),
        })
    }

    pub(super) fn demand(&self) -> Demand<'_> {
        Demand {
            origin: self.origin,
            destination: self.destination,
            space: self.space(),
            special_handling_codes: &self.special_handling_codes,
            inbound: None,
            until: OpenUntil::Cutoff,
        }
    }

    pub(super) fn texts(&self) -> Texts {
        Texts {
            description: self.description.clone(),
            customer_reference: self.customer_reference.clone(),
            shipper: self.shipper.clone(),
            consignee: self.consignee.clone(),
        }
    }
}

impl BookingService {
    /// Draws up a new booking on these flights.
    pub(super) fn draw_up(
        &self,
        operation: &NewBooking,
        (id, ref_id): (BookingId, BookingRef),
        flights: &[Flight],
        now: DateTime<Utc>,
    ) -> Booking {
        let NewBooking { caller, new, .. } = operation;
        Booking {
            id,
            ref_id,
            organization_id: operation.hold.map_or(caller.organization_id, |(organization, _)| organization),
            created_by: caller.user_id,
            status: BookingStatus::Booked,
            origin: new.origin,
            destination: new.destination,
            pieces: new.pieces,
            space: new.space(),
            volume_defaulted: new.volume_m3.is_none(),
            special_handling_codes: new.special_handling_codes.clone(),
            awb_number: new.awb_number.clone(),
            hold_id: operation.hold.map(|(_, hold)| hold),
            needs_rerouting: false,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            texts: new.texts(),
            legs: self.legs(flights, 1, (new.pieces, new.space()), now),
        }
    }

    /// Builds legs on these flights, numbered from `first` on.
    pub(super) fn legs(
        &self,
        flights: &[Flight],
        first: i32,
        (pieces, space): (Pieces, Space),
        now: DateTime<Utc>,
    ) -> Vec<Leg> {
        let legs = (first..).zip(flights).map(|(sequence, flight)| Leg {
            id: self.ids.next(now),
            sequence,
            flight_id: flight.id,
            flight_number: flight.number.clone(),
            origin: flight.origin,
            destination: flight.destination,
            departure: flight.departure,
            arrival: flight.arrival,
            status: LegStatus::Booked,
            offload_reason: None,
            space_code: "KK".to_owned(),
            pieces,
            space,
        });
        legs.collect()
    }

    /// Returns the event of a booking that was just drawn up.
    pub(super) fn booked_event(&self, booking: &Booking) -> Event<BookingData> {
        let first = booking.legs.first();
        Event {
            id: self.ids.next(booking.created_at),
            sequence: 1,
            event_type: EventType::Booked,
            status: booking.status,
            location: Some(booking.origin),
            flight_id: first.map(|leg| leg.flight_id),
            flight_number: first.map(|leg| leg.flight_number.clone()),
            leg_id: first.map(|leg| leg.id),
            pieces: booking.pieces,
            weight: booking.space.weight,
            actor: Some(booking.created_by),
            notes: None,
            data: BookingData::from(booking),
            occurred_at: booking.created_at,
            created_at: booking.created_at,
        }
    }
}
