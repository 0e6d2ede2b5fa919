use axum::{extract::State, response::Response};
use loadmaster_accounts::Operator;
use loadmaster_platform::{
    listing::Anchor,
    postgres::Recency,
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{
        CursorKey, PageFields, PageParams, PageRequest, Problem, Query, ReadRecency, code, private, problem_responses,
    },
};
use loadmaster_reference::Reference;

use crate::{
    dto::{SearchParams, read_searches},
    model::SearchCount,
    service::AnalyticsService,
};

/// The columns of an export: the members of a row.
const COLUMNS: &[&str] = &[
    "id",
    "asked_on",
    "origin",
    "destination",
    "departure_date",
    "weight_class",
    "role",
    "channel",
    "outcome",
    "searches",
    "options",
    "bookable",
    "took_us",
    "cache_hits",
    "counted_at",
];

fn anchor(count: &SearchCount) -> Anchor {
    Anchor::Id(count.id)
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List what was searched, newest first.
///
/// Each process writes the sums of its equal searches every 30 seconds: with little traffic an entry is one search. Nothing in it
/// says who asked. A caller's same question, of lane, date, class of weight and handling codes, counts once in ten minutes at a
/// process. A search counts on the local date at its origin on which it was made. Entries are kept for `analytics.search_days`
/// (30) days.
#[utoipa::path(get, path = "/analytics/searches", tag = "analytics", operation_id = "listSearches",
    params(SearchParams, PageParams),
    responses((status = 200, body = Vec<SearchCount>, headers(("Link" = String))), ListProblems))]
pub(super) async fn list(
    Operator(caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| {
        let filter = read_searches(fields, &reference, analytics.today())?;
        Some((filter, PageFields::read(fields)))
    })?;
    let reader = caller.role.as_str();
    let page = page.open::<Anchor>(&key, &query, reader)?;
    let found = analytics.searches(&filter, &page, recency).in_span(span("analytics.searches")).await?;
    Ok(private(page.answer(found, anchor, &key, &query, reader)))
}

problem_responses!(ExportProblems: [INPUT, ROLE], EXPORT_TOO_LARGE);

/// Export what was searched, newest first.
///
/// A table with the members of each entry. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a
/// leading `'`.
#[utoipa::path(get, path = "/analytics/searches/export", tag = "analytics", operation_id = "exportSearches",
    params(SearchParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn export(
    Operator(_caller): Operator,
    State(analytics): State<AnalyticsService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, params) = query.read(|fields| {
        let filter = read_searches(fields, &reference, analytics.today())?;
        Some((filter, ExportParams::read(fields)?))
    })?;
    let export = Export::new("searches", COLUMNS, &params);
    export.check(analytics.count_searches(&filter).await?)?;
    let read = move |page: PageRequest<Anchor>| {
        let (analytics, filter) = (analytics.clone(), filter.clone());
        async move { Ok(analytics.searches(&filter, &page, Recency::Now).await?) }
    };
    export.paged(read, anchor, |count: &SearchCount| serde_json::to_value(count).ok()).await
}
