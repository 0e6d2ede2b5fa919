use axum::{extract::State, http::StatusCode};

use crate::{
    features::{
        accounts::Admin,
        flights::{ImportBody, ImportSummary},
        pricing::{PricingService, error::code, import::ImportTariffs},
    },
    platform::{
        idempotency::{Answer, Idempotent, KeyHeader},
        web::{Body, PRIVATE, Problem, Query, both, problem_responses, read},
        work::{Keyed, UnitOfWork},
    },
};

problem_responses!(ImportTariffsProblems: [INPUT, ROLE, BODY, KEY]);

/// Import tariffs, all or nothing.
///
/// CSV with the header `code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,`
/// `minimum,normal,breaks,valid_from,valid_to`; optional cells may be empty. Several flight numbers are separated by blanks;
/// breaks are written `45=10;100=9`. The code identifies the tariff of a row: one in force gets a new version, others are
/// created. Each fault has its `row`, counted from 1 without the header; the first 100 faults are reported.
#[utoipa::path(post, path = "/tariffs/import", tag = "prices", operation_id = "importTariffs",
    params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportBody, headers(("Idempotency-Replayed" = Option<bool>))), ImportTariffsProblems))]
pub(super) async fn import(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let dry_run = query.read(|fields| Some(fields.optional("dry_run", read::boolean).unwrap_or_default()));
    let (key, dry_run) = both(key, dry_run)?;
    let table = body.of_type("text/csv")?;
    let command = ImportTariffs { prices, actor: caller.user_id, table, dry_run, rows: None };
    let answer = |done: &ImportSummary| {
        let body = ImportBody { created: done.created, updated: done.updated, unchanged: done.unchanged };
        Answer::new(StatusCode::OK, &body, PRIVATE)
    };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}
