use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri, State},
    http::{HeaderName, StatusCode, header, request},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Guest, Principal, Role, required};
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    web::{Body, ClientAddress, NO_STORE, PathText, Problem, Query, both, problem_responses, unless_missing},
};
use loadmaster_reference::Reference;
use loadmaster_tracking::TrackingNumber;

use super::{
    described::{BookingEvents, FlightEvents, MessageEvents, TrackingEvents},
    dto::{MessageParams, NewStreamTicket, StreamParams, StreamTicket},
    error::{LiveError, code},
    filter::Filter,
    service::{Listener, LiveService},
};

handler_state!(HandlerState { live: LiveService, reference: Reference });

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(flight))
        .routes(routes!(booking))
        .routes(routes!(tracking))
        .routes(routes!(messages))
        .routes(routes!(ticket));
    api.into()
}

/// What every request for a stream may bring.
struct StreamRequest {
    /// By its token.
    caller: Option<Principal>,
    address: Option<ClientAddress>,
    path: String,
    last: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for StreamRequest {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let last = parts.headers.get(LAST_EVENT_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        Ok(Self {
            caller: parts.extensions.get().copied(),
            address: parts.extensions.get().copied(),
            path: original.path().to_owned(),
            last,
        })
    }
}

impl StreamRequest {
    /// Returns the caller: a ticket counts in place of a token, and like a token before the other parameters are judged.
    async fn caller(&self, live: &LiveService, query: &Query) -> Result<Option<Principal>, LiveError> {
        match query.raw("ticket") {
            Some(ticket) => Ok(Some(live.holder_of(&self.path, ticket).await?)),
            None => Ok(self.caller),
        }
    }

    /// A header names a later event than the address, which stays as it is when `EventSource` comes back.
    fn listener(self, caller: Option<Principal>, last: Option<String>) -> Listener {
        Listener { caller, address: self.address, last: self.last.or(last).filter(|id| !id.is_empty()) }
    }
}

problem_responses!(PublicProblems: [INPUT, CALLER], NOT_FOUND, TOO_MANY_STREAMS);

/// Follow a flight.
///
/// Server-sent events: `flight`, whose data is a `Flight`, and `availability`, whose data is an `Availability`, each as it is
/// when it changes, at most five times a second; the first are the state now. A client that comes back with `Last-Event-ID`
/// gets both if they have changed; `reset` (`StreamReset`) comes before them if that id leads nowhere.
#[utoipa::path(get, path = "/flights/{id}/stream", tag = "streams", operation_id = "streamFlight",
    params(("id" = FlightId, Path, description = "Id of the flight"), StreamParams,
           ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received")),
    responses((status = 200, description = "Events, until either side ends them.", content_type = "text/event-stream", body = FlightEvents),
              PublicProblems))]
async fn flight(
    State(live): State<LiveService>,
    PathText(id): PathText<FlightId>,
    asked: StreamRequest,
    query: Query,
) -> Result<Response, Problem> {
    let caller = asked.caller(&live, &query).await?;
    let params = unless_missing(query.read(StreamParams::read), live.flights.exists(id)).await?;
    Ok(live.flight(id, &asked.listener(caller, params.last_event_id)).await?.into_response())
}

problem_responses!(BookingProblems: [INPUT, SIGNED_IN], NOT_FOUND, TOO_MANY_STREAMS);

/// Follow a booking.
///
/// Server-sent events `booking`, whose data is a `BookingNews`: `event`, an event of its history, and `booking`, the booking as
/// it is then; `id` is the number of the event. The first is the state now, with `event: null`. A client that comes back with
/// `Last-Event-ID` gets every later event, however old; `reset` (`StreamReset`) comes first if that id leads nowhere.
#[utoipa::path(get, path = "/bookings/{ref_id}/stream", tag = "streams", operation_id = "streamBooking",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), StreamParams,
           ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received")),
    responses((status = 200, description = "Events, until either side ends them.", content_type = "text/event-stream", body = BookingEvents),
              BookingProblems))]
async fn booking(
    State(live): State<LiveService>,
    reference: Result<PathText<BookingRef>, Problem>,
    asked: StreamRequest,
    query: Query,
) -> Result<Response, Problem> {
    let caller = required(asked.caller(&live, &query).await?.as_ref(), Role::Guest)?;
    let PathText(reference) = reference?;
    let exists = live.booking_exists(caller, &reference);
    let params = unless_missing(query.read(StreamParams::read), exists).await?;
    let listener = asked.listener(Some(caller), params.last_event_id);
    Ok(live.booking(&reference, caller, &listener).await?.into_response())
}

/// Follow a shipment.
///
/// Server-sent events `tracking`, whose data is a `TrackingNews`: `event`, an event of its journey, and `tracking`, what anyone
/// may see of the shipment then; `id` is the number of the event. The first is the state now, with `event: null`. A client
/// that comes back with `Last-Event-ID` gets every later event, however old; `reset` (`StreamReset`) comes first if that id
/// leads nowhere.
#[utoipa::path(get, path = "/tracking/{number}/stream", tag = "streams", operation_id = "streamTracking",
    params(("number" = String, Path, description = "Booking reference or air waybill number"), StreamParams,
           ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received")),
    responses((status = 200, description = "Events, until either side ends them.", content_type = "text/event-stream", body = TrackingEvents),
              PublicProblems))]
async fn tracking(
    State(live): State<LiveService>,
    PathText(number): PathText<TrackingNumber>,
    asked: StreamRequest,
    query: Query,
) -> Result<Response, Problem> {
    let caller = asked.caller(&live, &query).await?;
    let params = unless_missing(query.read(StreamParams::read), live.shipment_exists(&number)).await?;
    Ok(live.tracking(&number, &asked.listener(caller, params.last_event_id)).await?.into_response())
}

problem_responses!(MessageProblems: [INPUT, ROLE], TOO_MANY_STREAMS);

/// Follow all messages.
///
/// Server-sent events `message`, whose data is the message that webhooks and other subscribers receive (`StreamMessage`;
/// `GET /event-types/{type}` has the schema of each type). Starts with those that are written from now on; a client that comes
/// back with `Last-Event-ID` gets what it missed in the last seven days, some of it twice; `reset` (`StreamReset`) comes first
/// if that id is too old or leads nowhere.
#[utoipa::path(get, path = "/stream", tag = "streams", operation_id = "streamMessages",
    params(MessageParams,
           ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received")),
    responses((status = 200, description = "Events, until either side ends them.", content_type = "text/event-stream", body = MessageEvents),
              MessageProblems))]
async fn messages(
    State(live): State<LiveService>,
    State(reference): State<Reference>,
    asked: StreamRequest,
    query: Query,
) -> Result<Response, Problem> {
    let caller = required(asked.caller(&live, &query).await?.as_ref(), Role::Operator)?;
    let params = query.read(|fields| MessageParams::read(fields, &reference, &live.types))?;
    let MessageParams { types, station, flight_id: flight, subject, last_event_id, .. } = params;
    let listener = asked.listener(Some(caller), last_event_id);
    let filter = Filter { types: types.unwrap_or_default(), station, flight, subject };
    Ok(live.messages(filter, &listener).await?.into_response())
}

problem_responses!(TicketProblems: [INPUT, SIGNED_IN, BODY]);

/// Get a ticket for a stream.
///
/// `EventSource` sends no token: it opens the stream with the parameter `ticket`. A ticket is valid for 60 seconds, for that
/// path and caller. A client that comes back later needs another one, with `last_event_id`.
#[utoipa::path(post, path = "/stream-tickets", tag = "streams", operation_id = "createStreamTicket",
    request_body = NewStreamTicket,
    responses((status = 201, body = StreamTicket), TicketProblems))]
async fn ticket(
    Guest(caller): Guest,
    State(live): State<LiveService>,
    query: Query,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let ((), wanted) = both(query.refuse_all(), body.read(NewStreamTicket::read))?;
    let ticket = live.ticket(&wanted.path, caller)?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, NO_STORE)], Json(ticket)))
}
