use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{
    event::{DATA_VERSION, Event},
    model::Booking,
    repository,
};
use crate::platform::{
    outbox::{self, Aggregate, Message},
    postgres::DbError,
};

/// Writes an event of a booking, its notes beside it, and the message that tells of it. The booking is as it is after
/// the event.
pub(super) async fn record_in_tx(tx: &mut PgConnection, booking: &Booking, event: &Event) -> Result<(), DbError> {
    repository::insert_event(tx, booking.id, event).await?;
    if let Some(notes) = &event.notes {
        repository::insert_notes(tx, booking.id, event.sequence, notes).await?;
    }
    let message = Message {
        aggregate: Aggregate::Booking,
        aggregate_id: booking.id.uuid(),
        sequence: event.sequence,
        event_type: event.event_type.as_str(),
        payload: payload(booking, event),
        occurred_at: event.occurred_at,
    };
    Ok(outbox::append_in_tx(tx, &[message]).await?)
}

/// What others are told: no free text, no person.
fn payload(booking: &Booking, event: &Event) -> Value {
    json!({
        "data_version": DATA_VERSION,
        "event_id": event.id,
        "ref_id": booking.ref_id,
        "awb_number": booking.awb_number,
        "status": event.status,
        "location": event.location,
        "flight_id": event.flight_id,
        "flight_number": event.flight_number,
        "pieces": event.pieces,
        "weight_kg": event.weight,
        "version": booking.version,
    })
}
