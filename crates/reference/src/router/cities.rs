use axum::{Json, extract::State, response::Response};
use loadmaster_kernel::CityCode;
use loadmaster_platform::web::{CursorKey, PageFields, PageParams, PageRequest, PathText, Problem, Query};

use super::{ListProblems, ShowProblems, bodies, public};

use crate::{
    Reference,
    dto::{CityBody, CityFilter},
};

/// List cities with a code of their own, by code.
///
/// A city joins airports that tariffs and messages name together, such as `LON` and `NYC`. Bookings name airports; a search of
/// routes also takes the code of a city as its origin or destination. Administrators cannot change the cities: they come with each
/// release.
#[utoipa::path(get, path = "/cities", operation_id = "listCities", tag = "reference data", params(CityFilter, PageParams),
    responses((status = 200, body = [CityBody<'_>],
               headers(("Link" = String, description = "The next page, `rel=\"next\"`."))), ListProblems))]
pub(super) async fn list_cities(
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (CityFilter { q }, page) = query.read(|fields| Some((CityFilter::read(fields)?, PageFields::read(fields))))?;
    let page: PageRequest<CityCode> = page.open(&key, &query, "")?;
    let current = reference.current();
    let cities: Vec<CityBody<'_>> = bodies(current.page_of_cities(q.as_deref(), &page));
    Ok(public(page.answer(cities, |city| city.code, &key, &query, "")))
}

/// Show a city.
///
/// With its active airports; one without any has an empty list.
#[utoipa::path(get, path = "/cities/{code}", operation_id = "getCity", tag = "reference data",
    params(("code" = CityCode, Path, description = "IATA code; case is ignored")),
    responses((status = 200, body = CityBody<'_>), ShowProblems))]
pub(super) async fn show_city(
    State(reference): State<Reference>,
    PathText(code): PathText<CityCode>,
    query: Query,
) -> Result<Response, Problem> {
    let current = reference.current();
    let city = current.city(code)?;
    query.refuse_all()?;
    Ok(public(Json(CityBody::from(city))))
}
