use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId};
use loadmaster_platform::{
    room::read_type,
    web::{Raw, list, read, request},
};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

use super::ticket::StreamPath;

/// Most patterns of types.
const MOST_TYPES: usize = 50;

request! {
    /// The parameters of a stream's address: `EventSource` sends no headers of its own.
    #[derive(Default)]
    pub struct StreamParams in query {
        /// A ticket of `POST /stream-tickets`, in place of `Authorization`.
        ticket: Option<String> = read::any,
        /// The id of the last event received; `Last-Event-ID` takes precedence.
        last_event_id: Option<String> = read::any,
    }
}

request! {
    /// Which messages to send; filters combine with AND.
    pub struct MessageParams in query(reference: &Reference, known: &[String]) {
        /// Types of messages of `GET /event-types`, such as `loadmaster.booking.delivered.v1`, or beginnings of types with
        /// `.*`, such as `loadmaster.flight.*`; separated by commas.
        #[param(value_type = Option<Vec<String>>, style = Form, explode = false)]
        types: Option<Vec<String>> = list(MOST_TYPES, |raw: Raw<'_>| read_type(raw, known)),
        /// Only what happens at this airport, or on a flight from or to it.
        station: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only what is about this flight, or about freight on it.
        flight_id: Option<FlightId> = read::code,
        /// Only the messages with this `subject`.
        subject: Option<String> = read::line(100),
        /// A ticket of `POST /stream-tickets`, in place of `Authorization`.
        ticket: Option<String> = read::any,
        /// The id of the last event received; `Last-Event-ID` takes precedence.
        last_event_id: Option<String> = read::any,
    }
}

request! {
    /// Where a ticket is to be used.
    pub struct NewStreamTicket in body {
        /// The path of a stream, such as `/api/v1/stream`; a query is left out.
        #[schema(value_type = String, max_length = 500)]
        path: StreamPath = stream_path,
    }
}

/// What `EventSource` brings in place of a token.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamTicket {
    /// For the parameter `ticket` of that path. Anyone who has it can use it until it expires.
    pub ticket: String,
    /// The ticket is valid until this time.
    pub expires_at: DateTime<Utc>,
}

fn stream_path(raw: Raw<'_>) -> Result<StreamPath, Fault> {
    let text = read::line(500)(raw)?;
    StreamPath::of(text.trim()).ok_or_else(|| Fault::new(FaultCode::UnknownValue, "must be the path of a stream"))
}
