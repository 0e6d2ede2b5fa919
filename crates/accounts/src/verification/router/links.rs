//! Pages without scripts. `GET` changes nothing: programs that look at mails follow links.
use axum::{extract::State, response::Response};
use loadmaster_kernel::FaultCode;
use loadmaster_platform::{
    tasks::Tasks,
    web::{Audience, Form, InputFault, PathText, Problem, problem_responses},
};

use super::texts::{NO_GOOD, Texts};

use crate::{
    error::{AccountError, code},
    one_time::Purpose,
    people::AccountLanguage,
    verification::{
        dto::{LinkToken, NewPassword},
        service::VerificationService,
    },
};

problem_responses!(PageProblems: [], NOT_FOUND);
problem_responses!(LinkProblems: [], INVALID_TOKEN, NOT_FOUND);

/// The page that a link in a mail leads to: it asks, and changes nothing.
///
/// Programs that open links in mails change nothing by it.
#[utoipa::path(get, path = "/verify-email/{token}", operation_id = "showEmailVerification", tag = "auth",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "A page with one button.", content_type = "text/html", body = String),
              PageProblems))]
pub async fn show_verification(
    State(verification): State<VerificationService>,
    PathText(LinkToken(token)): PathText<LinkToken>,
) -> Result<Response, Problem> {
    let texts = Texts::of(verification.language_of(Purpose::VERIFY_EMAIL, &token).await?);
    // Programs that check links follow them, and press no button.
    Ok(texts.page(texts.verification).says(texts.press).asks(&texts.confirmation()).answer())
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
    let work = async move { verify_by_link(&verification, &token).await };
    let (language, link) = tasks.to_the_end(work).await?;
    let texts = Texts::of(language);
    Ok(match link {
        Link::Good => texts.page(texts.confirmed).says(texts.is_confirmed).answer(),
        Link::NoGood => no_good(texts, texts.verification, audience),
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

/// Returns the language of the account with the outcome. A link that is used or expired still says whose it was.
async fn verify_by_link(
    verification: &VerificationService,
    token: &str,
) -> Result<(AccountLanguage, Link), AccountError> {
    match verification.verify_email(token).await {
        Ok(language) => Ok((language, Link::Good)),
        Err(AccountError::OneTimeInvalid) => {
            Ok((verification.language_of(Purpose::VERIFY_EMAIL, token).await?, Link::NoGood))
        }
        Err(error) => Err(error),
    }
}

fn no_good(texts: &Texts, title: &'static str, audience: Audience) -> Response {
    let fault = InputFault::path("token", FaultCode::UnknownValue, NO_GOOD);
    let problem = Problem::new(code::INVALID_TOKEN, NO_GOOD).about(&fault);
    texts.page(title).says(texts.no_good).refusal(problem, audience)
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
    let linked = verification.linked(Purpose::RESET_PASSWORD, &token).await?;
    let texts = Texts::of(linked.language);
    Ok(match linked.email {
        Some(_) => texts.page(texts.reset).asks(&texts.password()).answer(),
        None => no_good(texts, texts.reset, audience),
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
    let linked = verification.linked(Purpose::RESET_PASSWORD, &token).await?;
    let texts = Texts::of(linked.language);
    let Some(email) = linked.email else { return Ok(no_good(texts, texts.reset, audience)) };
    // A box that is not ticked is not sent.
    let end_all = form.get("end_all").is_some_and(|value| value != "false");
    let request = match NewPassword::of_form(&token, form.get("new").unwrap_or_default(), end_all, &email) {
        Ok(request) => request,
        Err(fault) => {
            let page = texts.page(texts.reset).says(&(texts.refused)(&fault)).asks(&texts.password());
            let problem = Problem::validation(&InputFault::members(&[("/new", fault)]));
            return Ok(page.refusal(problem, audience));
        }
    };
    let work = async move { judged(verification.reset(request).await) };
    Ok(match tasks.to_the_end(work).await? {
        Link::Good => texts.page(texts.done).says(texts.is_set).answer(),
        Link::NoGood => no_good(texts, texts.reset, audience),
    })
}

/// The form of the page for a new password.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; its parameters are read by name")]
struct NewPasswordForm {
    /// The new password.
    #[schema(format = Password, min_length = 10, max_length = 128)]
    new: String,
    /// `true` ends all API keys and webhooks of the user.
    #[schema(required = false, example = "true")]
    end_all: String,
}
