//! Tables of flights: imports, and manifests to take along.
use axum::{extract::State, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_bookings::Booking;
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    postgres::Recency,
    tables::{Export, ExportParams, ImportSummary},
    web::{PageRequest, PathText, Problem, Query, problem_responses, unless_missing},
    work::BatchRequest,
};

use crate::{OperationService, dto::ManifestLine, error::code, import::Import};

/// The columns of an exported manifest: the members of its lines.
const COLUMNS: &[&str] = &[
    "ref_id",
    "awb_number",
    "booking_status",
    "leg_id",
    "leg_status",
    "origin",
    "destination",
    "pieces",
    "weight_kg",
    "volume_m3",
    "dimensions",
    "positions",
    "special_handling_codes",
    "description",
    "shipper/name",
    "shipper/account_number",
    "shipper/street",
    "shipper/postal_code",
    "shipper/city",
    "shipper/country_code",
    "shipper/phone",
    "shipper/email",
    "consignee/name",
    "consignee/account_number",
    "consignee/street",
    "consignee/postal_code",
    "consignee/city",
    "consignee/country_code",
    "consignee/phone",
    "consignee/email",
];

problem_responses!(ExportProblems: [INPUT, ROLE], NOT_FOUND, EXPORT_TOO_LARGE);

/// Export the manifest of a flight, by reference.
///
/// A table with the members of each line; the names of nested members are joined by `_`. The export is recorded in
/// `/admin/audit`. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/flights/{id}/manifest/export", tag = "flights", operation_id = "exportFlightManifest",
    params(("id" = FlightId, Path, description = "Id of the flight"), ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn export(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    PathText(id): PathText<FlightId>,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { operations.flight(id).await.map(drop) };
    let params = unless_missing(query.read(ExportParams::read), exists).await?;
    let (_, _, freight) = operations.manifest(id, &PageRequest::first(1), Recency::Now).await?;
    let export = Export::new("manifest", COLUMNS, &params);
    let rows = i64::try_from(freight.all.bookings).unwrap_or(i64::MAX);
    export.check(rows)?;
    operations.acts.record_export(&operations.db, caller.user_id, "manifest", rows).await?;
    let read = move |page: PageRequest<BookingRef>| {
        let operations = operations.clone();
        async move { Ok(operations.manifest(id, &page, Recency::Now).await?.1) }
    };
    let row = move |booking: &Booking| serde_json::to_value(ManifestLine::of(booking, id)?).ok();
    export.paged(read, |booking| booking.ref_id.clone(), row).await
}

problem_responses!(ImportProblems: [INPUT, ROLE, BODY, KEY]);

/// Import a timetable, all or nothing.
///
/// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx), with the header
/// `flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,`
/// `cutoff_minutes`; optional cells may be empty. A comma is a decimal sign only where other characters separate cells. Flight
/// number, origin and scheduled local date identify the flight of a row: an existing flight is updated, a new one is created.
/// Each fault has its `row`, counted from 1 without the header; the first 100 faults are reported.
#[utoipa::path(post, path = "/flights/import", tag = "flights", operation_id = "importFlights",
    params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
    request_body(content((String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = ImportSummary, headers(("Idempotency-Replayed" = Option<bool>))), ImportProblems))]
pub(super) async fn import(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    request: BatchRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    request.import(actor.uuid(), |table, dry_run| Import::new(operations, Some(actor), table, dry_run)).await
}
