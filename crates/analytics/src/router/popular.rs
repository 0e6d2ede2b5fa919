use axum::{Extension, Json, extract::State, response::Response};
use loadmaster_accounts::{Principal, Role};
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{Problem, Query, ReadRecency, code, private, problem_responses},
};
use loadmaster_reference::Reference;

use crate::{
    dto::{DEFAULT_LANES, PopularLaneBody, PopularParams},
    model::PopularPeriod,
    service::AnalyticsService,
};

problem_responses!(PopularProblems: [INPUT, CALLER]);

/// List lanes that are searched often.
///
/// By searches in the period, at least five: a caller's same question counts once in ten minutes. The list is replaced every 15
/// minutes. Carrier staff also see the numbers of searches, and of bookings that were made in the period.
#[utoipa::path(get, path = "/routes/popular", tag = "search", operation_id = "listPopularLanes", params(PopularParams),
    responses((status = 200, body = Vec<PopularLaneBody>), PopularProblems))]
pub(super) async fn popular(
    caller: Option<Extension<Principal>>,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let PopularParams { origin, period, limit } = query.read(|fields| PopularParams::read(fields, &reference))?;
    let (period, limit) = (period.unwrap_or(PopularPeriod::Week), i64::from(limit.unwrap_or(DEFAULT_LANES)));
    let is_whole = caller.is_some_and(|Extension(caller)| caller.role >= Role::Operator);
    let lanes = analytics.popular(period, origin, limit, recency).in_span(span("analytics.popular")).await?;
    let lanes: Vec<_> = lanes.into_iter().map(|lane| PopularLaneBody::new(lane, is_whole)).collect();
    Ok(private(Json(lanes)))
}
