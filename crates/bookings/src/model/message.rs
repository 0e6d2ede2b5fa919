use std::collections::BTreeSet;

use loadmaster_kernel::{AirportCode, AwbNumber, BookingRef, EventId, FlightId, FlightNumber, Pieces, Weight};
use loadmaster_platform::outbox::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Booking, BookingStatus, Correction, DATA_VERSION, Event};

use crate::BOOKING;

/// The data of a message: no free text, no personal data. Each version of a booking has one event: the two numbers
/// advance together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BookingMessage)]
pub struct BookingMessage<'a> {
    /// The version of the form in which the history stores the event's data.
    data_version: i32,
    /// The event's id in the booking's history.
    event_id: EventId,
    ref_id: &'a BookingRef,
    #[schema(required = true)]
    awb_number: Option<&'a AwbNumber>,
    /// The booking's status after the event.
    status: BookingStatus,
    /// The airport of the cargo or of the event; null in the air.
    #[schema(required = true)]
    location: Option<AirportCode>,
    /// The flight of the leg concerned, if there is one.
    #[schema(required = true)]
    flight_id: Option<FlightId>,
    #[schema(required = true)]
    flight_number: Option<&'a FlightNumber>,
    /// All flights that the booking is or was on.
    flight_ids: BTreeSet<FlightId>,
    pieces: Pieces,
    weight_kg: Weight,
    /// The booking's version, as in its `ETag`.
    version: i32,
    /// The step that was taken back; of a `corrected` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    corrects: Option<Correction>,
}

/// Returns the message about an event of a booking, which is as after this event: its history says the same. `trace`: of the request; `None`: the
/// current one.
pub fn message<'a, D>(
    booking: &'a Booking,
    event: &'a Event<D>,
    trace: Option<&'a str>,
) -> Message<'a, BookingMessage<'a>> {
    Message {
        aggregate: BOOKING,
        aggregate_id: booking.id.uuid(),
        organization: Some(booking.organization_id.uuid()),
        subject: booking.ref_id.as_str(),
        sequence: event.sequence,
        event_type: event.event_type.as_str(),
        data: BookingMessage {
            data_version: DATA_VERSION,
            event_id: event.id,
            ref_id: &booking.ref_id,
            awb_number: booking.awb_number.as_ref(),
            status: event.status,
            location: event.location,
            flight_id: event.flight_id,
            flight_number: event.flight_number.as_ref(),
            flight_ids: booking.legs.iter().map(|leg| leg.flight_id).collect(),
            pieces: event.pieces,
            weight_kg: event.weight,
            version: event.sequence,
            corrects: event.corrects,
        },
        occurred_at: event.occurred_at,
        trace,
    }
}
