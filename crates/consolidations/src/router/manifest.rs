//! What of masters is for those who ship on them: house manifests, and the split of the price.
use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Customer, Principal, Role};
use loadmaster_kernel::{AirportCode, ConsolidationId};
use loadmaster_platform::{
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{PathText, PathTexts, Problem, Query, private, problem_responses, unless_missing},
};
use serde_json::Value;

use crate::{
    dto::{ManifestBody, SplitBody},
    error::{ConsolidationError, code},
    service::ConsolidationService,
};

/// The columns of an exported manifest: the members of its parts.
const COLUMNS: &[&str] = &[
    "house_number",
    "organization_id",
    "status",
    "origin",
    "pieces",
    "weight_kg",
    "volume_m3",
    "chargeable_weight_kg",
    "dimensions",
    "positions",
    "special_handling_codes",
    "ready_at",
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
    "id",
];

problem_responses!(ManifestProblems: [INPUT, ROLE], NOT_FOUND);

/// Show the house manifest of a master.
///
/// The parts that it carries, oldest first, with their sums: of a booking those with which it was booked or amended last, else
/// those that are ready at its origin. Members read the house numbers, descriptions and parties of their own parts alone; the
/// owner and carrier staff read all. An origin without a part or master is 404.
#[utoipa::path(get, path = "/consolidations/{id}/masters/{origin}/manifest", tag = "consolidations", operation_id = "getHouseManifest",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("origin" = AirportCode, Path, description = "Origin of the master")),
    responses((status = 200, body = ManifestBody), ManifestProblems))]
pub(super) async fn manifest(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, origin): PathTexts<ConsolidationId, AirportCode>,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { read(&consolidations, caller, (id, origin)).await.map(drop) }).await?;
    let body = read(&consolidations, caller, (id, origin)).in_span(span("consolidations.manifest")).await?;
    Ok(private(Json(body)))
}

async fn read(
    consolidations: &ConsolidationService,
    caller: Principal,
    (id, origin): (ConsolidationId, AirportCode),
) -> Result<ManifestBody, ConsolidationError> {
    let (whole, bookings) = consolidations.with_bookings(caller, id).await?;
    ManifestBody::new(&whole, origin, &bookings, caller).ok_or(ConsolidationError::UnknownOrigin(origin))
}

/// Export the house manifest of a master.
///
/// A table with the members of each part; the names of nested members are joined by `_`. What the caller may not read is empty.
/// An export by staff is recorded in `/admin/audit`. In CSV every text is quoted, and one that a spreadsheet could take for a
/// formula gets a leading `'`.
#[utoipa::path(get, path = "/consolidations/{id}/masters/{origin}/manifest/export", tag = "consolidations", operation_id = "exportHouseManifest",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("origin" = AirportCode, Path, description = "Origin of the master"), ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ManifestProblems))]
pub(super) async fn export(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, origin): PathTexts<ConsolidationId, AirportCode>,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { read(&consolidations, caller, (id, origin)).await.map(drop) };
    let params = unless_missing(query.read(ExportParams::read), exists).await?;
    let body = read(&consolidations, caller, (id, origin)).await?;
    if caller.role >= Role::Operator {
        let rows = i64::try_from(body.parts.len()).unwrap_or(i64::MAX);
        consolidations.acts.record_export(&consolidations.db, caller.user_id, "house_manifest", rows).await?;
    }
    let rows = body.parts.iter().map(serde_json::to_value).collect::<Result<Vec<Value>, _>>();
    let rows = rows.map_err(|error| Problem::internal(&error))?;
    Export::new("house_manifest", COLUMNS, &params).whole(rows).await
}

problem_responses!(SplitProblems: [INPUT, ROLE], NOT_FOUND);

/// Show what each part has of the price of its master.
///
/// Each line of the price of a master's booking is divided by the chargeable weights that its parts had when it was booked or
/// amended last, the surcharge of a handling code among those with the code. Minor units that are left go to the largest
/// remainders, then to the lower ids: shares sum to their line. Each line of a cancelled booking is given back by a `REFUND`,
/// and `CANCELLATION_FEE` is what it costs; `CHANGE_FEE` is what is kept above the price for a change. The owner and carrier
/// staff read all shares, members those of their own parts.
#[utoipa::path(get, path = "/consolidations/{id}/split", tag = "consolidations", operation_id = "getConsolidationSplit",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation")),
    responses((status = 200, body = SplitBody), SplitProblems))]
pub(super) async fn split(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathText(id): PathText<ConsolidationId>,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { consolidations.visible(caller, id).await.map(drop) }).await?;
    let (whole, costs) = consolidations.with_costs(caller, id).in_span(span("consolidations.split")).await?;
    Ok(private(Json(SplitBody::new(&whole, &costs, caller))))
}
