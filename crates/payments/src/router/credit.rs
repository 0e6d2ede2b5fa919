use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Customer};
use loadmaster_kernel::{Currency, OrganizationId};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PageRequest, PathText, Problem, Query, ReadRecency,
        conditional, private, problem_responses, unless_missing,
    },
    work::ChangeRequest,
};

use crate::{
    credit::{PayCredit, SetLimit},
    dto::{ChangeCredit, CreateCreditPayment, CreditBody, CreditEntryBody, CreditLimit},
    error::code,
    model::{CreditAccount, CreditAnchor, CreditEntry},
    service::PaymentService,
};

/// Entries shown with an account.
const SHOWN: u32 = 50;

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show the credit of an organization: your own, or any for carrier staff.
///
/// With what may still be charged, and its last changes.
#[utoipa::path(get, path = "/organizations/{id}/credit", tag = "credit", operation_id = "getCredit",
    params(("id" = OrganizationId, Path, description = "Id of the organization"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = CreditBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
pub(super) async fn show(
    Customer(caller): Customer,
    State(payments): State<PaymentService>,
    PathText(id): PathText<OrganizationId>,
    ReadRecency(recency): ReadRecency,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { payments.credit(caller, id).await.map(drop) }).await?;
    let account = payments.credit(caller, id).in_span(span("payments.credit")).await?;
    let first = PageRequest::first(SHOWN);
    let mut entries = payments.credit_entries(id, &first, recency).await?;
    first.cut(&mut entries);
    let body = Json(CreditBody::new(&account, &entries));
    Ok(conditional(&account.entries.to_string(), &if_none_match, PRIVATE, body))
}

problem_responses!(EntriesProblems: [LIST, ROLE], NOT_FOUND);

/// List the changes of an organization's credit, newest first.
///
/// Each with what is used and the limit after it.
#[utoipa::path(get, path = "/organizations/{id}/credit/entries", tag = "credit", operation_id = "listCreditEntries",
    params(("id" = OrganizationId, Path, description = "Id of the organization"), PageParams),
    responses((status = 200, body = Vec<CreditEntryBody>, headers(("Link" = String))), EntriesProblems))]
pub(super) async fn entries(
    Customer(caller): Customer,
    State(payments): State<PaymentService>,
    State(key): State<CursorKey>,
    PathText(id): PathText<OrganizationId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = format!("{id} {}", caller.organization_id);
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = page.and_then(|page| page.open::<CreditAnchor>(&key, &query, &reader));
    let page = unless_missing(page, async { payments.credit(caller, id).await.map(drop) }).await?;
    let account = payments.credit(caller, id).await?;
    let found = payments.credit_entries(id, &page, recency).in_span(span("payments.credit_entries")).await?;
    let bodies: Vec<_> = found.iter().map(|entry| CreditEntryBody::new(entry, account.currency)).collect();
    Ok(private(page.answer(bodies, |body: &CreditEntryBody| CreditAnchor(body.seq), &key, &query, &reader)))
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Set the limit of an organization's credit.
///
/// The first limit opens the credit, and fixes its currency. A limit below what is used stops new charges, and nothing
/// else.
#[utoipa::path(patch, path = "/organizations/{id}/credit", tag = "credit", operation_id = "changeCredit",
    request_body(content((ChangeCredit = "application/json"), (ChangeCredit = "application/merge-patch+json"))),
    params(("id" = OrganizationId, Path, description = "Id of the organization"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = CreditLimit, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
pub(super) async fn change(
    Admin(caller): Admin,
    State(payments): State<PaymentService>,
    PathText(id): PathText<OrganizationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(ChangeCredit::read);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || payments.check_organization(id))).await?;
    let command = |wanted: ChangeCredit, precondition| SetLimit {
        payments: payments.clone(),
        actor: caller.user_id,
        organization: id,
        precondition,
        limit: wanted.limit,
    };
    let answer = |account: &CreditAccount| {
        Answer::new(StatusCode::OK, &CreditLimit::from(account), PRIVATE).with_tag(account.entries.to_string())
    };
    judged.run(command, answer).await
}

problem_responses!(PayProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, PAYMENT_NOT_POSSIBLE, VERSION_MISMATCH);

/// Record what an organization has paid the carrier.
///
/// It lowers what is used of the credit, to 0 at most.
#[utoipa::path(post, path = "/organizations/{id}/credit/payments", tag = "credit", operation_id = "payCredit",
    request_body = CreateCreditPayment,
    params(("id" = OrganizationId, Path, description = "Id of the organization"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the credit still has this ETag")),
    responses((status = 201, body = CreditEntryBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), PayProblems))]
pub(super) async fn pay(
    Admin(caller): Admin,
    State(payments): State<PaymentService>,
    PathText(id): PathText<OrganizationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(CreateCreditPayment::read);
    let see = || async { payments.credit(caller, id).await.map(drop) };
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |wanted: CreateCreditPayment, precondition| PayCredit {
        payments: payments.clone(),
        actor: caller.user_id,
        organization: id,
        precondition,
        amount: wanted.amount,
        reference: wanted.reference,
    };
    let answer = move |(entry, currency): &(CreditEntry, Currency)| {
        let body = CreditEntryBody::new(entry, *currency);
        let list = format!("/api/v1/organizations/{id}/credit/entries");
        Answer::new(StatusCode::CREATED, &body, PRIVATE).with_tag(entry.seq.to_string()).with_location(list)
    };
    judged.run(command, answer).await
}
