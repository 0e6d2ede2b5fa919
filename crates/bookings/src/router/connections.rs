use axum::{extract::State, response::Response};
use loadmaster_accounts::Operator;
use loadmaster_flights::FlightAnchor;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{
        CursorKey, PageUpTo, PathText, Problem, Query, ReadRecency, linked, private, problem_responses, unless_missing,
    },
};
use loadmaster_reference::Reference;

use super::super::error::code;

use crate::{
    BookingService,
    dto::{ConcernedBooking, ConnectionFilter, ConnectionWindow, FlightConnections},
    model::BookingAnchor,
};

/// Flights that are looked at for a page.
const MOST_FLIGHTS: u32 = 200;
/// Bookings on a page.
const MOST_BOOKINGS: u32 = 100;

problem_responses!(WindowProblems: [LIST, ROLE]);

/// List flights with connections at risk, by departure, then id.
///
/// For a station and a window of at most 4 days: the flights with bookings whose next flight leaves less than the minimum
/// connection time after this one lands, or before, and with bookings that lost a leg and need another route. A connection is
/// judged by the best known times at the moment of the request; a flight that has not left or landed by its time does so now at
/// the earliest. Freight that has landed counts until its next flight leaves. A page looks at up to `limit` flights and leaves out
/// those without such bookings: it can have fewer entries, or none, although there are more. The list ends where there is no
/// `Link`.
#[utoipa::path(get, path = "/flights/connections", tag = "flights", operation_id = "listFlightConnections",
    params(ConnectionWindow, PageUpTo<MOST_FLIGHTS>),
    responses((status = 200, body = Vec<FlightConnections>, headers(("Link" = Option<String>))), WindowProblems))]
pub(super) async fn list(
    Operator(caller): Operator,
    State(bookings): State<BookingService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let now = bookings.clock.now();
    let (window, page) = query
        .read(|fields| Some((ConnectionWindow::read(fields, &reference)?, PageUpTo::<MOST_FLIGHTS>::read(fields)?)))?;
    let reader = caller.role.as_str();
    let page = page.open::<FlightAnchor>(&key, &query, reader)?;
    let (found, last) =
        bookings.concerns(window.window(now), &page, recency).in_span(span("bookings.connections")).await?;
    let bodies: Vec<_> = found.iter().map(FlightConnections::from).collect();
    Ok(private(linked(bodies, last, &key, &query, reader)))
}

problem_responses!(FlightProblems: [LIST, ROLE], NOT_FOUND);

/// List the bookings of a flight whose connection is at risk or that are to be rerouted, newest first.
///
/// They are those that `GET /flights/connections` counts for the flight, each with the connection that it may miss and the earliest
/// departure of another route.
#[utoipa::path(get, path = "/flights/{id}/connections", tag = "flights", operation_id = "listConcernedBookings",
    params(("id" = FlightId, Path, description = "Id of the flight"), ConnectionFilter, PageUpTo<MOST_BOOKINGS>),
    responses((status = 200, body = Vec<ConcernedBooking>, headers(("Link" = Option<String>))), FlightProblems))]
pub(super) async fn list_of_flight(
    Operator(caller): Operator,
    State(bookings): State<BookingService>,
    State(key): State<CursorKey>,
    PathText(id): PathText<FlightId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let input = query
        .read(|fields| Some((ConnectionFilter::read(fields)?, PageUpTo::<MOST_BOOKINGS>::read(fields)?)))
        .and_then(|(filter, page)| Ok((filter, page.open::<BookingAnchor>(&key, &query, reader)?)));
    let (filter, page) = unless_missing(input, async { bookings.flights.flight(id).await.map(drop) }).await?;
    let flight = bookings.flights.flight(id).await?;
    let mut found =
        bookings.concerned(&flight, filter.concern, &page, recency).in_span(span("bookings.concerned")).await?;
    let last = page.cut(&mut found).map(|found| BookingAnchor(found.booking.id));
    let bodies: Vec<_> = found.iter().map(|found| ConcernedBooking::new(found, bookings.surroundings())).collect();
    Ok(private(linked(bodies, last, &key, &query, reader)))
}
