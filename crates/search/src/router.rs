mod parsed;

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loadmaster_accounts::Principal;
use loadmaster_capacity::OwnSpace;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    rate_limit::Verdict,
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        Body, ChosenCoding, ClientAddress, Coding, JSON, NO_STORE, Problem, Query, add_quota_headers, both, code,
        encoded, problem_responses,
    },
};
use loadmaster_reference::Reference;
use serde::Serialize;
use tokio::time::Instant;

pub(super) use parsed::ParsedSearches;

use super::{
    SearchService,
    cache::CacheStatus,
    counter::{Answered, Asker},
    dto::{PlaceSearch, Ranking, RouteDay, RouteOption, SearchDays, SearchRoutes},
    find::Answer,
    group::{GroupOption, GroupQuery, SearchGroup},
    legs::{Requested, SearchAnswer, SearchQuestion},
    model::{Form, Payer},
    seen::Seen,
};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

handler_state!(HandlerState { search: SearchService, reference: Reference, parsed: ParsedSearches });

/// Nobody, or who sent a token: what allotments keep is shown to their organizations.
type Caller = Option<Extension<Principal>>;
/// `None`: tests call the application without a connection.
type Address = Option<Extension<ClientAddress>>;

/// What is shown to this caller alone: space, and the organization by whose tariffs prices are.
fn own(service: &SearchService, caller: Caller) -> (OwnSpace, Payer) {
    let caller = caller.map(|Extension(caller)| caller);
    (service.own_space(caller), caller.map(|caller| caller.organization_id))
}

/// The caller as far as it is counted.
fn asker(caller: Option<&Extension<Principal>>, address: Option<Extension<ClientAddress>>) -> Asker {
    Asker::of(caller.map(|Extension(caller)| caller), address.map(|Extension(address)| address))
}

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new().routes(routes!(search)).routes(routes!(ranked)).routes(routes!(days));
    api.routes(routes!(group)).into()
}

problem_responses!(SearchProblems: [INPUT, CALLER, BODY]);

/// Search routes, with direct flights and connections in separate lists.
///
/// The first leg departs on the departure date, in local time of the origin. A connection takes at least the minimum
/// connection time of its airport (120 minutes unless configured; no minimum if the flight number stays the same), and
/// the next leg departs, in local time of that airport, no later than the day after the departure date. With at most one
/// stop, all routes are found; of routes with two or three stops, for which `max_stops` has to ask, those that no other
/// route equals or betters in arrival, duration and number of stops. Options that
/// are not bookable as requested follow the bookable ones, with their reasons. If none is bookable, `alternatives` shows
/// options of that day or the next that are. The availability shown is at most 1 second old. With a token, what allotments
/// keep for your organization is available, and prices are by its tariffs.
///
/// With the code of a city as `origin` or `destination`, all its active airports are searched, at most six, and the options of all
/// pairs of airports are in one order; each names its airports. Every three pairs take a request of the caller's quota.
///
/// With `legs`, 1 to 6 of them, in place of `origin`, `destination` and `departure_date`, each leg is searched alone, with the
/// same freight, and the answer has the results as `legs`, in their order. The search takes as much of the caller's quota as
/// that many requests. `Cache-Status` is a hit if the routes of all legs came from the cache.
#[utoipa::path(post, path = "/routes/search", tag = "search", operation_id = "searchRoutes",
    request_body = SearchQuestion,
    responses((status = 200, body = SearchAnswer,
               headers(("Cache-Status" = String,
                   description = "Whether the routes came from the cache (RFC 9211): `loadmaster; hit; ttl=…` or `loadmaster; fwd=miss`"))), SearchProblems))]
async fn search(
    caller: Caller,
    address: Address,
    State(service): State<SearchService>,
    State(parsed): State<ParsedSearches>,
    coding: ChosenCoding,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let (began, searcher) = (Instant::now(), asker(caller.as_ref(), address));
    let read = parsed.read(&body, service.max_stops());
    let ((), question) = both(query.refuse_all(), read)?;
    let (space, payer) = own(&service, caller);
    let search = match Arc::unwrap_or_clone(question) {
        Requested::One(search) => search,
        Requested::Several(legs) => {
            let (caller, address) = (caller.map(|it| it.0), address.map(|it| it.0));
            let legs = service.complete_legs(legs, &space, payer);
            let left = service.admit_legs(caller, address, &legs).await?;
            let (body, status) = Box::pin(service.find_legs(&legs, searcher)).await?;
            return Ok(with_quota(respond(body, status), left));
        }
    };
    let place_search = search.complete(service.max_stops(), space, payer);
    let Some(search) = place_search.plain() else {
        return between_cities(&service, &place_search, (Form::Lists, coding.into()), searcher, (caller, address))
            .await;
    };
    let (answer, status) = service.find(search, Form::Lists).in_span(span("search.find")).await?;
    // Without the alternatives.
    let took = began.elapsed();
    let (body, coding, seen) = service.lists(search, coding.into(), answer).await?;
    service.count_for(searcher, Answered { search, seen, status, took });
    Ok(kept((body, coding), status))
}

problem_responses!(RankedProblems: [INPUT, CALLER]);

/// Search routes, as one ranked list.
///
/// Bookable options come first. The default order is earliest arrival, then fewer stops, shorter duration, id. The rules
/// are those of `POST /routes/search`, also for cities.
#[utoipa::path(get, path = "/routes", tag = "search", operation_id = "listRoutes",
    params(SearchRoutes, Ranking),
    responses((status = 200, body = Vec<RouteOption>,
               headers(("Cache-Status" = String,
                   description = "Whether the routes came from the cache (RFC 9211): `loadmaster; hit; ttl=…` or `loadmaster; fwd=miss`"))), RankedProblems))]
async fn ranked(
    caller: Caller,
    address: Address,
    State(service): State<SearchService>,
    State(reference): State<Reference>,
    coding: ChosenCoding,
    query: Query,
) -> Result<Response, Problem> {
    let (began, searcher) = (Instant::now(), asker(caller.as_ref(), address));
    let (search, ranking) = query.read(|fields| {
        let ranking = Ranking::read(fields)?;
        Some((ranking.read_search(fields, &reference, service.max_stops())?, ranking))
    })?;
    let (space, payer) = own(&service, caller);
    let (place_search, sort) = (search.complete(service.max_stops(), space, payer), ranking.sort.unwrap_or_default());
    let Some(search) = place_search.plain() else {
        return between_cities(
            &service,
            &place_search,
            (Form::Ranking(sort), coding.into()),
            searcher,
            (caller, address),
        )
        .await;
    };
    let (answer, status) = service.find(search, Form::Ranking(sort)).in_span(span("search.find")).await?;
    let took = began.elapsed();
    let (body, coding, seen) = match answer {
        Answer::Prepared(found) => service.body(search, Form::Ranking(sort), coding.into(), found).await,
        Answer::Read(options) => {
            let seen = Seen::of(&options, search.request.priced_for.is_some());
            let body = json(&RouteOption::ranking(search, sort, options, &reference))?;
            (body.into(), Coding::Identity, seen)
        }
    };
    service.count_for(searcher, Answered { search, seen, status, took });
    Ok(kept((body, coding), status))
}

/// Answers a search between cities: every three pairs of their airports count as a request.
async fn between_cities(
    service: &SearchService,
    place_search: &PlaceSearch,
    (form, coding): (Form, Coding),
    searcher: Asker,
    (caller, address): (Caller, Address),
) -> Result<Response, Problem> {
    let left = service.admit_lanes(caller.map(|it| it.0), address.map(|it| it.0), place_search).await?;
    let (body, status) = Box::pin(service.find_merged(place_search, form, coding, searcher)).await?;
    Ok(with_quota(kept(body, status), left))
}

problem_responses!(DaysProblems: [INPUT, CALLER]);

/// Look at several days at once.
///
/// One entry for each day from `from` on, or of `month`, also for those without flights. The rules, and the figures, are those
/// of `GET /routes` on that day. With `price`, each day has the price of its first option of `GET /routes?sort=price`, with a
/// token by the tariffs of your organization, and the cheapest days are marked; days of the past are then not searched and have
/// no options. Every 14 days, or every seven with prices that are not of the past, take as much of the caller's quota as a
/// request. Between cities a day has the options of all pairs of their airports, and every three pairs take as much.
#[utoipa::path(get, path = "/routes/days", tag = "search", operation_id = "listRouteDays", params(SearchDays),
    responses((status = 200, description = "The days, in order.", body = Vec<RouteDay>), DaysProblems))]
async fn days(
    caller: Caller,
    address: Address,
    State(service): State<SearchService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let search = query.read(|fields| SearchDays::read(fields, &reference, service.max_stops(), service.now()))?;
    let (space, payer) = own(&service, caller);
    let (place_search, days) = search.complete(service.max_stops(), space, payer);
    let left = service.admit_days(caller.map(|it| it.0), address.map(|it| it.0), &place_search, days).await?;
    let days = service.days(&place_search, days).in_span(span("search.days")).await?;
    Ok(with_quota(([(header::CACHE_CONTROL, NO_STORE)], Json(days)).into_response(), left))
}

problem_responses!(GroupProblems: [INPUT, CALLER, BODY]);

/// Search routes for the freight of several origins to one destination.
///
/// The parts of an origin travel together, as one booking would: their weights, volumes and positions are summed, and so is all
/// that meets on a flight. Each combination, at most 20, has one route for each origin, by the rules of `POST /routes/search`
/// with at most one stop. Combinations that can be booked come first, then those in which all travel on one last flight, then the
/// lower price, then the earlier last arrival. At most five routes of each origin are combined, first those that meet on one
/// last flight; if an origin has none, the list is empty. `price` is what the bookings cost, `apart` what the parts cost on the
/// same flights, each booked alone, and `saving` the difference, which comes from weight breaks, minimum charges, and from
/// dense freight beside voluminous.
///
/// Each origin takes a request of the caller's quota. With a token, what allotments keep for your organization is available, and
/// prices are by its tariffs.
#[utoipa::path(post, path = "/routes/group-search", tag = "search", operation_id = "searchGroupRoutes",
    request_body = SearchGroup,
    responses((status = 200, description = "The best combinations, at most 20.", body = Vec<GroupOption>), GroupProblems))]
async fn group(
    caller: Caller,
    address: Address,
    State(service): State<SearchService>,
    State(reference): State<Reference>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let read = body.read(|fields| SearchGroup::read(fields, &reference));
    let ((), search) = both(query.refuse_all(), read)?;
    let (query, caller, address) = (GroupQuery::from(search), caller.map(|it| it.0), address.map(|it| it.0));
    let left = service.admit_group(&query, caller, address).await?;
    let found = Box::pin(service.group(&query, caller, address)).await?;
    Ok(with_quota(([(header::CACHE_CONTROL, NO_STORE)], Json(found)).into_response(), left))
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::internal(&error))
}

/// The response with what is left of the caller's quota.
fn with_quota(mut response: Response, left: Option<Verdict>) -> Response {
    if let Some(verdict) = left {
        add_quota_headers(verdict, response.headers_mut());
    }
    response
}

/// Builds the response; it is as of now, so no other party may cache it.
fn respond(body: Bytes, status: CacheStatus) -> Response {
    let cache_status = HeaderValue::try_from(status.header()).unwrap_or(HeaderValue::from_static("loadmaster"));
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE)),
        (CACHE_STATUS, cache_status),
    ];
    (headers, body).into_response()
}

/// The same with a body in its final form.
fn kept((body, coding): (Bytes, Coding), status: CacheStatus) -> Response {
    let response = respond(body, status);
    if coding == Coding::Identity { response } else { encoded(response, coding) }
}
