use axum::{Json, extract::State, response::Response};
use loadmaster_kernel::AircraftCode;
use loadmaster_platform::web::{PathText, Problem, Query};

use super::{ShowProblems, entries, public};

use crate::{
    Reference,
    model::Aircraft,
    openings::{FitBody, FitParams},
};

/// Judge whether a piece fits an aircraft type.
///
/// A piece fits if one of the type's openings takes it: turned about the upright axis as it needs to be, and laid on a side if
/// `is_tiltable`; width and height within the door, length within `max_length_cm`, weight within `max_piece_kg`. What is not known
/// of an opening is not judged. Of a type without openings nothing is known: `fits` is null.
#[utoipa::path(get, path = "/aircraft/{code}/fit", operation_id = "judgeFit", tag = "reference data",
    params(("code" = AircraftCode, Path, description = "IATA code; case is ignored"), FitParams),
    responses((status = 200, body = FitBody), ShowProblems))]
pub(super) async fn judge(
    State(reference): State<Reference>,
    PathText(code): PathText<AircraftCode>,
    query: Query,
) -> Result<Response, Problem> {
    let aircraft = entries::known::<Aircraft>(&reference.current(), code)?;
    let piece = query.read(FitParams::read)?.piece();
    Ok(public(Json(FitBody::new(&aircraft.openings, &piece))))
}
