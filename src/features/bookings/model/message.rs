use std::collections::BTreeSet;

use serde::Serialize;

use super::{Booking, BookingStatus, DATA_VERSION, Event};
use crate::{
    features::bookings::BOOKING,
    kernel::{AirportCode, AwbNumber, BookingRef, EventId, FlightId, FlightNumber, Pieces, Weight},
    platform::outbox::Message,
};

/// The data of a message: no free text, no personal data. Each version of a booking has one event: the two numbers
/// advance together.
#[derive(Debug, Serialize)]
pub struct BookingMessage<'a> {
    data_version: i32,
    event_id: EventId,
    ref_id: &'a BookingRef,
    awb_number: Option<&'a AwbNumber>,
    status: BookingStatus,
    location: Option<AirportCode>,
    flight_id: Option<FlightId>,
    flight_number: Option<&'a FlightNumber>,
    flight_ids: BTreeSet<FlightId>,
    pieces: Pieces,
    weight_kg: Weight,
    version: i32,
}

/// Returns the message about an event of a booking, which is as after the event. `trace`: of the request; `None`: the
/// current one.
pub fn message<'a, D>(
    booking: &'a Booking,
    event: &'a Event<D>,
    trace: Option<&'a str>,
) -> Message<'a, BookingMessage<'a>> {
    Message {
        aggregate: BOOKING,
        aggregate_id: booking.id.uuid(),
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
        },
        occurred_at: event.occurred_at,
        trace,
    }
}
