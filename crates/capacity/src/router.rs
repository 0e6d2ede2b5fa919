use axum::{Extension, Json, extract::State, http::header, response::IntoResponse};
use loadmaster_accounts::Principal;
use loadmaster_kernel::FlightId;
use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{NO_STORE, PathText, Problem, Query, problem_responses, unless_missing};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::error::code;
use super::{CapacityService, dto::Availability};

handler_state!(HandlerState { capacity: CapacityService });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = OpenApiRouter::new().routes(routes!(availability));
    api.into()
}

problem_responses!(AvailabilityProblems: [INPUT, CALLER], NOT_FOUND);

/// Show the current availability of a flight.
///
/// Read from the database, never from a cache: the capacity that a booking at this moment would find. What allotments
/// keep for your organization is available to you; to others it is held.
#[utoipa::path(get, path = "/flights/{id}/availability", tag = "flights", operation_id = "getFlightAvailability",
    params(("id" = FlightId, Path, description = "Id of the flight")),
    responses((status = 200, body = Availability), AvailabilityProblems))]
async fn availability(
    caller: Option<Extension<Principal>>,
    State(capacity): State<CapacityService>,
    PathText(id): PathText<FlightId>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    let organization = caller.map(|Extension(caller)| caller.organization_id);
    let exists = async { capacity.availability(id, None).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let (found, as_of) = capacity.availability(id, organization).await?;
    let answer = Availability::new(&found, capacity.is_critical(&found), as_of);
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(answer)))
}
