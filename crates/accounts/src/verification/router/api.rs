use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use loadmaster_platform::{
    tasks::Tasks,
    telemetry::{Traced, span},
    web::{Body, ClientAddress, Problem, Query, both, private, problem_responses},
};
use secrecy::ExposeSecret;

use crate::{
    error::code,
    people::{Customer, User},
    verification::{
        dto::{ChangeMe, ForgottenPassword, NewPassword, VerifyEmail, VerifyPhone},
        service::VerificationService,
    },
};

problem_responses!(ChangeMeProblems: [INPUT, ROLE, BODY]);

/// Change your name, phone, language, unit of weights or home airport.
///
/// A JSON merge patch (RFC 7396). A new phone number gets six digits by a text message; `POST /auth/phone/verify` takes them.
/// A network address has at most `sms.codes_per_address` (20) such messages sent in a day (429, and nothing is changed).
/// Only an administrator can change your role and organization.
#[utoipa::path(patch, path = "/auth/me", operation_id = "changeMe", tag = "auth",
    request_body(content((ChangeMe = "application/json"), (ChangeMe = "application/merge-patch+json"))),
    responses((status = 200, description = "Changed.", body = User), ChangeMeProblems))]
pub async fn change_me(
    Customer(caller): Customer,
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    address: Option<Extension<ClientAddress>>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), change) =
        both(query.refuse_all(), body.read_patch(|fields| Some(ChangeMe::read(fields, verification.airports()))))?;
    let address = address.map(|Extension(address)| address);
    let work =
        async move { verification.change_me(caller, &change, address).in_span(span("accounts.change_me")).await };
    Ok(private(Json(tasks.to_the_end(work).await?)))
}

problem_responses!(SendLinkProblems: [INPUT, ROLE, BODY]);

/// Send a link that verifies your e-mail address.
///
/// Registration sends one, too. It is good for one use within 24 hours. If the address is verified, or got several links
/// within an hour, none is sent.
#[utoipa::path(post, path = "/auth/email/verification", operation_id = "sendEmailVerification", tag = "auth",
    responses((status = 202, description = "On its way."), SendLinkProblems))]
pub async fn send_link(
    Customer(caller): Customer,
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    both(query.refuse_all(), body.read_optional(|_| Some(())))?;
    let work = async move { verification.send_link(caller).in_span(span("accounts.send_link")).await };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::ACCEPTED)
}

problem_responses!(VerifyEmailProblems: [INPUT, BODY], INVALID_TOKEN);

/// Verify an e-mail address by the token of a link.
///
/// The token stands at the end of the link in the mail, and works once within its time.
#[utoipa::path(post, path = "/auth/email/verify", operation_id = "verifyEmail", tag = "auth", request_body = VerifyEmail,
    responses((status = 204, description = "Verified."), VerifyEmailProblems))]
pub async fn verify_email(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(VerifyEmail::read))?;
    let work = async move {
        let token = request.token.expose_secret();
        verification.verify_email(token).in_span(span("accounts.verify_email")).await
    };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

problem_responses!(SendDigitsProblems: [INPUT, ROLE, BODY], INVALID_TRANSITION);

/// Send the digits that verify your phone again.
///
/// They are good for 10 minutes and 5 guesses; the last ones sent count. If the phone is verified, or you asked several times
/// within an hour, or the number got 5 messages within a day, none is sent. A network address has at most
/// `sms.codes_per_address` (20) of them sent in a day (429).
#[utoipa::path(post, path = "/auth/phone/verification", operation_id = "sendPhoneVerification", tag = "auth",
    responses((status = 202, description = "On their way."), SendDigitsProblems))]
pub async fn send_digits(
    Customer(caller): Customer,
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    address: Option<Extension<ClientAddress>>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    both(query.refuse_all(), body.read_optional(|_| Some(())))?;
    let address = address.map(|Extension(address)| address);
    let work = async move { verification.send_digits(caller, address).in_span(span("accounts.send_digits")).await };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::ACCEPTED)
}

problem_responses!(VerifyPhoneProblems: [INPUT, ROLE, BODY], INVALID_TOKEN);

/// Verify your phone by the six digits that were sent to it.
///
/// The digits work once, within some minutes and attempts.
#[utoipa::path(post, path = "/auth/phone/verify", operation_id = "verifyPhone", tag = "auth", request_body = VerifyPhone,
    responses((status = 204, description = "Verified."), VerifyPhoneProblems))]
pub async fn verify_phone(
    Customer(caller): Customer,
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(VerifyPhone::read))?;
    let work = async move {
        let code = request.code.expose_secret();
        verification.verify_phone(caller, code).in_span(span("accounts.verify_phone")).await
    };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

problem_responses!(ForgotProblems: [INPUT, BODY], FORBIDDEN);

/// Have a link for a new password sent to an e-mail address.
///
/// The response is the same whether or not the address is that of an account. The link is good for one use within 30 minutes.
/// A network address has at most 5 links an hour sent to an account, all together 20, and beyond that 1 each up to 100; more are
/// not sent.
/// An installation that does not accept passwords (`auth.password_grant`) responds with 403.
#[utoipa::path(post, path = "/auth/password/forgot", operation_id = "forgotPassword", tag = "auth",
    request_body = ForgottenPassword,
    responses((status = 202, description = "If it is the address of an account, a link is on its way."), ForgotProblems))]
pub async fn forgot(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    asker: Option<Extension<ClientAddress>>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    verification.sessions.require_password_grant()?;
    let ((), request) = both(query.refuse_all(), body.read(ForgottenPassword::read))?;
    let asker = asker.map(|Extension(address)| address);
    let work =
        async move { verification.forgot(&request.email, asker).in_span(span("accounts.forgot_password")).await };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::ACCEPTED)
}

problem_responses!(ResetProblems: [INPUT, BODY], INVALID_TOKEN, FORBIDDEN);

/// Set a new password by the token of a link.
///
/// All sessions of the account end, and so do the API keys and webhooks that were made before its e-mail address was verified;
/// with `end_all`, all API keys and webhooks of the user end. The link verifies the address; if it was not verified before, the
/// telephone number of the account is deleted. The owner gets an e-mail about the new password. An installation that does not accept passwords (`auth.password_grant`) responds with 403.
#[utoipa::path(post, path = "/auth/password/reset", operation_id = "resetPassword", tag = "auth",
    request_body = NewPassword,
    responses((status = 204, description = "Set. Log in with it."), ResetProblems))]
pub async fn reset(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    verification.sessions.require_password_grant()?;
    // The second reading reports its faults.
    let token = body.read(NewPassword::token_alone).unwrap_or_default();
    let email = verification.email_of(&token).await?;
    let read = body.read(|fields| NewPassword::read(fields, email.as_ref()));
    let ((), request) = both(query.refuse_all(), read)?;
    let work = async move { verification.reset(request).in_span(span("accounts.reset_password")).await };
    tasks.to_the_end(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
