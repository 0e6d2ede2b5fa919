//! Pages for people who follow a link in a letter. They have no script and no style; following a link changes nothing, as
//! programs that check links follow them, too: a form asks, and posts the answer.
use std::str::FromStr;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::super::{
    answer::ContactAnswer,
    dto::AnswerRequest,
    error::{NotificationError, code},
    service::NotificationService,
    tokens::Subscription,
    words::describe,
};
use crate::{
    kernel::Fault,
    platform::web::{Body, Form, NO_STORE, PathText, Problem, problem_responses},
};

const LONGEST_TOKEN: usize = 500;
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::CACHE_CONTROL, NO_STORE),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// What stands in a link: opaque to all but who has made it.
#[derive(Debug)]
pub(super) struct Token(String);

impl FromStr for Token {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let is_one = text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_one { Ok(Self(text.to_owned())) } else { Err(Fault::format("is no token")) }
    }
}

/// A page with a title and a body, which is HTML.
fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    );
    (status, HEADERS, text).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A faulty link is told to people as a page, and to programs as any problem.
fn refused(error: NotificationError, is_person: bool) -> Result<Response, Problem> {
    match error {
        NotificationError::InvalidToken if is_person => {
            let body = "<p>It is damaged, too old, or no longer of use. Nothing was changed.</p>";
            Ok(page(StatusCode::BAD_REQUEST, "This link is not valid", body))
        }
        error => Err(error.into()),
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|accepted| accepted.contains("text/html"))
}

problem_responses!(PageProblems: [INPUT], INVALID_TOKEN, NOT_FOUND);
problem_responses!(AnswerProblems: [INPUT, BODY], INVALID_TOKEN, NOT_FOUND);

/// Ask a contact whether it agrees to be told about shipments.
///
/// A page for people, with a form for the answer. Changes nothing.
#[utoipa::path(get, path = "/confirm/{token}", tag = "notifications", operation_id = "askContact",
    params(("token" = String, Path, description = "From a link in a letter")),
    responses((status = 200, description = "The question, as a page.", body = String, content_type = "text/html"), PageProblems))]
pub(super) async fn ask(
    State(notifications): State<NotificationService>,
    PathText(Token(token)): PathText<Token>,
) -> Result<Response, Problem> {
    let asked = match notifications.question(&token).await {
        Ok(asked) => asked,
        Err(error) => return refused(error, true),
    };
    let (organization, address) = (escaped(&asked.organization), escaped(&asked.address));
    let state = match asked.status.as_str() {
        "AGREED" => "<p>You have agreed to this.</p>",
        "DECLINED" => "<p>You have answered that nobody may write to this address. Nothing is sent to it.</p>",
        _ => "",
    };
    let body = format!(
        "{state}<p>{organization} wants to have news about its shipments sent to {address}.</p>\n\
         <form method=\"post\">\n<p><button name=\"answer\" value=\"agree\">Yes, send me news</button></p>\n\
         <p><button name=\"answer\" value=\"never\">No, and never ask again</button></p>\n</form>"
    );
    Ok(page(StatusCode::OK, "News about shipments", &body))
}

/// Answer as a contact.
///
/// `answer` is `agree`, the default, or `never`, in a form or as JSON. After `never` no organization can have this address
/// asked again.
#[utoipa::path(post, path = "/confirm/{token}", tag = "notifications", operation_id = "answerQuestion",
    params(("token" = String, Path, description = "From a link in a letter")),
    request_body(content((Option<AnswerRequest> = "application/x-www-form-urlencoded"), (Option<AnswerRequest> = "application/json"))),
    responses((status = 200, description = "What was done, as a page.", body = String, content_type = "text/html"), AnswerProblems))]
pub(super) async fn answer(
    State(notifications): State<NotificationService>,
    PathText(Token(token)): PathText<Token>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let answer = read_answer(body)?;
    if let Err(error) = notifications.answer(&token, answer).await {
        return refused(error, wants_html(&headers));
    }
    let body = match answer {
        ContactAnswer::Agree => {
            "<p>You will be told. Each e-mail has a link that ends messages of its kind. To end text messages, open the link \
             of the question again and choose \u{201c}No, and never ask again\u{201d}.</p>"
        }
        ContactAnswer::Never => "<p>Nothing will be sent to this address, and nobody can have it asked again.</p>",
    };
    Ok(page(StatusCode::OK, "Thank you", body))
}

fn read_answer(body: Body) -> Result<ContactAnswer, Problem> {
    if !body.is_of_type(Form::MEDIA_TYPE) {
        return Ok(body.read_optional(AnswerRequest::read)?.answer.unwrap_or(ContactAnswer::Agree));
    }
    let form = Form::of(body)?;
    let known = |word: &str| ContactAnswer::WORDS.iter().find(|(known, _)| *known == word).map(|(_, answer)| *answer);
    if !form.has("answer") {
        return Ok(ContactAnswer::Agree);
    }
    // Given twice, it is not clear which answer is meant.
    let answer = form.get("answer").and_then(known);
    answer.ok_or_else(|| Problem::new(code::MALFORMED_REQUEST, "`answer` must be `agree` or `never`, and given once."))
}

fn described(subscription: &Subscription) -> String {
    subscription.kinds.iter().map(|kind| describe(*kind)).collect::<Vec<_>>().join(", ")
}

/// Ask whether a type of message is to end.
///
/// A page for people, with a form. Changes nothing.
#[utoipa::path(get, path = "/unsubscribe/{token}", tag = "notifications", operation_id = "askUnsubscribe",
    params(("token" = String, Path, description = "From a link in a letter")),
    responses((status = 200, description = "The question, as a page.", body = String, content_type = "text/html"), PageProblems))]
pub(super) async fn ask_unsubscribe(
    State(notifications): State<NotificationService>,
    PathText(Token(token)): PathText<Token>,
) -> Result<Response, Problem> {
    let subscription = match notifications.subscription(&token) {
        Ok(subscription) => subscription,
        Err(error) => return refused(error, true),
    };
    let body = format!(
        "<p>No more e-mail of this kind: {}.</p>\n<form method=\"post\"><p><button>Unsubscribe</button></p></form>",
        described(&subscription)
    );
    Ok(page(StatusCode::OK, "Unsubscribe", &body))
}

/// Switch a type of message off, with one click.
///
/// As RFC 8058 says; the body is not read.
#[utoipa::path(post, path = "/unsubscribe/{token}", tag = "notifications", operation_id = "unsubscribe",
    params(("token" = String, Path, description = "From a link in a letter")),
    responses((status = 200, description = "What was done, as a page.", body = String, content_type = "text/html"), PageProblems))]
pub(super) async fn unsubscribe(
    State(notifications): State<NotificationService>,
    PathText(Token(token)): PathText<Token>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match notifications.unsubscribe(&token).await {
        Ok(subscription) => {
            let body = format!("<p>You get no more e-mail of this kind: {}.</p>", described(&subscription));
            Ok(page(StatusCode::OK, "Unsubscribed", &body))
        }
        Err(error) => refused(error, wants_html(&headers)),
    }
}
