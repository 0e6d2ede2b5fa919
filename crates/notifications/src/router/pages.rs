use std::str::FromStr;

use axum::{extract::State, response::Response};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::{Audience, Body, Form, InputFault, PathText, Problem, problem_responses};

use super::{
    super::{
        answer::ContactAnswer,
        dto::AnswerRequest,
        error::{NotificationError, code},
        service::NotificationService,
        tokens::Subscription,
        words::Language,
    },
    texts::Texts,
};

const LONGEST_TOKEN: usize = 500;

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

/// The page of a link that is not valid.
fn refused(audience: Audience, texts: &Texts) -> Response {
    texts.page(texts.invalid).says(texts.nothing_changed).refusal(NotificationError::InvalidToken.into(), audience)
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
    State(language): State<Language>,
    PathText(Token(token)): PathText<Token>,
    audience: Audience,
) -> Result<Response, Problem> {
    let followed = notifications.question(&token).await?;
    let texts = Texts::of(followed.language.as_deref(), &language);
    let Some(asked) = followed.done else { return Ok(refused(audience, texts)) };
    let page = texts.page(texts.news);
    let page = match asked.status.as_str() {
        "AGREED" => page.says(texts.has_agreed),
        "DECLINED" => page.says(texts.has_declined),
        _ => page,
    };
    let text = (texts.question)(asked.organization.as_deref().unwrap_or(texts.shipper), &asked.address);
    Ok(page.says(&text).asks(&texts.answers()).answer())
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
    State(language): State<Language>,
    PathText(Token(token)): PathText<Token>,
    audience: Audience,
    body: Body,
) -> Result<Response, Problem> {
    let followed = notifications.answer(&token, read_answer(body)?).await?;
    let texts = Texts::of(followed.language.as_deref(), &language);
    let Some(answer) = followed.done else { return Ok(refused(audience, texts)) };
    let text = match answer {
        ContactAnswer::Agree => texts.agreed,
        ContactAnswer::Never => texts.declined,
    };
    Ok(texts.page(texts.thanks).says(text).answer())
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

/// A sentence that begins like this and ends with the types.
fn with_types(begin: &str, subscription: &Subscription, texts: &Texts) -> String {
    let types: Vec<&str> = subscription.kinds.iter().map(|kind| (texts.about)(*kind)).collect();
    format!("{begin} {}.", types.join(", "))
}

/// Ask whether a type of message is to end.
///
/// A page for people, with a form. Changes nothing.
#[utoipa::path(get, path = "/unsubscribe/{token}", tag = "notifications", operation_id = "askUnsubscribe",
    params(("token" = String, Path, description = "From a link in a letter")),
    responses((status = 200, description = "The question, as a page.", body = String, content_type = "text/html"), PageProblems))]
pub(super) async fn ask_unsubscribe(
    State(notifications): State<NotificationService>,
    State(language): State<Language>,
    PathText(Token(token)): PathText<Token>,
    audience: Audience,
) -> Result<Response, Problem> {
    let followed = notifications.subscription(&token).await?;
    let texts = Texts::of(followed.language.as_deref(), &language);
    let Some(subscription) = followed.done else { return Ok(refused(audience, texts)) };
    let text = with_types(texts.no_more, &subscription, texts);
    let button = format!("<button>{}</button>", texts.unsubscribe);
    Ok(texts.page(texts.unsubscribe).says(&text).asks(&button).answer())
}

/// Switch a type of message off, with one click.
///
/// As RFC 8058 says; the body is not read.
#[utoipa::path(post, path = "/unsubscribe/{token}", tag = "notifications", operation_id = "unsubscribe",
    params(("token" = String, Path, description = "From a link in a letter")),
    responses((status = 200, description = "What was done, as a page.", body = String, content_type = "text/html"), PageProblems))]
pub(super) async fn unsubscribe(
    State(notifications): State<NotificationService>,
    State(language): State<Language>,
    PathText(Token(token)): PathText<Token>,
    audience: Audience,
) -> Result<Response, Problem> {
    let followed = notifications.unsubscribe(&token).await?;
    let texts = Texts::of(followed.language.as_deref(), &language);
    let Some(subscription) = followed.done else { return Ok(refused(audience, texts)) };
    let text = with_types(texts.ended, &subscription, texts);
    Ok(texts.page(texts.unsubscribed).says(&text).answer())
}
