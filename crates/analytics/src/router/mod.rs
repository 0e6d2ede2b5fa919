mod daily;
mod demand;
mod export;
mod popular;
mod searches;

use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Customer, Operator};
use loadmaster_platform::{
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{Problem, Query, ReadRecency, code, private, problem_responses},
};
use loadmaster_reference::Reference;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    dto::{
        FlightFigures, FlightGroups, FlightReport, FreightParams, FunnelFigures, FunnelGroups, FunnelReport,
        LaneGroups, PlaceParams, SpanParams, TransitReport, VolumeGroups, VolumeReport, read_flights, read_funnel,
        read_transit, read_volume,
    },
    model::{FlightSums, FunnelSums, TransitSums, VolumeSums},
    service::AnalyticsService,
};

handler_state!(HandlerState { analytics: AnalyticsService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = OpenApiRouter::new()
        .routes(routes!(volume))
        .routes(routes!(flights))
        .routes(routes!(transit))
        .routes(routes!(funnel))
        .routes(routes!(demand::demand))
        .routes(routes!(daily::daily))
        .routes(routes!(searches::list))
        .routes(routes!(popular::popular));
    let tables = OpenApiRouter::new()
        .routes(routes!(export::volume))
        .routes(routes!(export::flights))
        .routes(routes!(export::transit))
        .routes(routes!(export::funnel))
        .routes(routes!(demand::export))
        .routes(routes!(daily::export))
        .routes(routes!(searches::export));
    Routes { api, tables, ..Routes::default() }
}

problem_responses!(ReportProblems: [INPUT, ROLE]);

/// Report what was booked: that of your organization, or all for carrier staff.
///
/// A booking counts on the local date on which it was made at its origin. `group=organization` has the ids of organizations as
/// keys. Archived bookings are not counted.
#[utoipa::path(get, path = "/analytics/volume", tag = "analytics", operation_id = "getVolumeReport",
    params(SpanParams, VolumeGroups, PlaceParams, FreightParams),
    responses((status = 200, body = VolumeReport), ReportProblems))]
async fn volume(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_volume(fields, &reference, caller, analytics.today()))?;
    let report = analytics.volume(&scope, recency).in_span(span("analytics.volume")).await?;
    Ok(private(Json(VolumeReport::new(&report, |sums: &VolumeSums| sums.into()))))
}

/// Report how punctual flights were and, for carrier staff, how full.
///
/// A flight counts on the local date of its scheduled departure at its origin, whenever it left. The capacity is what a flight
/// carries, without overbooking.
#[utoipa::path(get, path = "/analytics/flights", tag = "analytics", operation_id = "getFlightReport",
    params(SpanParams, FlightGroups, PlaceParams),
    responses((status = 200, body = FlightReport), ReportProblems))]
async fn flights(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_flights(fields, &reference, caller, analytics.today()))?;
    let report = analytics.flights(&scope, recency).in_span(span("analytics.flights")).await?;
    Ok(private(Json(FlightReport::new(&report, |sums: &FlightSums| FlightFigures::new(sums, scope.is_whole)))))
}

/// Report how long shipments took: those of your organization, or all for carrier staff.
///
/// From the first departure to the arrival at the destination. A shipment counts on the local date of that arrival, if it was
/// booked in the 400 days before. Archived bookings are not counted.
#[utoipa::path(get, path = "/analytics/transit-times", tag = "analytics", operation_id = "getTransitReport",
    params(SpanParams, LaneGroups, PlaceParams, FreightParams),
    responses((status = 200, body = TransitReport), ReportProblems))]
async fn transit(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_transit(fields, &reference, caller, analytics.today()))?;
    let report = analytics.transit(&scope, recency).in_span(span("analytics.transit")).await?;
    Ok(private(Json(TransitReport::new(&report, |sums: &TransitSums| sums.into()))))
}

/// Report what became of the searches, quotes, holds and bookings that were made.
///
/// Each counts on the local date on which it was made at its origin. Quotes are also those by which holds and bookings were
/// priced, and priced again. Quotes that nothing took are deleted after seven days: of earlier dates only those taken are
/// counted. Holds of allotments and archived bookings are not counted. Searches are those of `GET /analytics/demand`.
#[utoipa::path(get, path = "/analytics/funnel", tag = "analytics", operation_id = "getFunnelReport",
    params(SpanParams, FunnelGroups, PlaceParams, FreightParams),
    responses((status = 200, body = FunnelReport), ReportProblems))]
async fn funnel(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_funnel(fields, &reference, caller, analytics.today()))?;
    let report = analytics.funnel(&scope, recency).in_span(span("analytics.funnel")).await?;
    let figures = |sums: &FunnelSums| FunnelFigures::new(sums, scope.knows_searches());
    Ok(private(Json(FunnelReport::new(&report, figures))))
}
