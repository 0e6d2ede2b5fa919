use axum::{Extension, Json, extract::State, response::Response};
use loadmaster_accounts::{Principal, Role};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{PathText, Problem, Query, ReadRecency, code, private, problem_responses, unless_missing},
};
use loadmaster_reference::Reference;

use crate::{
    dto::{DEFAULT_STATIONS, StationInsightsBody, StationTrendBody, TrendParams},
    model::StationTrend,
    service::AnalyticsService,
};

problem_responses!(TrendProblems: [INPUT, CALLER]);

/// List stations to which more is searched and booked than before.
///
/// By the growth of searches and bookings on the last seven dates, local to the station, on the mean of the four weeks before; at
/// least 20 searches, of which a caller's same question counts once in ten minutes. Computed daily. Carrier staff also see the numbers.
#[utoipa::path(get, path = "/stations/trending", tag = "stations", operation_id = "listTrendingStations", params(TrendParams),
    responses((status = 200, body = Vec<StationTrendBody>), TrendProblems))]
pub(super) async fn trending(
    caller: Option<Extension<Principal>>,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let TrendParams { limit } = query.read(TrendParams::read)?;
    let limit = i64::from(limit.unwrap_or(DEFAULT_STATIONS));
    let is_whole = caller.is_some_and(|Extension(caller)| caller.role >= Role::Operator);
    let trends = analytics.trends(limit, recency).in_span(span("analytics.trends")).await?;
    // An airport may have been deleted since the numbers were computed.
    let is_known = |code: AirportCode| reference.airport(code).is_some();
    let exists = |trend: &StationTrend| trend.station.parse().is_ok_and(is_known);
    let trends = trends.into_iter().filter(exists).filter_map(|trend| StationTrendBody::new(trend, is_whole));
    let trends: Vec<_> = trends.collect();
    Ok(private(Json(trends)))
}

problem_responses!(InsightProblems: [INPUT, CALLER], NOT_FOUND);

/// Show what is going on at a station.
///
/// Of the flights that were to leave it on the last 28 dates, local to the station, without those that were cancelled. Computed daily.
#[utoipa::path(get, path = "/stations/{code}/insights", tag = "stations", operation_id = "getStationInsights",
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored")),
    responses((status = 200, body = StationInsightsBody), InsightProblems))]
pub(super) async fn insights(
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    PathText(station): PathText<AirportCode>,
    query: Query,
) -> Result<Response, Problem> {
    let known = || reference.airport(station).map(drop).ok_or_else(|| Problem::not_found(format!("station {station}")));
    unless_missing(query.refuse_all(), std::future::ready(known())).await?;
    known()?;
    let found = analytics.insights(station, recency).in_span(span("analytics.insights")).await?;
    Ok(private(Json(found.map(StationInsightsBody::from).unwrap_or_default())))
}
