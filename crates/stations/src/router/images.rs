use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Admin, Principal};
use loadmaster_kernel::{AirlineCode, AirportCode};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        Coding, CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PageRequest, PathText, Problem, Query,
        ReadRecency, conditional, encoded, linked, private, problem_responses, unless_missing,
    },
    work::ChangeRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::HandlerState;

use crate::{
    error::code,
    illustrate::{Delete, Put},
    model::{Image, Pictured},
    picture::ImageType,
    service::StationService,
};

pub(super) fn operations() -> ApiRouter<HandlerState> {
    ApiRouter::new()
        .routes(routes!(show_image, put_image, delete_image))
        .routes(routes!(show_logo, put_logo, delete_logo))
        .routes(routes!(list_logos))
}

/// The same for every caller; a change is seen at once.
const PUBLIC: &str = "public, no-cache";
/// Whatever the bytes are beside the image, nothing of them runs.
const POLICY: (HeaderName, &str) = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");

/// An image that was put.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImageBody {
    pub media_type: ImageType,
    /// In pixels.
    #[schema(minimum = 1, maximum = 4096)]
    pub width: u32,
    /// In pixels.
    #[schema(minimum = 1, maximum = 4096)]
    pub height: u32,
    /// Its size in bytes.
    #[schema(minimum = 1, maximum = 524_288)]
    pub bytes: usize,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
}

/// An airline that has a logo.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AirlineLogo {
    pub airline_code: AirlineCode,
    /// The address of the logo.
    #[schema(example = "/api/v1/airlines/AI/logo")]
    pub logo_url: String,
}

impl From<AirlineCode> for AirlineLogo {
    fn from(airline_code: AirlineCode) -> Self {
        Self { airline_code, logo_url: format!("/api/v1/airlines/{airline_code}/logo") }
    }
}

async fn shown(
    stations: &StationService,
    of: Pictured,
    if_none_match: &IfNoneMatch,
    query: &Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { stations.image_facts(of).await.map(drop) }).await?;
    let facts = stations.image_facts(of).in_span(span("stations.find_image")).await?;
    // The bytes are read only for a client that lacks them.
    if if_none_match.matching(&facts.tag()).is_some() {
        return Ok(conditional(&facts.tag(), if_none_match, PUBLIC, ()));
    }
    let image = stations.image(of).in_span(span("stations.read_image")).await?;
    let kind = ImageType::NAMES.into_iter().find(|name| *name == image.media_type);
    let kind = kind.unwrap_or("application/octet-stream");
    let answer = ([(header::CONTENT_TYPE, kind), POLICY], image.bytes).into_response();
    let tag = format!("{}-{}", image.version, image.digest);
    Ok(encoded(conditional(&tag, if_none_match, PUBLIC, answer), Coding::Identity))
}

async fn put(
    caller: Principal,
    stations: StationService,
    of: Pictured,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let image = request.body().bytes_of(&ImageType::NAMES).and_then(|bytes| Image::of(&bytes));
    let actor = caller.user_id;
    let see = || std::future::ready(stations.pictured(of));
    let judged = Box::pin(request.judge(actor.uuid(), image, see)).await?;
    let command = |image, precondition| Put { stations: stations.clone(), actor, of, precondition, image };
    let answer = |(image, version): &(Image, i32)| {
        let measured = image.measured;
        let body = ImageBody {
            media_type: measured.kind,
            width: measured.width,
            height: measured.height,
            bytes: image.bytes.len(),
            version: *version,
        };
        Answer::new(StatusCode::OK, &body, PRIVATE).with_tag(format!("{version}-{}", image.digest))
    };
    Box::pin(judged.run(command, answer)).await
}

async fn delete(
    caller: Principal,
    stations: StationService,
    of: Pictured,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, input) = (caller.user_id, request.body().read_optional(|_| Some(())));
    // One without an image too: its deletion may be repeated under the same key.
    let see = || std::future::ready(stations.pictured(of));
    let judged = Box::pin(request.judge(actor.uuid(), input, see)).await?;
    let command = |(), precondition| Delete { stations: stations.clone(), actor, of, precondition };
    Box::pin(judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE))).await
}

problem_responses!(ShowProblems: [INPUT, CALLER], NOT_FOUND);
problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Show the image of a station.
///
/// Only as the image that it is: the answer forbids browsers to guess its type and to run anything in it.
#[utoipa::path(get, path = "/stations/{code}/image", tag = "stations", operation_id = "getStationImage",
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the image still has this ETag")),
    responses((status = 200, content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp")),
               headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show_image(
    State(stations): State<StationService>,
    PathText(code): PathText<AirportCode>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    shown(&stations, Pictured::Station(code), &if_none_match, &query).await
}

/// Put an image of a station.
///
/// PNG, JPEG or WebP, as its first bytes say, of at most 512 KiB and 4096 × 4096 pixels, as its header says, and not an animated
/// WebP. It takes the place of another.
#[utoipa::path(put, path = "/stations/{code}/image", tag = "stations", operation_id = "putStationImage",
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the image still has the version of this ETag")),
    responses((status = 200, body = ImageBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn put_image(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    put(caller, stations, Pictured::Station(code), request).await
}

/// Delete the image of a station.
///
/// A station without an image is 404.
#[utoipa::path(delete, path = "/stations/{code}/image", tag = "stations", operation_id = "deleteStationImage",
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the image still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn delete_image(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    delete(caller, stations, Pictured::Station(code), request).await
}

/// Show the logo of an airline.
///
/// Only as the image that it is: the answer forbids browsers to guess its type and to run anything in it.
#[utoipa::path(get, path = "/airlines/{code}/logo", tag = "stations", operation_id = "getAirlineLogo",
    params(("code" = AirlineCode, Path, description = "IATA designator; case is ignored"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the image still has this ETag")),
    responses((status = 200, content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp")),
               headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show_logo(
    State(stations): State<StationService>,
    PathText(code): PathText<AirlineCode>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    shown(&stations, Pictured::Airline(code), &if_none_match, &query).await
}

/// Put a logo of an airline.
///
/// PNG, JPEG or WebP, as its first bytes say, of at most 512 KiB and 4096 × 4096 pixels, as its header says, and not an animated
/// WebP. It takes the place of another.
#[utoipa::path(put, path = "/airlines/{code}/logo", tag = "stations", operation_id = "putAirlineLogo",
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
    params(("code" = AirlineCode, Path, description = "IATA designator; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the logo still has the version of this ETag")),
    responses((status = 200, body = ImageBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn put_logo(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    PathText(code): PathText<AirlineCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    put(caller, stations, Pictured::Airline(code), request).await
}

/// Delete the logo of an airline.
///
/// An airline without a logo is 404.
#[utoipa::path(delete, path = "/airlines/{code}/logo", tag = "stations", operation_id = "deleteAirlineLogo",
    params(("code" = AirlineCode, Path, description = "IATA designator; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the logo still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn delete_logo(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    PathText(code): PathText<AirlineCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    delete(caller, stations, Pictured::Airline(code), request).await
}

problem_responses!(ListProblems: [LIST, CALLER]);

/// List the airlines that have a logo, by code.
///
/// So that a client, which shows logos beside flights, asks for none that is not there.
#[utoipa::path(get, path = "/airline-logos", tag = "stations", operation_id = "listAirlineLogos", params(PageParams),
    responses((status = 200, body = Vec<AirlineLogo>, headers(("Link" = String))), ListProblems))]
async fn list_logos(
    State(stations): State<StationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)))?;
    let page: PageRequest<AirlineCode> = page.open(&key, &query, "")?;
    let mut found = stations.airlines_with_logo(&page, recency).in_span(span("stations.list_logos")).await?;
    let last = page.cut(&mut found).copied();
    let logos: Vec<_> = found.into_iter().map(AirlineLogo::from).collect();
    Ok(private(linked(logos, last, &key, &query, "")))
}
