use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::Guest;
use loadmaster_kernel::{BookingId, BookingRef};
use loadmaster_platform::{
    listing::{Anchor, CountParams, add_total},
    postgres::Recency,
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, ListPosition, PRIVATE, PageFields, PageParams, PageRequest, PathText, Problem, Query,
        ReadRecency, conditional, link, linked, private, problem_responses, read as reader, unless_missing,
    },
};
use loadmaster_reference::Reference;
use serde::Serialize;

use super::super::error::code;

use crate::{
    BookingService, EventParams, History, HistoryAnchor, MOST_EVENTS,
    dto::{BookingBody, BookingFilter, BookingOrder, BookingSort, EventBody, HistoryBody, StatusBody},
    list::Page,
};

problem_responses!(ReadProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// Show a booking.
///
/// By its reference, in upper or lower case: your organization's, or any for carrier staff. `include=history` adds its
/// events.
#[utoipa::path(get, path = "/bookings/{ref_id}", tag = "bookings", operation_id = "getBooking",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"),
           ("include" = Option<String>, Query, description = "`history` adds the 200 newest events"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
pub(super) async fn show(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    PathText(reference): PathText<BookingRef>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let include = query.read(|fields| Some(fields.optional("include", reader::word(&[("history", true)]))));
    let exists = async { bookings.visible(caller, &reference).await.map(drop) };
    let include = unless_missing(include, exists).await?.is_some();
    let body = if include {
        let newest = PageRequest::first(MOST_EVENTS);
        let found =
            bookings.history(caller, &reference, &newest, Recency::Primary).in_span(span("bookings.history")).await?;
        let events = found.events.iter().map(EventBody::from).collect();
        BookingBody { events: Some(events), ..bookings.body(&found.booking) }
    } else {
        bookings.body(&bookings.visible(caller, &reference).in_span(span("bookings.find")).await?)
    };
    Ok(conditional(&body.tag(), &if_none_match, PRIVATE, Json(body)))
}

/// Show the status of a booking.
///
/// The shortest answer about a booking, for those who ask often. Its `ETag` is the booking's version.
#[utoipa::path(get, path = "/bookings/{ref_id}/status", tag = "bookings", operation_id = "getBookingStatus",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case")),
    responses((status = 200, body = StatusBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
pub(super) async fn status(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    PathText(reference): PathText<BookingRef>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { bookings.visible(caller, &reference).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let booking = bookings.visible(caller, &reference).in_span(span("bookings.find")).await?;
    let tag = booking.version.to_string();
    let body = StatusBody { ref_id: booking.ref_id, status: booking.status, updated_at: booking.updated_at };
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(HistoryProblems: [LIST, SIGNED_IN], NOT_FOUND);

/// Show the history of a booking: its newest events, oldest first.
///
/// At most 200 events; `Link` with `rel="prev"` leads to older events.
#[utoipa::path(get, path = "/bookings/{ref_id}/history", tag = "bookings", operation_id = "getBookingHistory",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), EventParams),
    responses((status = 200, body = HistoryBody, headers(("ETag" = String), ("Link" = Option<String>))), (status = 304),
              HistoryProblems))]
pub(super) async fn history(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    State(key): State<CursorKey>,
    PathText(reference): PathText<BookingRef>,
    if_none_match: IfNoneMatch,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { bookings.visible(caller, &reference).await.map(drop) };
    let reader = caller.reader();
    let page = query.read(EventParams::read).and_then(|page| page.open::<HistoryAnchor>(&key, &query, &reader));
    let page = unless_missing(page, exists).await?;
    let History { booking, events, older } =
        bookings.history(caller, &reference, &page, recency).in_span(span("bookings.history")).await?;
    let body = HistoryBody { booking: bookings.body(&booking), timeline: events.iter().map(EventBody::from).collect() };
    let mut answer = conditional(&body.booking.tag(), &if_none_match, PRIVATE, Json(body));
    if let Some(older) = older {
        link(&mut answer, "prev", &older, &key, &query, &reader);
    }
    Ok(answer)
}

problem_responses!(ListProblems: [LIST, SIGNED_IN]);

/// List bookings, newest first or in the order of `sort`: those of your organization, or all for carrier staff.
///
/// Guests see the bookings made of their holds. With `q` a page can have fewer entries than `limit`, or none, although there
/// are more: the list ends where there is no `Link`.
#[utoipa::path(get, path = "/bookings", tag = "bookings", operation_id = "listBookings",
    params(BookingFilter, BookingOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<BookingBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
pub(super) async fn list(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, fields) = query.read(|fields| {
        let (filter, order) = (BookingFilter::read(fields, &reference, caller)?, BookingOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let (sort, reader) = (order.sort.unwrap_or(BookingSort::Newest), caller.reader());
    let direction = sort.direction();
    if sort.is_by_departure() {
        let page = fields.open::<Anchor>(&key, &query, &reader)?;
        let found = bookings.look_by_departure(&filter, direction, &page, count, recency);
        let found = found.in_span(span("bookings.list")).await?;
        return Ok(answer(&bookings, found, &key, &query, &reader));
    }
    let page = fields.open::<ListPosition<BookingId>>(&key, &query, &reader)?;
    let found = bookings.look(&filter, direction, &page, count, recency).in_span(span("bookings.list")).await?;
    Ok(answer(&bookings, found, &key, &query, &reader))
}

fn answer<P: Serialize>(
    bookings: &BookingService,
    page: Page<P>,
    key: &CursorKey,
    query: &Query,
    reader: &str,
) -> Response {
    let bodies: Vec<_> = page.bookings.iter().map(|booking| bookings.body(booking)).collect();
    let mut answer = private(linked(bodies, page.next, key, query, reader));
    add_total(&mut answer, page.total);
    answer
}
