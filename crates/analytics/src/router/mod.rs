mod export;
mod popular;
mod reported;
mod searches;
mod stations;

use axum::response::Response;
use loadmaster_accounts::{Customer, Operator};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    web::{Problem, ReadRecency, code, problem_responses},
};
use loadmaster_reference::Reference;

use super::{
    dto::{
        DailyReport, DemandGroups, DemandReport, FlightGroups, FlightReport, FreightParams, FunnelGroups, FunnelReport,
        LaneGroups, LaneParams, PlaceParams, SpanParams, TransitReport, VolumeGroups, VolumeReport,
    },
    service::AnalyticsService,
};
use reported::{Daily, Demand, Flights, Funnel, ReportRequest, Transit, Volume};

handler_state!(HandlerState { analytics: AnalyticsService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(volume))
        .routes(routes!(flights))
        .routes(routes!(transit))
        .routes(routes!(funnel))
        .routes(routes!(demand))
        .routes(routes!(daily))
        .routes(routes!(searches::list))
        .routes(routes!(popular::popular))
        .routes(routes!(stations::trending))
        .routes(routes!(stations::insights));
    let tables = ApiRouter::new()
        .routes(routes!(export::volume))
        .routes(routes!(export::flights))
        .routes(routes!(export::transit))
        .routes(routes!(export::funnel))
        .routes(routes!(export::demand))
        .routes(routes!(export::daily))
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
async fn volume(Customer(caller): Customer, recency: ReadRecency, request: ReportRequest) -> Result<Response, Problem> {
    request.report::<Volume>(caller, recency).await
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
    recency: ReadRecency,
    request: ReportRequest,
) -> Result<Response, Problem> {
    request.report::<Flights>(caller, recency).await
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
    recency: ReadRecency,
    request: ReportRequest,
) -> Result<Response, Problem> {
    request.report::<Transit>(caller, recency).await
}

/// Report what became of the searches, quotes, holds and bookings that were made.
///
/// Each counts on the local date on which it was made at its origin. Quotes are also those by which holds and bookings were
/// priced, and priced again. Quotes that nothing took are deleted after seven days: of earlier dates only those taken are
/// counted. Holds of allotments and archived bookings are not counted. Searches are those of `GET /analytics/demand`.
#[utoipa::path(get, path = "/analytics/funnel", tag = "analytics", operation_id = "getFunnelReport",
    params(SpanParams, FunnelGroups, PlaceParams, FreightParams),
    responses((status = 200, body = FunnelReport), ReportProblems))]
async fn funnel(Operator(caller): Operator, recency: ReadRecency, request: ReportRequest) -> Result<Response, Problem> {
    request.report::<Funnel>(caller, recency).await
}

/// Report what was searched.
///
/// A search counts on the local date at its origin on which it was made, a caller's same question once in ten minutes
/// (`GET /analytics/searches`). What a process has not written yet, at most 30 seconds old, is not counted.
#[utoipa::path(get, path = "/analytics/demand", tag = "analytics", operation_id = "getDemandReport",
    params(SpanParams, DemandGroups, LaneParams),
    responses((status = 200, body = DemandReport), ReportProblems))]
async fn demand(Operator(caller): Operator, recency: ReadRecency, request: ReportRequest) -> Result<Response, Problem> {
    request.report::<Demand>(caller, recency).await
}

/// Report each day of the business in one row.
///
/// Searches, quotes, holds and bookings count on the local dates at their origins on which they were made, new users on the date
/// in UTC. `cancelled` and `delivered` are those of the bookings made on the dates. There are no groups: `key` and `other` are null.
#[utoipa::path(get, path = "/analytics/daily", tag = "analytics", operation_id = "getDailyReport", params(SpanParams),
    responses((status = 200, body = DailyReport), ReportProblems))]
async fn daily(Operator(caller): Operator, recency: ReadRecency, request: ReportRequest) -> Result<Response, Problem> {
    request.report::<Daily>(caller, recency).await
}
