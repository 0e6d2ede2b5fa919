use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use loadmaster_bookings::{BookingService, EventParams, History, HistoryAnchor};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        CursorKey, NO_STORE, PageRequest, PathText, Problem, Query, ReadRecency, code, link, problem_responses,
        unless_missing,
    },
};

use super::{TrackingNumber, dto::Tracking};

handler_state!(HandlerState { bookings: BookingService });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new().routes(routes!(track));
    api.into()
}

problem_responses!(TrackProblems: [LIST, CALLER], NOT_FOUND);

/// Any caller may use a cursor, because it leads to public data.
const ANYBODY: &str = "";

/// Track a booking.
///
/// By booking reference or air waybill number, without logging in. If an air waybill number was used twice, the result
/// is the booking that is not cancelled. `timeline` has the 200 newest events; `Link` with `rel="prev"` leads to older
/// events.
#[utoipa::path(get, path = "/tracking/{number}", tag = "tracking", operation_id = "trackShipment",
    params(("number" = String, Path, description = "Booking reference or air waybill number"), EventParams),
    responses((status = 200, body = Tracking, headers(("Link" = Option<String>))), TrackProblems))]
async fn track(
    State(bookings): State<BookingService>,
    State(key): State<CursorKey>,
    PathText(number): PathText<TrackingNumber>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(EventParams::read).and_then(|page| page.open::<HistoryAnchor>(&key, &query, ANYBODY));
    let exists = async { number.find(&bookings, &PageRequest::first(1), recency).await.map(drop) };
    let page = unless_missing(page, exists).await?;
    let History { booking, events, older } =
        number.find(&bookings, &page, recency).in_span(span("tracking.find")).await?;
    let body = Json(Tracking::new(&booking, &events));
    let mut answer = ([(header::CACHE_CONTROL, NO_STORE)], body).into_response();
    if let Some(older) = older {
        link(&mut answer, "prev", &older, &key, &query, ANYBODY);
    }
    Ok(answer)
}
