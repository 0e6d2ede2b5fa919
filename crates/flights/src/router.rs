mod season;

use std::collections::HashMap;

use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Principal, Role};
use loadmaster_kernel::{AirlineCode, FlightId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    listing::{CountParams, add_total},
    postgres::Recency,
    room::{Routes, handler_state},
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PageRequest, PathText, Problem, Query, ReadRecency,
        code, conditional, paid, problem_responses, unless_missing,
    },
    work::CreateRequest,
};
use loadmaster_reference::Reference;

use super::{
    Flight, FlightBody, FlightError, FlightFilter, FlightService,
    create::Create,
    dto::{AirlineRoute, CapacityShape, CreateFlight, FlightOrder, FlightSort, RouteFilter},
    export::{EXPORTED, row},
    model::{FlightAnchor, FlightFeed, RouteAnchor},
};

/// `Cache-Control` of a flight: clients revalidate it each time, as its available capacity changes.
pub const REVALIDATE: &str = "no-cache";

handler_state!(HandlerState { flights: FlightService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(routes_of_airline))
        .routes(routes!(search_routes));
    let tables = ApiRouter::new().routes(routes!(export)).routes(routes!(season::export));
    Routes { api, tables, ..Routes::default() }
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], ALREADY_EXISTS);

/// Create a flight.
///
/// A flight number can depart from an airport only once per local calendar date; cancelled flights do not count.
#[utoipa::path(post, path = "/flights", tag = "flights", operation_id = "createFlight",
    request_body = CreateFlight, params(KeyHeader),
    responses((status = 201, body = FlightBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let body = request.body();
    let new = body.read(|fields| CreateFlight::read(fields, &reference, CapacityShape::Object)?.complete(&reference));
    let answer = move |flight: &Flight| {
        Answer::new(StatusCode::CREATED, &FlightBody::new(flight, &reference), REVALIDATE)
            .with_tag(flight.entity_tag())
            .with_location(format!("/api/v1/flights/{}", flight.id))
    };
    let command = |new| Create { flights, actor: caller.user_id, new };
    request.run(caller.user_id.uuid(), new, command, answer).await
}

problem_responses!(ShowProblems: [INPUT, CALLER], NOT_FOUND);

/// Show a flight.
///
/// What is available may be a second old; `/flights/{id}/availability` reads it from the database.
#[utoipa::path(get, path = "/flights/{id}", tag = "flights", operation_id = "getFlight",
    params(("id" = FlightId, Path, description = "Id of the flight"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = FlightBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    PathText(id): PathText<FlightId>,
    if_none_match: IfNoneMatch,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { flights.flight(id).await.map(drop) }).await?;
    let flight = flights.flight(id).in_span(span("flights.find")).await?;
    let body = FlightBody::new(&flight, &reference);
    let Some(feed) = feeds_for(caller, &flights, &[id]).await?.remove(&id) else {
        return Ok(conditional(&flight.entity_tag(), &if_none_match, REVALIDATE, Json(body)));
    };
    // Runs and persons change it without a change of the flight.
    let tag = format!("{}-{}-{}", flight.entity_tag(), feed.seen_at.timestamp_micros(), u8::from(feed.is_kept));
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(body.with_feed(Some(feed)))))
}

/// The caller of a request that anybody may send.
type Caller = Option<Extension<Principal>>;

/// Returns the feeds of these flights, for the carrier's staff.
async fn feeds_for(
    caller: Caller,
    flights: &FlightService,
    ids: &[FlightId],
) -> Result<HashMap<FlightId, FlightFeed>, Problem> {
    if caller.is_some_and(|Extension(caller)| caller.role >= Role::Operator) {
        return Ok(flights.feeds_of(ids).await?);
    }
    Ok(HashMap::new())
}

problem_responses!(ListProblems: [LIST, CALLER]);

/// List flights by departure, then id, or in the order of `sort`.
///
/// The filters combine with AND.
#[utoipa::path(get, path = "/flights", tag = "flights", operation_id = "listFlights",
    params(FlightFilter, FlightOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<FlightBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (FlightFilter::read(fields, &reference)?, FlightOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let sort = order.sort.unwrap_or(FlightSort::Earliest);
    let page = page.open::<FlightAnchor>(&key, &query, "")?;
    let found = flights.list(&filter, sort, &page, count, recency).in_span(span("flights.list")).await?;
    let ids: Vec<FlightId> = found.entries.iter().map(|flight| flight.id).collect();
    let mut feeds = feeds_for(caller, &flights, &ids).await?;
    let mut body = |flight: &Flight| FlightBody::new(flight, &reference).with_feed(feeds.remove(&flight.id));
    let bodies: Vec<_> = found.entries.iter().map(&mut body).collect();
    let anchor = |body: &FlightBody| sort.anchor(body);
    let mut answer = page.answer(bodies, anchor, &key, &query, "");
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ExportProblems: [INPUT, CALLER], EXPORT_TOO_LARGE);

/// Export flights by departure.
///
/// A table with the columns of an import. Cancelled flights are left out unless `status` asks for them: an import would create
/// them anew. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/flights/export", tag = "flights", operation_id = "exportFlights",
    params(FlightFilter, ExportParams,
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the table still has this ETag")),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String), ("ETag" = String))), (status = 304), ExportProblems))]
async fn export(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, params) =
        query.read(|fields| Some((FlightFilter::read(fields, &reference)?, ExportParams::read(fields)?)))?;
    let export = Export::new("flights", EXPORTED, &params);
    let (rows, digest) = paid(flights.count(&filter)).await?;
    export.check(rows)?;
    let export = export.tagged(&format!("{rows}-{digest:x}"), if_none_match);
    let status = filter.status;
    let read = move |page: PageRequest<FlightAnchor>| {
        let (flights, filter) = (flights.clone(), filter.clone());
        async move {
            let count = CountParams::default();
            Ok(flights.list(&filter, FlightSort::Earliest, &page, count, Recency::Now).await?.entries)
        }
    };
    let anchor = |flight: &Flight| FlightAnchor::Time(flight.departure, flight.id);
    export.paged(read, anchor, move |flight| row(flight, status)).await
}

problem_responses!(RouteProblems: [LIST, CALLER], NOT_FOUND);

/// List the routes of an airline.
///
/// A new flight, or a change of its times, is included immediately; other changes within 60 seconds.
#[utoipa::path(get, path = "/airlines/{code}/routes", tag = "reference data", operation_id = "listAirlineRoutes",
    params(("code" = String, Path, description = "Airline designator"), PageParams),
    responses((status = 200, body = Vec<AirlineRoute>, headers(("Link" = String))), RouteProblems))]
async fn routes_of_airline(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    PathText(code): PathText<AirlineCode>,
    query: Query,
) -> Result<Response, Problem> {
    let airline = reference.airline(code).ok_or_else(|| Problem::not_found(format!("airline {code}")))?.code;
    let page = query.read(|fields| Some(PageFields::read(fields)))?;
    answer_routes(&flights, Some(airline), RouteFilter::default(), page, &key, &query).await
}

problem_responses!(SearchProblems: [LIST, CALLER]);

/// Find the airlines that fly between two airports.
///
/// A new flight, or a change of its times, is included immediately; other changes within 60 seconds.
#[utoipa::path(get, path = "/airlines/routes/search", tag = "reference data", operation_id = "searchAirlineRoutes",
    params(RouteFilter, PageParams),
    responses((status = 200, body = Vec<AirlineRoute>, headers(("Link" = String))), SearchProblems))]
async fn search_routes(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) =
        query.read(|fields| Some((RouteFilter::read(fields, &reference)?, PageFields::read(fields))))?;
    answer_routes(&flights, None, filter, page, &key, &query).await
}

async fn answer_routes(
    flights: &FlightService,
    airline: Option<AirlineCode>,
    filter: RouteFilter,
    page: PageFields,
    key: &CursorKey,
    query: &Query,
) -> Result<Response, Problem> {
    let page = page.open::<RouteAnchor>(key, query, "")?;
    let routes = flights
        .airline_routes(airline, &filter, &page)
        .in_span(span("flights.routes"))
        .await
        .map_err(|error: FlightError| Problem::from(error))?;
    Ok(page.answer(routes, |r| RouteAnchor(r.airline_code, r.origin, r.destination), key, query, ""))
}
