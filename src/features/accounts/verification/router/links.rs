//! Pages without scripts. `GET` changes nothing: programs that look at mails follow links.
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::{
    features::accounts::{
        error::{AccountError, code},
        verification::{
            dto::{LinkToken, NewPassword},
            pages::{NEW_PASSWORD, button, page},
            service::VerificationService,
        },
    },
    platform::{
        tasks::Tasks,
        web::{Form, NO_STORE, PathText, Problem, problem_responses},
    },
};

const TITLE_OF_VERIFICATION: &str = "Confirm your e-mail address";
const TITLE_OF_RESET: &str = "Set a new password";
const NO_GOOD: &str = "This link is wrong, used or expired. Ask for a new one.";

problem_responses!(PageProblems: [], NOT_FOUND);

/// The page that a link in a mail leads to: it asks, and changes nothing.
///
/// Programs that open links in mails change nothing by it.
#[utoipa::path(get, path = "/verify-email/{token}", operation_id = "showEmailVerification", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "A page with one button.", content_type = "text/html", body = String),
              PageProblems))]
pub async fn show_verification(_token: PathText<LinkToken>) -> Response {
    let asks = ["Press the button to confirm that this e-mail address is yours."];
    html(StatusCode::OK, &page(TITLE_OF_VERIFICATION, &asks, &button("Confirm")))
}

/// Verify an e-mail address from the page of its link.
///
/// The link works once.
#[utoipa::path(post, path = "/verify-email/{token}", operation_id = "verifyEmailByLink", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "Verified.", content_type = "text/html", body = String),
              (status = 400, description = "The link is wrong, used or expired.", content_type = "text/html", body = String),
              PageProblems))]
pub async fn verify(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    PathText(LinkToken(token)): PathText<LinkToken>,
) -> Result<Response, Problem> {
    let work = async move {
        match verification.verify_email(&token).await {
            Err(AccountError::OneTimeInvalid) => Ok(false),
            other => other.map(|()| true),
        }
    };
    Ok(if tasks.to_the_end(work).await? {
        html(StatusCode::OK, &page("Confirmed", &["Your e-mail address is confirmed. You can close this page."], ""))
    } else {
        html(StatusCode::BAD_REQUEST, &page(TITLE_OF_VERIFICATION, &[NO_GOOD], ""))
    })
}

/// The page for a new password.
///
/// It asks for the password, and changes nothing.
#[utoipa::path(get, path = "/reset-password/{token}", operation_id = "showPasswordReset", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "A page with a form.", content_type = "text/html", body = String),
              (status = 400, description = "The link is wrong, used or expired.", content_type = "text/html", body = String),
              PageProblems))]
pub async fn show_reset(
    State(verification): State<VerificationService>,
    PathText(LinkToken(token)): PathText<LinkToken>,
) -> Result<Response, Problem> {
    Ok(match verification.email_of(&token).await? {
        Some(_) => html(StatusCode::OK, &page(TITLE_OF_RESET, &[], NEW_PASSWORD)),
        None => html(StatusCode::BAD_REQUEST, &page(TITLE_OF_RESET, &[NO_GOOD], "")),
    })
}

problem_responses!(ResetProblems: [], NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, FORBIDDEN);

/// Set a new password from the page of its link.
///
/// The link works once.
#[utoipa::path(post, path = "/reset-password/{token}", operation_id = "resetPasswordByLink", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    request_body(content = NewPasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Set.", content_type = "text/html", body = String),
              (status = 400, description = "The link or the password is not good.", content_type = "text/html", body = String),
              ResetProblems))]
pub async fn reset(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    PathText(LinkToken(token)): PathText<LinkToken>,
    form: Result<Form, Problem>,
) -> Result<Response, Problem> {
    verification.sessions.require_password_grant()?;
    let form = form?;
    let refused = |says: &str, form: &str| html(StatusCode::BAD_REQUEST, &page(TITLE_OF_RESET, &[says], form));
    let Some(email) = verification.email_of(&token).await? else { return Ok(refused(NO_GOOD, "")) };
    let request = match NewPassword::of_form(&token, form.get("new").unwrap_or_default(), &email) {
        Ok(request) => request,
        Err(fault) => return Ok(refused(&format!("The new password {fault}."), NEW_PASSWORD)),
    };
    let work = async move {
        match verification.reset(request).await {
            Err(AccountError::OneTimeInvalid) => Ok(false),
            other => other.map(|()| true),
        }
    };
    Ok(if tasks.to_the_end(work).await? {
        html(StatusCode::OK, &page("Done", &["Your password is set, and all sessions have ended. Log in with it."], ""))
    } else {
        refused(NO_GOOD, "")
    })
}

/// The form of the page for a new password.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; its parameter is read by name")]
struct NewPasswordForm {
    #[schema(format = Password, min_length = 10, max_length = 128)]
    new: String,
}

/// The address of the page is a secret: nobody stores it, or sends it to another server.
fn html(status: StatusCode, content: &str) -> Response {
    const POLICY: &str =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (status, headers, Html(content.to_owned())).into_response()
}
