use axum::{extract::State, response::Response};
use loadmaster_accounts::Admin;
use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, KeyHeader},
    tables::{ExportParams, ImportSummary},
    web::{Body, IfNoneMatch, PathText, Problem, Query, bulk::BulkResult, problem_responses},
    work::{ChangeRequest, UnitOfWork},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    HandlerState,
    entries::{self, ChangeProblems, CreateProblems, DeleteProblems, ExportProblems, RequestParts, TableProblems},
};

use crate::{
    Reference,
    dto::{AirportBody, AirportFilter},
    error::code,
    input::{BulkAirports, ChangeAirport, CreateAirport},
    keep::Keeper,
    model::Airport,
};

pub(in super::super) fn operations() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(show, change, delete))
}

pub(in super::super) fn tables() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(export))
}

pub(in super::super) fn bulk() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(act))
}

/// The columns of an export, which an import takes.
const COLUMNS: &[&str] = &[
    "iata_code",
    "icao_code",
    "name",
    "city",
    "country_code",
    "latitude",
    "longitude",
    "elevation_ft",
    "time_zone",
    "is_major",
    "is_active",
];

/// Show an airport.
///
/// By its IATA code, in upper or lower case; also one that is not offered.
#[utoipa::path(get, path = "/airports/{code}", operation_id = "getAirport", tag = "reference data",
    params(("code" = AirportCode, Path, description = "IATA code; case is ignored"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = AirportBody<'_>, headers(("ETag" = String))), (status = 304), super::ShowProblems))]
pub(super) async fn show(
    State(reference): State<Reference>,
    PathText(code): PathText<AirportCode>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let found = entries::known::<Airport>(&reference.current(), code);
    let found = found?;
    query.refuse_all()?;
    Ok(entries::shown(&*found, &if_none_match))
}

/// Create an airport.
///
/// Every server knows it within a second.
#[utoipa::path(post, path = "/airports", operation_id = "createAirport", tag = "reference data",
    request_body = CreateAirport, params(KeyHeader),
    responses((status = 201, body = AirportBody<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(keeper): State<Keeper>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    entries::create::<Airport>(RequestParts { caller, keeper, unit_of_work, idempotent, query, body }).await
}

/// Change an airport.
///
/// A JSON merge patch (RFC 7396). Every server knows it within a second. An inactive entry is not offered and not for new
/// flights, but can be read. The time zone of an airport
/// with flights stays as it is: 409 `in_use`. A new release leaves what was changed here.
#[utoipa::path(patch, path = "/airports/{code}", operation_id = "changeAirport", tag = "reference data",
    request_body(content((ChangeAirport = "application/json"), (ChangeAirport = "application/merge-patch+json"))),
    params(("code" = AirportCode, Path, description = "IATA code; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the entry still has the version of this ETag")),
    responses((status = 200, body = AirportBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(keeper): State<Keeper>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(ChangeAirport::read);
    entries::change::<Airport>(caller, keeper, code, input, request).await
}

/// Delete an airport to which nothing refers.
///
/// While flights or rules name it, or it is a hub of an airline, the response is 409 `in_use`: make it inactive instead. A new
/// release does not bring it back.
#[utoipa::path(delete, path = "/airports/{code}", operation_id = "deleteAirport", tag = "reference data",
    params(("code" = AirportCode, Path, description = "IATA code; case is ignored"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the entry still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Admin(caller): Admin,
    State(keeper): State<Keeper>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    entries::delete::<Airport>(caller, keeper, code, request).await
}

/// Import airports, all or nothing.
///
/// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx: the first sheet, without
/// formulas) with the columns `iata_code,icao_code,name,city,country_code,latitude,longitude,elevation_ft,time_zone,is_major,is_active`, in any order; `icao_code`, `elevation_ft`, `is_major`, `is_active`
/// may be left out. The code identifies the entry of a row: existing ones are updated, others are created. Each fault has its
/// `row`, counted from 1 without the header, its `column` and its `value`; the first 100 are reported, and `errors_total` is
/// the number of all.
#[utoipa::path(post, path = "/airports/import", tag = "reference data", operation_id = "importAirports",
    params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
    request_body(content((String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = ImportSummary, headers(("Idempotency-Replayed" = Option<bool>))), TableProblems))]
async fn import(
    Admin(caller): Admin,
    State(keeper): State<Keeper>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    entries::import::<Airport>(RequestParts { caller, keeper, unit_of_work, idempotent, query, body }).await
}

/// Export airports.
///
/// A table with the columns that an import takes. In CSV every text is quoted, and one that a spreadsheet could take for a
/// formula gets a leading `'`, which an import takes off again.
#[utoipa::path(get, path = "/airports/export", tag = "reference data", operation_id = "exportAirports",
    params(AirportFilter, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
async fn export(State(reference): State<Reference>, query: Query) -> Result<Response, Problem> {
    let (filter, params) = query.read(|fields| Some((AirportFilter::read(fields)?, ExportParams::read(fields)?)))?;
    let current = reference.current();
    entries::export(COLUMNS, &params, current.chosen_airports(&filter, None)).await
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Activate or deactivate many airports, or call them major or not.
///
/// Each row is a transaction of its own and is judged as the single change would be. A row that is refused has its `problem`,
/// and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is left and
/// nothing twice.
#[utoipa::path(post, path = "/airports/bulk", tag = "reference data", operation_id = "bulkAirports",
    request_body = BulkAirports, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn act(
    Admin(caller): Admin,
    State(keeper): State<Keeper>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let asked = RequestParts { caller, keeper, unit_of_work, idempotent, query, body };
    let read = |body: &Body| {
        let BulkAirports { action, ids } = body.read(BulkAirports::read)?;
        Ok((action.as_str(), ids, action.change()))
    };
    entries::act::<Airport>(asked, read).await
}
