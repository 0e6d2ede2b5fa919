use axum::{extract::State, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    postgres::Recency,
    tables::{Export, ExportParams, ImportSummary},
    web::{PageRequest, Problem, Query, problem_responses},
    work::BatchRequest,
};
use uuid::Uuid;

use crate::{
    PricingService,
    dto::TariffBody,
    error::code,
    import::{COLUMNS, ImportTariffs},
    model::{Rule, Tariff},
};

problem_responses!(ImportTariffsProblems: [INPUT, ROLE, BODY, KEY]);

/// Import tariffs, all or nothing.
///
/// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx), with the header
/// `code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,`
/// `minimum,normal,breaks,valid_from,valid_to`; optional cells may be empty. Several flight numbers are separated by blanks;
/// breaks are written `45=10;100=9`. The code identifies the tariff of a row: one in force gets a new version, others are
/// created. Each fault has its `row`, counted from 1 without the header; the first 100 faults are reported.
#[utoipa::path(post, path = "/tariffs/import", tag = "prices", operation_id = "importTariffs",
    params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
    request_body(content((String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = ImportSummary, headers(("Idempotency-Replayed" = Option<bool>))), ImportTariffsProblems))]
pub(super) async fn import(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    request: BatchRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let command =
        |table, dry_run| ImportTariffs { prices, actor, table: Some(table), dry_run, rows: None, airlines: None };
    request.import(actor.uuid(), command).await
}

problem_responses!(ExportTariffsProblems: [INPUT, ROLE], EXPORT_TOO_LARGE);

/// Export the tariffs in force.
///
/// A table with the columns of an import. In CSV every text is quoted, and one that a spreadsheet could take for a formula
/// gets a leading `'`.
#[utoipa::path(get, path = "/tariffs/export", tag = "prices", operation_id = "exportTariffs",
    params(ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportTariffsProblems))]
pub(super) async fn export(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    query: Query,
) -> Result<Response, Problem> {
    let params = query.read(ExportParams::read)?;
    let export = Export::new("tariffs", &COLUMNS, &params);
    export.check(prices.count_tariffs().await?)?;
    let read = move |page: PageRequest<Uuid>| {
        let prices = prices.clone();
        async move { Ok(prices.list::<Tariff>(&page, Recency::Now).await?) }
    };
    export.paged(read, |rule: &Rule<Tariff>| rule.id, |rule| Some(TariffBody::from(rule).cells())).await
}
