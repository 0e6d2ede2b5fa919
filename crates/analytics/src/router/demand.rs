use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::Operator;
use loadmaster_platform::{
    postgres::Recency,
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{Problem, Query, ReadRecency, code, private, problem_responses},
};
use loadmaster_reference::Reference;

use super::export::table;
use crate::{
    dto::{DemandGroups, DemandReport, LaneParams, SpanParams, read_demand},
    model::DemandSums,
    service::AnalyticsService,
};

const COLUMNS: &[&str] = &["period", "key", "searches", "bookable_percent", "mean_options"];

problem_responses!(DemandProblems: [INPUT, ROLE]);

/// Report what was searched.
///
/// A search counts on the local date at its origin on which it was made, a caller's same question once in ten minutes
/// (`GET /analytics/searches`). What a process has not written yet, at most 30 seconds old, is not counted.
#[utoipa::path(get, path = "/analytics/demand", tag = "analytics", operation_id = "getDemandReport",
    params(SpanParams, DemandGroups, LaneParams),
    responses((status = 200, body = DemandReport), DemandProblems))]
pub(super) async fn demand(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_demand(fields, &reference, caller, analytics.today()))?;
    let report = analytics.demand(&scope, recency).in_span(span("analytics.demand")).await?;
    Ok(private(Json(DemandReport::new(&report, |sums: &DemandSums| sums.into()))))
}

/// Export the report about what was searched.
///
/// A table of its rows. A last row of the key `other` has the groups that `limit` left out. In CSV every text is quoted, and one
/// that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/demand/export", tag = "analytics", operation_id = "exportDemandReport",
    params(SpanParams, DemandGroups, LaneParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), DemandProblems))]
pub(super) async fn export(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) = query.read(|fields| {
        Some((read_demand(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
    })?;
    let report = analytics.demand(&scope, Recency::Now).await?;
    let rows = table(DemandReport::new(&report, |sums: &DemandSums| sums.into()))?;
    Export::new("demand", COLUMNS, &params).whole(rows).await
}
