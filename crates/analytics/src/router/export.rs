use axum::{extract::State, response::Response};
use loadmaster_accounts::{Customer, Operator};
use loadmaster_platform::{
    postgres::Recency,
    tables::{Export, ExportParams},
    web::{Problem, Query, code, problem_responses},
};
use loadmaster_reference::Reference;
use serde::Serialize;

use crate::{
    dto::{
        FlightFigures, FlightGroups, FlightReport, FreightParams, FunnelFigures, FunnelGroups, FunnelReport,
        LaneGroups, PlaceParams, SpanParams, TransitReport, VolumeGroups, VolumeReport, read_flights, read_funnel,
        read_transit, read_volume, rows_of, split_amounts,
    },
    model::{FlightSums, FunnelSums, TransitSums, VolumeSums},
    service::AnalyticsService,
};

const VOLUME: &[&str] =
    &["period", "key", "bookings", "cancelled", "pieces", "weight_kg", "chargeable_weight_kg", "change_percent"];

const FLIGHTS: &[&str] = &[
    "period",
    "key",
    "flights",
    "cancelled_percent",
    "departed/flights",
    "departed/on_time_percent",
    "departed/mean_delay_minutes",
    "arrived/flights",
    "arrived/on_time_percent",
    "arrived/mean_delay_minutes",
    "capacity/weight_kg",
    "capacity/volume_m3",
    "capacity/positions",
    "carried/weight_kg",
    "carried/volume_m3",
    "carried/positions",
    "percent/weight",
    "percent/volume",
    "percent/positions",
    "held/weight_kg",
    "held/volume_m3",
    "held/positions",
    "available/weight_kg",
    "available/volume_m3",
    "available/positions",
];

const TRANSIT: &[&str] = &[
    "period",
    "key",
    "shipments",
    "planned/p50",
    "planned/p90",
    "planned/p95",
    "actual/p50",
    "actual/p90",
    "actual/p95",
    "late_percent",
    "as_booked_percent",
];

const FUNNEL: &[&str] = &[
    "period",
    "key",
    "searches/made",
    "searches/bookable",
    "quotes/made",
    "quotes/taken",
    "holds/made",
    "holds/committed",
    "bookings/made",
    "bookings/delivered",
];

problem_responses!(ExportProblems: [INPUT, ROLE]);

pub(super) fn table(report: impl Serialize) -> Result<Vec<serde_json::Value>, Problem> {
    rows_of(report).map_err(|error| Problem::internal(&error))
}

/// Export the report about what was booked.
///
/// A table of its rows; the names of nested members are joined by `_`, and revenue and yield have a column for each currency. A last row of
/// the key `other` has the groups that `limit` left out. In CSV every text is quoted, and one that a spreadsheet could take for a
/// formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/volume/export", tag = "analytics", operation_id = "exportVolumeReport",
    params(SpanParams, VolumeGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn volume(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) = query.read(|fields| {
        Some((read_volume(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
    })?;
    let report = analytics.volume(&scope, Recency::Now).await?;
    let mut rows = table(VolumeReport::new(&report, |sums: &VolumeSums| sums.into()))?;
    let (revenue, yields) = (split_amounts(&mut rows, "revenue"), split_amounts(&mut rows, "yield_per_kg"));
    Export::new("volume", VOLUME, &params).and(revenue).and(yields).whole(rows).await
}

/// Export the report about flights.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the groups that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/flights/export", tag = "analytics", operation_id = "exportFlightReport",
    params(SpanParams, FlightGroups, PlaceParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn flights(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) = query.read(|fields| {
        Some((read_flights(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
    })?;
    let report = analytics.flights(&scope, Recency::Now).await?;
    let figures = |sums: &FlightSums| FlightFigures::new(sums, scope.is_whole);
    Export::new("flights", FLIGHTS, &params).whole(table(FlightReport::new(&report, figures))?).await
}

/// Export the report about transit times.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the lanes that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/transit-times/export", tag = "analytics", operation_id = "exportTransitReport",
    params(SpanParams, LaneGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn transit(
    Customer(caller): Customer,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) = query.read(|fields| {
        Some((read_transit(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
    })?;
    let report = analytics.transit(&scope, Recency::Now).await?;
    let rows = table(TransitReport::new(&report, |sums: &TransitSums| sums.into()))?;
    Export::new("transit-times", TRANSIT, &params).whole(rows).await
}

/// Export the report about what became of searches, quotes, holds and bookings.
///
/// A table of its rows; the names of nested members are joined by `_`. A last row of the key `other` has the groups that `limit`
/// left out. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/funnel/export", tag = "analytics", operation_id = "exportFunnelReport",
    params(SpanParams, FunnelGroups, PlaceParams, FreightParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn funnel(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) = query.read(|fields| {
        Some((read_funnel(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
    })?;
    let report = analytics.funnel(&scope, Recency::Now).await?;
    let figures = |sums: &FunnelSums| FunnelFigures::new(sums, scope.knows_searches());
    Export::new("funnel", FUNNEL, &params).whole(table(FunnelReport::new(&report, figures))?).await
}
