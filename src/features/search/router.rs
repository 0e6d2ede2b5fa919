use axum::{
    Json,
    extract::{FromRef, State},
    http::header,
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    SearchService,
    dto::{DirectFlight, RouteOption, Search, SearchResult, SearchRoutes},
    model::Sort,
};
use crate::{
    features::reference::Reference,
    platform::web::{Body, NO_STORE, Problem, Query, both, problem_responses},
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    SearchService: FromRef<S>,
    Reference: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(ranked))
}

problem_responses!(SearchProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, PayloadTooLarge,
    UnsupportedMediaType);

/// Search routes: direct flights and connections apart.
///
/// The first leg leaves on the departure date, local to the origin. A connection takes at least the minimum connection
/// time of its airport (120 minutes unless configured; none while the flight number stays the same), and leaves that
/// airport, in its local time, no later than the day after the departure date. Options that cannot be booked as asked
/// stay, after those that can, with their reasons.
#[utoipa::path(post, path = "/routes/search", tag = "search", operation_id = "searchRoutes",
    request_body = SearchRoutes, responses((status = 200, body = SearchResult), SearchProblems))]
async fn search(
    State(service): State<SearchService>,
    State(reference): State<Reference>,
    query: Query,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let read = body.read(|fields| Search::read(fields, &reference, service.max_stops()));
    let ((), search) = both(query.refuse_all(), read)?;
    let mut options =
        service.options(search.origin, search.destination, search.date, &search.request, search.max_stops).await?;
    options.direct.sort_by(|a, b| Sort::Departure.compare(a, b));
    options.transit.sort_by(|a, b| Sort::Arrival.compare(a, b));
    let direct = options.direct.iter().take(search.limit);
    let transit = options.transit.iter().take(search.limit);
    let result = SearchResult {
        origin: search.origin,
        destination: search.destination,
        departure_date: search.date,
        direct_flights: direct.filter_map(|option| DirectFlight::new(option, &reference)).collect(),
        transit_routes: transit.map(|option| RouteOption::new(option, &reference)).collect(),
    };
    service.count();
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(result)))
}

problem_responses!(RankedProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired);

/// Search routes: one ranked list.
///
/// By default the earliest arrival first, then fewer stops, shorter, id. The rules are those of `POST /routes/search`.
#[utoipa::path(get, path = "/routes", tag = "search", operation_id = "listRoutes",
    params(("origin" = String, Query, description = "IATA airport code"),
           ("destination" = String, Query, description = "IATA airport code"),
           ("departure_date" = chrono::NaiveDate, Query, description = "Local calendar date at the origin"),
           ("weight_kg" = Option<f64>, Query), ("volume_m3" = Option<f64>, Query),
           ("positions" = Option<u32>, Query), ("pieces" = Option<u32>, Query),
           ("special_handling_codes" = Option<String>, Query, description = "Codes between commas, at most nine"),
           ("max_stops" = Option<u8>, Query, description = "0 or 1, default 1"),
           ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
           ("sort" = Option<String>, Query, description = "arrival (default), duration or departure")),
    responses((status = 200, body = Vec<RouteOption>), RankedProblems))]
async fn ranked(
    State(service): State<SearchService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    let (search, sort) = query.read(|fields| Search::read_sorted(fields, &reference, service.max_stops()))?;
    let options =
        service.options(search.origin, search.destination, search.date, &search.request, search.max_stops).await?;
    let mut all: Vec<_> = options.direct.into_iter().chain(options.transit).collect();
    all.sort_by(|a, b| sort.compare(a, b));
    let shown: Vec<_> = all.iter().take(search.limit).map(|option| RouteOption::new(option, &reference)).collect();
    service.count();
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(shown)))
}
