use axum::{Json, extract::State, response::Response};
use loadmaster_kernel::{AirportCode, Weight};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{Problem, Query, ReadRecency, code, private, problem_responses},
};
use loadmaster_reference::Reference;

use super::{
    dto::{HistoryParams, RateHistory, RateWindow, WindowParams},
    model::{Period, Subject},
    service::RateService,
};

handler_state!(HandlerState { rates: RateService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    ApiRouter::new().routes(routes!(history)).routes(routes!(booking_window)).into()
}

fn subject(rates: &RateService, origin: AirportCode, destination: AirportCode, weight: Option<Weight>) -> Subject {
    let weight_kg = rates.standard_weight(weight.unwrap_or_default().hectograms() / 10);
    Subject { lane: (origin, destination), weight_kg }
}

problem_responses!(RateProblems: [INPUT, CALLER]);

/// Show what a lane has cost.
///
/// What an anonymous caller was offered, asked every 15 minutes on the lanes that are searched most and once a day on others with
/// direct flights: for each departure date from today at the origin to 30 days later, the first option of `GET
/// /routes?sort=price` for freight of the product `GENERAL`. Tariffs of an organization and its allotments have no part in it.
/// Prices are for a kilogram of chargeable weight; those of different currencies and sources are not mixed.
#[utoipa::path(get, path = "/rates/history", tag = "rates", operation_id = "getRateHistory", params(HistoryParams),
    responses((status = 200, body = RateHistory), RateProblems))]
async fn history(
    State(rates): State<RateService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let asked = query.read(|fields| HistoryParams::read(fields, &reference, rates.now()))?;
    let subject = subject(&rates, asked.origin, asked.destination, asked.weight_kg);
    let (span_of_dates, by) = (asked.span(rates.today(asked.origin)), asked.by.unwrap_or(Period::Day));
    let reading = rates.history(subject, span_of_dates, by, asked.currency, recency);
    let history = reading.in_span(span("rates.history")).await?;
    let changes = match asked.departure_date {
        Some(date) => Some(rates.changes(subject, date, recency).await?),
        None => None,
    };
    Ok(private(Json(RateHistory::new(subject, history, changes))))
}

/// Show how long before a departure a lane is cheapest.
///
/// From the departures of the last 90 days, by what was offered for them on each of the 30 days before, as of
/// `GET /rates/history`.
#[utoipa::path(get, path = "/rates/booking-window", tag = "rates", operation_id = "getBookingWindow", params(WindowParams),
    responses((status = 200, description = "31 entries, by days before the departure.", body = Vec<RateWindow>), RateProblems))]
async fn booking_window(
    State(rates): State<RateService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let asked = query.read(|fields| WindowParams::read(fields, &reference))?;
    let subject = subject(&rates, asked.origin, asked.destination, asked.weight_kg);
    let windows = rates.booking_window(subject, recency).in_span(span("rates.booking_window")).await?;
    Ok(private(Json(windows.into_iter().map(RateWindow::from).collect::<Vec<_>>())))
}
