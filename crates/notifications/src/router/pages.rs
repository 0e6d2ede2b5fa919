use std::str::FromStr;

use axum::{extract::State, response::Response};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::{Audience, Body, Form, InputFault, Page, PathText, Problem, problem_responses};

use super::super::{
    answer::ContactAnswer,
    dto::AnswerRequest,
    error::{NotificationError, code},
    service::NotificationService,
    tokens::Subscription,
    words::describe,
};

const LONGEST_TOKEN: usize = 500;
const NEWS: &str = "News about shipments";
const ANSWERS: &str = "<p><button name=\"answer\" value=\"agree\">Yes, send me news</button></p>\n\
    <p><button name=\"answer\" value=\"never\">No, and never ask again</button></p>";

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

fn refused(error: NotificationError, audience: Audience) -> Result<Response, Problem> {
    match error {
        NotificationError::InvalidToken => Ok(Page::new("This link is not valid")
            .says("It is damaged, too old, or no longer of use. Nothing was changed.")
            .refusal(error.into(), audience)),
        error => Err(error.into()),
    }
}

problem_responses!(PageProblems: [], INVALID_TOKEN, NOT_FOUND);
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
    audience: Audience,
) -> Result<Response, Problem> {
    let asked = match notifications.question(&token).await {
        Ok(asked) => asked,
        Err(error) => return refused(error, audience),
    };
    let (organization, address) = (&asked.organization, &asked.address);
    let page = match asked.status.as_str() {
        "AGREED" => Page::new(NEWS).says("You have agreed to this."),
        "DECLINED" => {
            Page::new(NEWS).says("You have answered that nobody may write to this address. Nothing is sent to it.")
        }
        _ => Page::new(NEWS),
    };
    let text = format!("{organization} wants to have news about its shipments sent to {address}.");
    Ok(page.says(&text).asks(ANSWERS).answer())
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
    audience: Audience,
    body: Body,
) -> Result<Response, Problem> {
    let answer = read_answer(body)?;
    if let Err(error) = notifications.answer(&token, answer).await {
        return refused(error, audience);
    }
    let text = match answer {
        ContactAnswer::Agree => {
            "You will be told. Each e-mail has a link that ends messages of its kind. To end text messages, open the link \
             of the question again and choose \u{201c}No, and never ask again\u{201d}."
        }
        ContactAnswer::Never => "Nothing will be sent to this address, and nobody can have it asked again.",
    };
    Ok(Page::new("Thank you").says(text).answer())
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
    let fault = || Fault::new(FaultCode::UnknownValue, "must be `agree` or `never`, and given once");
    answer.ok_or_else(|| Problem::validation(&InputFault::members(&[("/answer", fault())])))
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
    audience: Audience,
) -> Result<Response, Problem> {
    let subscription = match notifications.subscription(&token) {
        Ok(subscription) => subscription,
        Err(error) => return refused(error, audience),
    };
    let text = format!("No more e-mail of this kind: {}.", described(&subscription));
    Ok(Page::new("Unsubscribe").says(&text).asks("<button>Unsubscribe</button>").answer())
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
    audience: Audience,
) -> Result<Response, Problem> {
    match notifications.unsubscribe(&token).await {
        Ok(subscription) => {
            let text = format!("You get no more e-mail of this kind: {}.", described(&subscription));
            Ok(Page::new("Unsubscribed").says(&text).answer())
        }
        Err(error) => refused(error, audience),
    }
}
