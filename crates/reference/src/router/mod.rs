mod aircraft;
mod airlines;
mod airports;
mod cities;
mod entries;
mod fit;
mod operations;

use axum::{
    Json,
    extract::{FromRef, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, Fault};
use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::web::{
    CursorKey, JSON, PageFields, PageParams, PageRequest, PathText, Problem, Query, code, problem_responses,
};
use serde::Serialize;

use super::{
    dto::{
        AircraftBody, AirlineBody, AirportBody, AirportFilter, FoundAirportBody, HandlingCodeBody, RegionBody,
        SearchParams, StateFilter,
    },
    keep::Keeper,
    service::Reference,
};

/// Reference data is the same for every caller, and a change by an administrator is seen at once.
pub(super) const PUBLIC: &str = "public, no-cache";

handler_state!(HandlerState { reference: Reference, keeper: Keeper });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = operations().merge(airports::operations()).merge(airlines::operations()).merge(aircraft::operations());
    let tables = airports::tables().merge(airlines::tables()).merge(aircraft::tables());
    let bulk = airports::bulk().merge(airlines::bulk()).merge(aircraft::bulk());
    Routes { api, tables, bulk, ..Routes::default() }
}

pub(super) fn operations<S>() -> ApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Reference: FromRef<S>,
    CursorKey: FromRef<S>,
{
    ApiRouter::new()
        .routes(routes!(list_airports))
        .routes(routes!(search_airports))
        .routes(routes!(popular_airports))
        .routes(routes!(airports_of_city))
        .routes(routes!(cities::list_cities))
        .routes(routes!(cities::show_city))
        .routes(routes!(list_airlines))
        .routes(routes!(list_aircraft))
        .routes(routes!(fit::judge))
        .routes(routes!(list_handling_codes))
        .routes(routes!(list_regions))
}

/// The operations that only read, for tests without a database.
#[cfg(test)]
pub(super) fn reading<S>() -> ApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Reference: FromRef<S>,
    CursorKey: FromRef<S>,
{
    operations().routes(routes!(airports::show)).routes(routes!(airlines::show)).routes(routes!(aircraft::show))
}

problem_responses! {
    /// Of a list that is paged.
    ListProblems: [LIST, CALLER]
}

problem_responses! {
    /// Of a list that is given whole.
    SearchProblems: [INPUT, CALLER]
}

problem_responses! {
    /// Of what is asked for by name.
    ShowProblems: [INPUT, CALLER], NOT_FOUND
}

/// List airports by code.
///
/// Also those that are not offered, unless `active=true`. The filters combine with AND.
#[utoipa::path(get, path = "/airports", operation_id = "listAirports", tag = "reference data", params(AirportFilter, PageParams),
    responses((status = 200, body = [AirportBody<'_>],
               headers(("Link" = String, description = "The next page, `rel=\"next\"`."))), ListProblems))]
async fn list_airports(
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((AirportFilter::read(fields)?, PageFields::read(fields))))?;
    let page: PageRequest<AirportCode> = page.open(&key, &query, "")?;
    let current = reference.current();
    let airports: Vec<AirportBody<'_>> = bodies(current.page_of_airports(&filter, &page));
    Ok(public(page.answer(airports, |airport| airport.iata_code, &key, &query, "")))
}

/// Autocomplete an airport.
///
/// The airport with exactly this IATA code comes first, then those of the city with this code, then codes, cities and names that
/// begin with `q`, then airports where each word of `q` begins a word of city or name, or is a code. Local and former names of
/// cities count as the names of their airports' cities. Within each group, larger cargo airports come first. At most 20 airports,
/// each with the name by which it was found as `matched`.
#[utoipa::path(get, path = "/airports/search", operation_id = "searchAirports", tag = "reference data", params(SearchParams),
    responses((status = 200, body = [FoundAirportBody]), SearchProblems))]
async fn search_airports(State(reference): State<Reference>, query: Query) -> Result<Response, Problem> {
    let SearchParams { q } = query.read(SearchParams::read)?;
    let current = reference.current();
    let list = current.complete_airport(&q).map_err(|error| Problem::internal(&error))?;
    Ok(public(([(header::CONTENT_TYPE, JSON)], list)))
}

/// List the 20 largest cargo airports, largest first.
///
/// By the rank of the cargo that they handle.
#[utoipa::path(get, path = "/airports/popular", operation_id = "listPopularAirports", tag = "reference data",
    responses((status = 200, body = [AirportBody<'_>]), SearchProblems))]
async fn popular_airports(State(reference): State<Reference>, query: Query) -> Result<Response, Problem> {
    query.refuse_all()?;
    Ok(whole::<_, AirportBody<'_>>(reference.current().popular_airports()))
}

/// List the airports of a city.
///
/// Case and diacritics are ignored; the larger cargo airports come first. For a city without an airport the response is
/// 404.
#[utoipa::path(get, path = "/airports/city/{name}", operation_id = "listAirportsOfCity", tag = "reference data",
    params(("name" = String, Path, description = "Full name of the city", example = "São Paulo")),
    responses((status = 200, body = [AirportBody<'_>]), ShowProblems))]
async fn airports_of_city(
    State(reference): State<Reference>,
    PathText(CityName(name)): PathText<CityName>,
    query: Query,
) -> Result<Response, Problem> {
    let current = reference.current();
    let airports = current.airports_of_city(&name)?;
    query.refuse_all()?;
    Ok(whole::<_, AirportBody<'_>>(airports))
}

/// List airlines by code.
///
/// Also those that are not offered, unless `active=true`.
#[utoipa::path(get, path = "/airlines", operation_id = "listAirlines", tag = "reference data", params(StateFilter, PageParams),
    responses((status = 200, body = [AirlineBody<'_>],
               headers(("Link" = String, description = "The next page, `rel=\"next\"`."))), ListProblems))]
async fn list_airlines(
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (StateFilter { active }, page) =
        query.read(|fields| Some((StateFilter::read(fields)?, PageFields::read(fields))))?;
    let current = reference.current();
    let page: PageRequest<AirlineCode> = page.open(&key, &query, "")?;
    let airlines: Vec<AirlineBody<'_>> = bodies(current.page_of_airlines(active, &page));
    Ok(public(page.answer(airlines, |airline| airline.iata_code, &key, &query, "")))
}

/// List aircraft types by code.
///
/// Also those that are not offered, unless `active=true`. Figures are typical ones, not for load control.
#[utoipa::path(get, path = "/aircraft", operation_id = "listAircraft", tag = "reference data", params(StateFilter, PageParams),
    responses((status = 200, body = [AircraftBody<'_>],
               headers(("Link" = String, description = "The next page, `rel=\"next\"`."))), ListProblems))]
async fn list_aircraft(
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (StateFilter { active }, page) =
        query.read(|fields| Some((StateFilter::read(fields)?, PageFields::read(fields))))?;
    let current = reference.current();
    let page: PageRequest<AircraftCode> = page.open(&key, &query, "")?;
    let aircraft: Vec<AircraftBody<'_>> = bodies(current.page_of_aircraft(active, &page));
    Ok(public(page.answer(aircraft, |aircraft| aircraft.iata_code, &key, &query, "")))
}

/// List the special handling codes for bookings, by code.
///
/// A booking has up to nine of them.
#[utoipa::path(get, path = "/handling-codes", operation_id = "listHandlingCodes", tag = "reference data", params(PageParams),
    responses((status = 200, body = [HandlingCodeBody<'_>],
               headers(("Link" = String, description = "The next page, `rel=\"next\"`."))), ListProblems))]
async fn list_handling_codes(
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)))?;
    let page = page.open(&key, &query, "")?;
    let current = reference.current();
    let codes: Vec<HandlingCodeBody<'_>> = bodies(current.page_of_handling_codes(&page));
    Ok(public(page.answer(codes, |entry| entry.code, &key, &query, "")))
}

/// List the regions of countries that scopes name, as in `region:EUROPE`.
///
/// They are disjoint and cover every country.
#[utoipa::path(get, path = "/regions", operation_id = "listRegions", tag = "reference data",
    responses((status = 200, body = [RegionBody<'_>]), SearchProblems))]
async fn list_regions(State(reference): State<Reference>, query: Query) -> Result<Response, Problem> {
    query.refuse_all()?;
    Ok(whole::<_, RegionBody<'_>>(reference.regions().iter().collect()))
}

/// A city's name in a path: any text is accepted.
struct CityName(String);

impl std::str::FromStr for CityName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ok(Self(text.to_owned()))
    }
}

fn bodies<T, B: From<T>>(entries: Vec<T>) -> Vec<B> {
    entries.into_iter().map(B::from).collect()
}

/// Returns a list without pages.
fn whole<T, B: From<T> + Serialize>(entries: Vec<T>) -> Response {
    public(Json(bodies::<T, B>(entries)))
}

fn public(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static(PUBLIC))], answer).into_response()
}
