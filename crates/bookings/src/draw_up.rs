use std::sync::Arc;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Principal;
use loadmaster_capacity::{OpenUntil, Space};
use loadmaster_flights::Flight;
use loadmaster_holds::{CommitTerms, CreateHold, Demand, Hold, Load, PaymentTerms};
use loadmaster_kernel::{BookingId, BookingRef, FlightId, HoldId, OrganizationId, Pieces};

use super::{
    BookingService,
    dto::CreateBooking,
    model::{Bill, Booking, BookingData, BookingStatus, Event, EventType, Leg, LegStatus, Price, Texts},
};

/// A booking that a caller wants on these flights, in this order.
#[derive(Debug, Clone)]
pub struct NewBooking {
    pub caller: Principal,
    pub new: Arc<CreateBooking>,
    pub flights: Vec<FlightId>,
    /// The hold that it is made of.
    pub hold: Option<MadeOf>,
}

/// The hold that a booking is made of.
#[derive(Debug, Clone)]
pub struct MadeOf {
    pub id: HoldId,
    /// The organization that the booking will belong to.
    pub organization_id: OrganizationId,
    pub price: Option<Price>,
}

impl From<&Hold> for MadeOf {
    fn from(hold: &Hold) -> Self {
        let price = hold.quote.as_ref().map(Price::from);
        Self { id: hold.id, organization_id: hold.organization_id, price }
    }
}

impl CreateBooking {
    /// Returns the room that it takes; a missing volume follows from the weight.
    pub(super) fn space(&self) -> Space {
        Load::of(self.weight_kg, self.volume_m3, self.positions).space
    }

    /// Returns the hold that is to become the booking at once, if the booking names a price, a payment or what only holds
    /// have.
    pub(super) fn as_commit(&self) -> Option<(CreateHold, CommitTerms)> {
        let terms = PaymentTerms {
            payment_token: self.payment_token.clone(),
            payment_method: self.payment_method,
            expected_total: self.expected_total,
        };
        let is_plain = self.quote_id.is_none()
            && !terms.is_given()
            && self.position_names.is_none()
            && self.product.is_none()
            && self.contact.is_none()
            && self.discount_code.is_none();
        if is_plain {
            return None;
        }
        let hold = CreateHold {
            flight_ids: self.flight_ids.clone(),
            origin: Some(self.origin),
            destination: Some(self.destination),
            departure_date: self.departure_date,
            weight_kg: self.weight_kg,
            volume_m3: self.volume_m3,
            positions: self.positions,
            ttl_seconds: None,
            quote_id: self.quote_id,
            discount_code: self.discount_code.clone(),
            pieces: Some(self.pieces),
            position_names: self.position_names.clone(),
            product: self.product.clone(),
            description: self.description.clone(),
            special_handling_codes: self.special_handling_codes.clone(),
            awb_number: self.awb_number.clone(),
            shipper: self.shipper.clone(),
            consignee: self.consignee.clone(),
            customer_reference: self.customer_reference.clone(),
            contact: self.contact.clone(),
        };
        Some((hold, CommitTerms { contacts: self.contacts.clone(), ..CommitTerms::new(&terms) }))
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
            quote_id: None,
            position_names: None,
            product: None,
            contact: None,
            contacts: Vec::new(),
            discount_code: None,
            payment_token: None,
            payment_method: None,
            expected_total: None,
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
            organization_id: operation.hold.as_ref().map_or(caller.organization_id, |hold| hold.organization_id),
            created_by: caller.user_id,
            status: BookingStatus::Booked,
            origin: new.origin,
            destination: new.destination,
            pieces: new.pieces,
            space: new.space(),
            volume_defaulted: new.volume_m3.is_none(),
            special_handling_codes: new.special_handling_codes.clone(),
            awb_number: new.awb_number.clone(),
            hold_id: operation.hold.as_ref().map(|hold| hold.id),
            bill: operation.hold.as_ref().and_then(|hold| hold.price.clone()).map(Bill::new),
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
            flight_number: flight.number,
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
            flight_number: first.map(|leg| leg.flight_number),
            leg_id: first.map(|leg| leg.id),
            pieces: booking.pieces,
            weight: booking.space.weight,
            actor: Some(booking.created_by),
            notes: None,
            data: BookingData::from(booking),
            corrects: None,
            is_corrected: false,
            occurred_at: booking.created_at,
            created_at: booking.created_at,
        }
    }
}
