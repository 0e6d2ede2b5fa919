//! Pages without scripts. `GET` changes nothing: programs that look at mails follow links.
use axum::{extract::State, response::Response};
use loadmaster_kernel::FaultCode;
use loadmaster_platform::{
    tasks::Tasks,
    web::{Audience, Form, InputFault, Page, PathText, Problem, problem_responses},
};

use crate::{
    error::{AccountError, code},
    verification::{
        dto::{LinkToken, NewPassword},
        service::VerificationService,
    },
};

const TITLE_OF_VERIFICATION: &str = "Confirm your e-mail address";
const TITLE_OF_RESET: &str = "Set a new password";
const NO_GOOD: &str = "This link is wrong, used or expired. Ask for a new one.";
const NEW_PASSWORD: &str = "<p><label>New password<br>\
    <input type=\"password\" name=\"new\" required minlength=\"10\" maxlength=\"128\" autocomplete=\"new-password\"></label></p>\n\
    <p><label><input type=\"checkbox\" name=\"end_all\" value=\"true\"> End all my API keys and webhooks, too: somebody else may have made \
    or seen them</label></p>\n\
    <button type=\"submit\">Set the password</button>";

problem_responses!(PageProblems: [], NOT_FOUND);
problem_responses!(LinkProblems: [], INVALID_TOKEN, NOT_FOUND);

/// The page that a link in a mail leads to: it asks, and changes nothing.
///
/// Programs that open links in mails change nothing by it.
#[utoipa::path(get, path = "/verify-email/{token}", operation_id = "showEmailVerification", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "A page with one button.", content_type = "text/html", body = String),
              PageProblems))]
pub async fn show_verification(_token: PathText<LinkToken>) -> Response {
    let asks = "Press the button to confirm that this e-mail address is yours.";
    // Programs that check links follow them, and press no button.
    Page::new(TITLE_OF_VERIFICATION).says(asks).asks("<button type=\"submit\">Confirm</button>").answer()
}

/// Verify an e-mail address from the page of its link.
///
/// The link works once.
#[utoipa::path(post, path = "/verify-email/{token}", operation_id = "verifyEmailByLink", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "Verified.", content_type = "text/html", body = String),
              LinkProblems))]
pub async fn verify(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    PathText(LinkToken(token)): PathText<LinkToken>,
    audience: Audience,
) -> Result<Response, Problem> {
    let work = async move { judged(verification.verify_email(&token).await) };
    Ok(match tasks.to_the_end(work).await? {
        Link::Good => {
            Page::new("Confirmed").says("Your e-mail address is confirmed. You can close this page.").answer()
        }
        Link::NoGood => no_good(TITLE_OF_VERIFICATION, audience),
    })
}

/// Whether a link was still of use.
enum Link {
    Good,
    NoGood,
}

fn judged(outcome: Result<(), AccountError>) -> Result<Link, AccountError> {
    match outcome {
        Err(AccountError::OneTimeInvalid) => Ok(Link::NoGood),
        other => other.map(|()| Link::Good),
    }
}

fn no_good(title: &'static str, audience: Audience) -> Response {
    let fault = InputFault::path("token", FaultCode::UnknownValue, NO_GOOD);
    Page::new(title).says(NO_GOOD).refusal(Problem::new(code::INVALID_TOKEN, NO_GOOD).about(&fault), audience)
}

/// The page for a new password.
///
/// It asks for the password, and changes nothing.
#[utoipa::path(get, path = "/reset-password/{token}", operation_id = "showPasswordReset", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "A page with a form.", content_type = "text/html", body = String),
              LinkProblems))]
pub async fn show_reset(
    State(verification): State<VerificationService>,
    PathText(LinkToken(token)): PathText<LinkToken>,
    audience: Audience,
) -> Result<Response, Problem> {
    Ok(match verification.email_of(&token).await? {
        Some(_) => Page::new(TITLE_OF_RESET).asks(NEW_PASSWORD).answer(),
        None => no_good(TITLE_OF_RESET, audience),
    })
}

problem_responses!(ResetProblems: [INPUT], INVALID_TOKEN, NOT_FOUND, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, FORBIDDEN);

/// Set a new password from the page of its link.
///
/// The link works once. All sessions end, and with `end_all` all API keys and webhooks of the user.
#[utoipa::path(post, path = "/reset-password/{token}", operation_id = "resetPasswordByLink", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    request_body(content = NewPasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Set.", content_type = "text/html", body = String), ResetProblems))]
pub async fn reset(
    State(verification): State<VerificationService>,
    State(tasks): State<Tasks>,
    PathText(LinkToken(token)): PathText<LinkToken>,
    audience: Audience,
    form: Result<Form, Problem>,
) -> Result<Response, Problem> {
    verification.sessions.require_password_grant()?;
    let form = form?;
    let Some(email) = verification.email_of(&token).await? else { return Ok(no_good(TITLE_OF_RESET, audience)) };
    // A box that is not ticked is not sent.
    let end_all = form.get("end_all").is_some_and(|value| value != "false");
    let request = match NewPassword::of_form(&token, form.get("new").unwrap_or_default(), end_all, &email) {
        Ok(request) => request,
        Err(fault) => {
            let page = Page::new(TITLE_OF_RESET).says(&format!("The new password {fault}.")).asks(NEW_PASSWORD);
            let problem = Problem::validation(&InputFault::members(&[("/new", fault)]));
            return Ok(page.refusal(problem, audience));
        }
    };
    let work = async move { judged(verification.reset(request).await) };
    Ok(match tasks.to_the_end(work).await? {
        Link::Good => {
            Page::new("Done").says("Your password is set, and all sessions have ended. Log in with it.").answer()
        }
        Link::NoGood => no_good(TITLE_OF_RESET, audience),
    })
}

/// The form of the page for a new password.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; its parameters are read by name")]
struct NewPasswordForm {
    #[schema(format = Password, min_length = 10, max_length = 128)]
    new: String,
    /// `true` ends all API keys and webhooks of the user.
    #[schema(required = false, example = "true")]
    end_all: String,
}
