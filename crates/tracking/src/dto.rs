use chrono::{DateTime, Utc};
use loadmaster_bookings::{Booking, BookingStatus, Correction, Event, EventType, LegBody};
use loadmaster_kernel::{AirportCode, AwbNumber, BookingRef, FlightId, FlightNumber, LegId, Pieces, Weight};
use serde::Serialize;
use utoipa::ToSchema;

/// The public view of a booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tracking {
    pub ref_id: BookingRef,
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    pub status: BookingStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The airport where the cargo is; null while it is in the air.
    #[schema(required = true)]
    pub current_airport: Option<AirportCode>,
    /// Whether the shipment has arrived at its destination.
    pub at_destination: bool,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// The flights of the journey, in order.
    pub legs: Vec<LegBody>,
    /// The newest events, or with `cursor` older ones; oldest first. A step that was taken back is left out.
    #[schema(max_items = 200)]
    pub timeline: Vec<TrackingEvent>,
}

/// The public view of an event, without notes and actor.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackingEvent {
    /// Position in the order, from 1.
    pub sequence: i32,
    pub event_type: EventType,
    /// The status of the booking after the event.
    pub status: BookingStatus,
    /// IATA freight status update (FSU) code, if there is one.
    #[schema(required = true)]
    pub fsu_code: Option<&'static str>,
    #[schema(required = true)]
    pub location: Option<AirportCode>,
    /// The flight.
    #[schema(required = true)]
    pub flight_id: Option<FlightId>,
    #[schema(required = true)]
    pub flight_number: Option<FlightNumber>,
    /// The leg that it belongs to; null: the whole booking.
    #[schema(required = true)]
    pub leg_id: Option<LegId>,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// The step that it takes back; of a `CORRECTED` only. Forget that step: it did not happen.
    #[schema(required = true)]
    pub corrects: Option<Correction>,
    /// Time at which it happened.
    pub occurred_at: DateTime<Utc>,
    /// Time at which it was recorded.
    pub created_at: DateTime<Utc>,
}

impl Tracking {
    pub fn new(booking: &Booking, events: &[Event]) -> Self {
        Self {
            ref_id: booking.ref_id.clone(),
            awb_number: booking.awb_number.clone(),
            status: booking.status,
            origin: booking.origin,
            destination: booking.destination,
            current_airport: booking.current_airport(),
            at_destination: booking.at_destination(),
            pieces: booking.pieces,
            weight_kg: booking.space.weight,
            legs: booking.legs.iter().map(LegBody::from).collect(),
            timeline: events.iter().filter(|event| !event.is_corrected).map(TrackingEvent::from).collect(),
        }
    }
}

impl From<&Event> for TrackingEvent {
    fn from(event: &Event) -> Self {
        Self {
            sequence: event.sequence,
            event_type: event.event_type,
            status: event.status,
            fsu_code: event.fsu_code(),
            location: event.location,
            flight_id: event.flight_id,
            flight_number: event.flight_number,
            leg_id: event.leg_id,
            pieces: event.pieces,
            weight_kg: event.weight,
            corrects: event.corrects,
            occurred_at: event.occurred_at,
            created_at: event.created_at,
        }
    }
}
