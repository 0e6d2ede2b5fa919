use axum::{extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Guest, Principal};
use loadmaster_kernel::PaymentOperationId;
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{
        CursorKey, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, private, problem_responses,
        unless_missing,
    },
    work::ChangeRequest,
};

use crate::{
    confirm::Confirm,
    dto::{TestEntryBody, TestPaymentBody, TestReference},
    error::code,
    model::TestPayment,
    provider::Confirmation,
    service::PaymentService,
};

problem_responses!(JournalProblems: [LIST, ROLE], NOT_FOUND);

/// List what the provider `test` did, newest first.
///
/// 404 if another provider is in use, or none.
#[utoipa::path(get, path = "/test-payments/journal", tag = "payments", operation_id = "listTestPayments",
    params(PageParams),
    responses((status = 200, body = Vec<TestEntryBody>, headers(("Link" = String))), JournalProblems))]
pub(super) async fn journal(
    Admin(_admin): Admin,
    State(payments): State<PaymentService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = page.and_then(|page| page.open::<PaymentOperationId>(&key, &query, ""));
    let page = unless_missing(page, async { payments.check_test() }).await?;
    let found = payments.journal_page(&page, recency).await?;
    let bodies: Result<Vec<_>, _> = found.iter().map(TestEntryBody::try_from).collect();
    let bodies = bodies.map_err(|error| Problem::internal(&error))?;
    Ok(private(page.answer(bodies, |body: &TestEntryBody| body.operation_id, &key, &query, "")))
}

problem_responses!(ConfirmProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Confirm a payment at the provider `test`, as its payer would at a bank.
///
/// The provider's webhook follows, and the payment is authorized soon after the answer.
#[utoipa::path(post, path = "/test-payments/{reference}/confirm", tag = "payments", operation_id = "confirmTestPayment",
    params(("reference" = String, Path, description = "The provider's reference of the payment"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Act only if the payment at the provider still has this ETag: `1`, it waits for its payer")),
    responses((status = 200, body = TestPaymentBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ConfirmProblems))]
pub(super) async fn confirm(
    Guest(caller): Guest,
    State(payments): State<PaymentService>,
    PathText(reference): PathText<TestReference>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    act(caller, payments, reference, request, Confirmation::Confirm).await
}

/// Fail a payment at the provider `test`, as its payer's bank would.
///
/// The provider's webhook follows, and the payment fails soon after the answer.
#[utoipa::path(post, path = "/test-payments/{reference}/fail", tag = "payments", operation_id = "failTestPayment",
    params(("reference" = String, Path, description = "The provider's reference of the payment"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Act only if the payment at the provider still has this ETag: `1`, it waits for its payer")),
    responses((status = 200, body = TestPaymentBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ConfirmProblems))]
pub(super) async fn fail(
    Guest(caller): Guest,
    State(payments): State<PaymentService>,
    PathText(reference): PathText<TestReference>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    act(caller, payments, reference, request, Confirmation::Fail).await
}

async fn act(
    caller: Principal,
    payments: PaymentService,
    TestReference(reference): TestReference,
    request: ChangeRequest,
    confirmation: Confirmation,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || payments.visible_test(caller, &reference);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    // Faultless input is not looked up by `judge`.
    payments.visible_test(caller, &reference).await?;
    let command = |(), precondition| Confirm {
        payments: payments.clone(),
        reference: reference.clone(),
        confirmation,
        precondition,
    };
    let answer =
        |payment: &TestPayment| Answer::new(StatusCode::OK, &TestPaymentBody::from(payment), PRIVATE).with_tag("2");
    judged.run(command, answer).await
}
