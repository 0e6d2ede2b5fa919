use axum::response::Response;
use loadmaster_accounts::{Customer, Operator};
use loadmaster_platform::{
    tables::ExportParams,
    web::{Problem, code, problem_responses},
};

use super::reported::{Daily, Demand, Flights, Funnel, ReportRequest, Transit, Volume};
use crate::dto::{
    DemandGroups, FlightGroups, FreightParams, FunnelGroups, LaneGroups, LaneParams, PlaceParams, SpanParams,
    VolumeGroups,
};

problem_responses!(ExportProblems: [INPUT, ROLE]);

/// Export the report about what was booked.
///
/// A table of its rows; the names of nested members are joined by `_`, and revenue and yield have a column for each currency. A last row of
/// the key `other` has the groups that `limit` left out. In CSV every text is quoted, and one that a spreadsheet could take for a
/// formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/volume/export", tag = "analytics", operation_id = "exportVolumeReport",
    params(SpanParams, VolumeGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn volume(Customer(caller): Customer, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Volume>(caller).await
}

/// Export the report about flights.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the groups that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/flights/export", tag = "analytics", operation_id = "exportFlightReport",
    params(SpanParams, FlightGroups, PlaceParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn flights(Customer(caller): Customer, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Flights>(caller).await
}

/// Export the report about transit times.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the lanes that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/transit-times/export", tag = "analytics", operation_id = "exportTransitReport",
    params(SpanParams, LaneGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn transit(Customer(caller): Customer, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Transit>(caller).await
}

/// Export the report about what became of searches, quotes, holds and bookings.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the groups that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/funnel/export", tag = "analytics", operation_id = "exportFunnelReport",
    params(SpanParams, FunnelGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn funnel(Operator(caller): Operator, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Funnel>(caller).await
}

/// Export the report about what was searched.
///
/// A table of its rows. A last row of the key `other` has the groups that `limit` left out. In CSV every text is quoted, and one
/// that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/demand/export", tag = "analytics", operation_id = "exportDemandReport",
    params(SpanParams, DemandGroups, LaneParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn demand(Operator(caller): Operator, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Demand>(caller).await
}

/// Export the report of each day.
///
/// A table of its rows; revenue has a column for each currency. In CSV every text is quoted, and one that a spreadsheet could take
/// for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/daily/export", tag = "analytics", operation_id = "exportDailyReport",
    params(SpanParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn daily(Operator(caller): Operator, request: ReportRequest) -> Result<Response, Problem> {
    request.table::<Daily>(caller).await
}
