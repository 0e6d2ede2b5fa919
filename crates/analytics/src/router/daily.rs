use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::Operator;
use loadmaster_platform::{
    postgres::Recency,
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{Problem, Query, ReadRecency, code, private, problem_responses},
};

use super::export::table;
use crate::{
    dto::{DailyReport, SpanParams, read_daily, split_amounts},
    model::DailySums,
    service::AnalyticsService,
};

const COLUMNS: &[&str] = &[
    "period",
    "searches",
    "mean_search_ms",
    "cache_hit_percent",
    "quotes",
    "holds",
    "bookings",
    "cancelled",
    "delivered",
    "weight_kg",
    "new_users",
    "active_users",
];

problem_responses!(DailyProblems: [INPUT, ROLE]);

/// Report each day of the business in one row.
///
/// Searches, quotes, holds and bookings count on the local dates at their origins on which they were made, new users on the date
/// in UTC. `cancelled` and `delivered` are those of the bookings made on the dates. There are no groups: `key` and `other` are null.
#[utoipa::path(get, path = "/analytics/daily", tag = "analytics", operation_id = "getDailyReport", params(SpanParams),
    responses((status = 200, body = DailyReport), DailyProblems))]
pub(super) async fn daily(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let scope = query.read(|fields| read_daily(fields, caller, analytics.today()))?;
    let report = analytics.daily(&scope, recency).in_span(span("analytics.daily")).await?;
    Ok(private(Json(DailyReport::new(&report, |sums: &DailySums| sums.into()))))
}

/// Export the report of each day.
///
/// A table of its rows; revenue has a column for each currency. In CSV every text is quoted, and one that a spreadsheet could take
/// for a formula gets a leading `'`.
#[utoipa::path(get, path = "/analytics/daily/export", tag = "analytics", operation_id = "exportDailyReport",
    params(SpanParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), DailyProblems))]
pub(super) async fn export(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, params) =
        query.read(|fields| Some((read_daily(fields, caller, analytics.today())?, ExportParams::read(fields)?)))?;
    let report = analytics.daily(&scope, Recency::Now).await?;
    let mut rows = table(DailyReport::new(&report, |sums: &DailySums| sums.into()))?;
    let currencies = split_amounts(&mut rows, "revenue");
    Export::new("daily", COLUMNS, &params).and(currencies).whole(rows).await
}
