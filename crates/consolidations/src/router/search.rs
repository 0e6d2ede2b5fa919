use axum::{
    Extension, Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use loadmaster_accounts::Customer;
use loadmaster_kernel::ConsolidationId;
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{
        Body, ClientAddress, NO_STORE, PathText, Problem, Query, add_quota_headers, both, problem_responses,
        unless_missing,
    },
};
use loadmaster_reference::Reference;
use loadmaster_search::GroupOption;

use crate::{dto::SearchMasters, error::code, service::ConsolidationService};

problem_responses!(SearchProblems: [INPUT, ROLE, BODY], NOT_FOUND, HOLD_INCOMPLETE);

/// Search routes for the masters of a consolidation.
///
/// For its owner, members and carrier staff. The parts that are ready are searched as by `POST /routes/group-search`, those of an
/// origin summed: by its rules, with what allotments keep for your organization and by its own tariffs. Each origin takes a
/// request of your quota. Without a part that is ready the answer is `hold_incomplete`.
#[utoipa::path(post, path = "/consolidations/{id}/search", tag = "consolidations", operation_id = "searchConsolidationRoutes",
    request_body = SearchMasters,
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation")),
    responses((status = 200, description = "The best combinations, at most 20.", body = Vec<GroupOption>), SearchProblems))]
pub(super) async fn search(
    Customer(caller): Customer,
    address: Option<Extension<ClientAddress>>,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<ConsolidationId>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let read = both(query.refuse_all(), body.read(|fields| SearchMasters::read(fields, &reference)));
    let ((), wanted) = unless_missing(read, async { consolidations.visible(caller, id).await.map(drop) }).await?;
    let asker = (caller, address.map(|it| it.0));
    let search = Box::pin(consolidations.search(asker, id, &wanted, &reference));
    let (found, left) = search.in_span(span("consolidations.search")).await?;
    let mut response = ([(header::CACHE_CONTROL, NO_STORE)], Json(found)).into_response();
    if let Some(verdict) = left {
        add_quota_headers(verdict, response.headers_mut());
    }
    Ok(response)
}
