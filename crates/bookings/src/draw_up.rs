use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_holds::{CommitTerms, CreateHold, Hold, PaymentTerms};
use loadmaster_kernel::{AirportCode, BookingId, BookingRef, FlightId, HoldId, OrganizationId, Pieces, UserId};
use loadmaster_platform::web::freight::NewDimensions;
use loadmaster_shipment::{BookingContact, Shipment};

use super::{
    BookingService,
    dto::CreateBooking,
    model::{Bill, Booking, BookingData, BookingStatus, Event, EventType, Leg, LegStatus, Price},
};

/// A booking that a caller wants on these flights, in this order.
#[derive(Debug, Clone)]
pub struct NewBooking {
    pub caller: Principal,
    pub wanted: Arc<PlainBooking>,
    pub flights: Vec<FlightId>,
}

impl NewBooking {
    /// Returns the organization that it will belong to, and its user who asks for it.
    pub fn owner(&self) -> (OrganizationId, UserId) {
        (self.caller.organization_id, self.caller.user_id)
    }

    /// Returns the space that it takes on each flight.
    pub fn space(&self) -> Space {
        self.wanted.shipment.load.space
    }
}

/// What is asked for with a booking without a price.
#[derive(Debug)]
pub struct PlainBooking {
    pub shipment: Shipment,
    /// Empty: the best option.
    pub flight_ids: Vec<FlightId>,
    pub departure_date: Option<NaiveDate>,
    pub contacts: Vec<BookingContact>,
}

impl PlainBooking {
    /// What an order without price, payment and what only holds have asks for, from and to these airports.
    fn of(
        order: CreateHold,
        (origin, destination): (AirportCode, AirportCode),
        pieces: Pieces,
        contacts: Vec<BookingContact>,
    ) -> Self {
        let shipment = Shipment {
            origin,
            destination,
            pieces,
            load: order.load(),
            accepts_oversize: order.accepts_oversize(),
            texts: order.texts(),
            dimensions: order.dimensions.map(NewDimensions::into_inner),
            special_handling_codes: order.special_handling_codes,
            awb_number: order.awb_number,
        };
        Self { shipment, flight_ids: order.flight_ids, departure_date: order.departure_date, contacts }
    }
}

/// How a booking that is asked for is made.
pub(super) enum Making {
    AtOnce(Arc<PlainBooking>),
    /// Of a hold: it names a price, a payment or what only holds have.
    OfHold(Box<CreateHold>, CommitTerms),
}

/// The hold that a booking is made of.
#[derive(Debug, Clone)]
pub struct MadeOf {
    pub id: HoldId,
    pub product: String,
    pub price: Option<Price>,
}

impl From<&Hold> for MadeOf {
    fn from(hold: &Hold) -> Self {
        let price = hold.quote.as_ref().map(Price::from);
        Self { id: hold.id, product: hold.product.clone(), price }
    }
}

impl CreateBooking {
    /// Returns whether it names neither a price nor a payment, nor what only holds have.
    const fn is_plain(&self) -> bool {
        let is_priced = self.quote_id.is_some() || self.discount_code.is_some() || self.expected_total.is_some();
        let is_paid = self.payment_token.is_some() || self.payment_method.is_some();
        let is_of_holds = self.position_names.is_some() || self.product.is_some() || self.contact.is_some();
        !is_priced && !is_paid && !is_of_holds
    }

    /// Returns how it is made. Names each member: the compiler asks where a new one goes, and it goes into both.
    pub(super) fn making(self) -> Making {
        let is_plain = self.is_plain();
        let Self {
            origin,
            destination,
            dimensions,
            accept_oversize,
            pieces,
            weight_kg,
            volume_m3,
            positions,
            flight_ids,
            departure_date,
            description,
            special_handling_codes,
            awb_number,
            shipper,
            consignee,
            customer_reference,
            quote_id,
            position_names,
            product,
            contact,
            contacts,
            discount_code,
            payment_token,
            payment_method,
            expected_total,
        } = self;
        let terms = PaymentTerms { payment_token, payment_method, expected_total };
        let ends = (origin, destination);
        let hold = CreateHold {
            flight_ids,
            origin: Some(origin),
            destination: Some(destination),
            departure_date,
            dimensions,
            accept_oversize,
            weight_kg,
            volume_m3,
            positions,
            ttl_seconds: None,
            quote_id,
            discount_code,
            pieces: Some(pieces),
            position_names,
            product,
            description,
            special_handling_codes,
            awb_number,
            shipper,
            consignee,
            customer_reference,
            contact,
        };
        if is_plain {
            return Making::AtOnce(Arc::new(PlainBooking::of(hold, ends, pieces, contacts)));
        }
        Making::OfHold(Box::new(hold), CommitTerms { contacts, ..CommitTerms::new(&terms) })
    }
}

impl BookingService {
    /// Draws up a new booking on these flights, of an organization and by one of its users.
    pub(super) fn draw_up(
        &self,
        shipment: Shipment,
        (organization_id, created_by): (OrganizationId, UserId),
        made_of: Option<MadeOf>,
        (id, ref_id): (BookingId, BookingRef),
        flights: &[Flight],
        now: DateTime<Utc>,
    ) -> Booking {
        let Shipment {
            origin, destination, pieces, load, dimensions, special_handling_codes, awb_number, texts, ..
        } = shipment;
        let (hold_id, product, price) = match made_of {
            Some(MadeOf { id, product, price }) => (Some(id), Some(product), price),
            None => (None, None, None),
        };
        Booking {
            id,
            ref_id,
            organization_id,
            created_by,
            status: BookingStatus::Booked,
            origin,
            destination,
            pieces,
            space: load.space,
            volume_defaulted: load.volume_defaulted,
            dimensions,
            special_handling_codes,
            awb_number,
            hold_id,
            product,
            bill: price.map(Bill::new),
            needs_rerouting: false,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            texts,
            legs: self.legs(flights, 1, (pieces, load.space), now),
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
            cutoff: Some(flight.space.cutoff),
            carriage: Some(flight.into()),
        });
        legs.collect()
    }

    /// Returns the event of a booking that was just drawn up.
    pub(super) fn booked_event(&self, booking: &Booking, accepts_oversize: bool) -> Event<BookingData> {
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
            data: BookingData::from(booking).accepting_oversize(accepts_oversize),
            corrects: None,
            is_corrected: false,
            occurred_at: booking.created_at,
            created_at: booking.created_at,
        }
    }
}
