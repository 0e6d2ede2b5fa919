use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use futures_util::future::BoxFuture;
use loadmaster_accounts::{Customer, Principal};
use loadmaster_kernel::AlertId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, Key, KeyHeader},
    listing::{Anchor, CountParams, CreatedOrder, add_total},
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        Body, ClientAddress, CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Precondition, Problem,
        Query, ReadRecency, both,
        bulk::{self, BulkResult},
        conditional, private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest, Keyed, UnitOfWork},
};
use loadmaster_reference::Reference;

use super::{
    dto::{AlertBody, AlertFilter, BulkAlertAction, BulkAlerts, ChangeAlert, CreateAlert, WantedStatus},
    error::code,
    model::{Alert, Terms},
    service::AlertService,
    write::{Change, Create, Delete},
};

handler_state!(HandlerState { alerts: AlertService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete));
    Routes { api, bulk: ApiRouter::default().routes(routes!(act)), ..Routes::default() }
}

/// The path of an alert.
const ALERT: &str = "/api/v1/alerts/";

fn answer(status: StatusCode, alert: &Alert) -> Answer {
    Answer::new(status, &AlertBody::from(alert), PRIVATE).with_tag(alert.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List alerts, newest first or in the order of `sort`: those of your organization, or all for carrier staff.
///
/// The filters combine with AND.
#[utoipa::path(get, path = "/alerts", tag = "alerts", operation_id = "listAlerts",
    params(AlertFilter, CreatedOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<AlertBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (AlertFilter::read(fields, caller)?, CreatedOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = alerts.list(&filter, order, &page, count, recency).in_span(span("alerts.list")).await?;
    let bodies: Vec<_> = found.entries.iter().map(AlertBody::from).collect();
    let mut answer = private(page.answer(bodies, |body| Anchor::Id(body.id.uuid()), &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show an alert.
///
/// Customers see those of their organization, carrier staff all.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", operation_id = "getAlert",
    params(("id" = AlertId, Path, description = "Id of the alert"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = AlertBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    PathText(id): PathText<AlertId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { alerts.visible(caller, id).await.map(drop) }).await?;
    let alert = alerts.visible(caller, id).in_span(span("alerts.find")).await?;
    // A check changes what is shown without a change of the alert.
    let checked = alert.last_checked_at.map_or(0, |at| at.timestamp_micros());
    let tag = format!("{}-{checked}", alert.version);
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(AlertBody::from(&alert))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, LIMIT_REACHED);

/// Make an alert on a price or on space.
///
/// `PRICE` becomes true once your organization can book an option at or below the price, `SPACE` once any option can be booked.
/// It is judged by your organization's own search, with its tariffs, allotments and embargoes: every 30 minutes, and within a
/// minute of a change of flights or prices that concerns the lane. What is true when it is made shows as `is_met`, and is no
/// crossing. An organization has at most 50 active alerts (`limit_reached`). The dates are searched at once: every 14 of them, or
/// every seven of a `PRICE`, take as much of the caller's quota as a request.
#[utoipa::path(post, path = "/alerts", tag = "alerts", operation_id = "createAlert",
    request_body = CreateAlert, params(KeyHeader),
    responses((status = 201, body = AlertBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    State(reference): State<Reference>,
    address: Option<Extension<ClientAddress>>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let new = request.body().read(|fields| CreateAlert::read(fields, &reference));
    let made = |alert: &Alert| answer(StatusCode::CREATED, alert).with_location(format!("{ALERT}{}", alert.id));
    let address = address.map(|Extension(address)| address);
    let command = |new| Create { alerts: alerts.clone(), caller, address, terms: Terms::from(new), found: None };
    let answer = request.run(caller.user_id.uuid(), new, command, made).await?;
    if let Some(made) = answer.made_before() {
        alerts.visible(caller, made).await?;
    }
    Ok(answer)
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LIMIT_REACHED, VERSION_MISMATCH);

/// Change, pause or resume an alert.
///
/// A JSON merge patch (RFC 7396); the kind stays. A changed alert is judged anew: what is true then is no crossing. One that has
/// ended cannot be changed (`invalid_transition`).
#[utoipa::path(patch, path = "/alerts/{id}", tag = "alerts", operation_id = "changeAlert",
    request_body(content((ChangeAlert = "application/json"), (ChangeAlert = "application/merge-patch+json"))),
    params(("id" = AlertId, Path, description = "Id of the alert"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the alert still has the version of this ETag")),
    responses((status = 200, body = AlertBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    State(reference): State<Reference>,
    PathText(id): PathText<AlertId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeAlert::read(fields, &reference));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || alerts.visible(caller, id))).await?;
    let command = |wanted, precondition| Change { alerts: alerts.clone(), caller, id, precondition, wanted };
    judged.run(command, |alert| answer(StatusCode::OK, alert)).await
}

problem_responses!(DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Delete an alert.
///
/// It is not judged any more, and no letter about it is sent.
#[utoipa::path(delete, path = "/alerts/{id}", tag = "alerts", operation_id = "deleteAlert",
    params(("id" = AlertId, Path, description = "Id of the alert"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the alert still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    PathText(id): PathText<AlertId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    // A deleted one too: its deletion may be repeated under the same key.
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || alerts.existing(caller, id))).await?;
    let command = |(), precondition| Delete { alerts: alerts.clone(), caller, id, precondition };
    judged.run(command, |()| deleted()).await
}

fn deleted() -> Answer {
    Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Pause, resume or delete many alerts.
///
/// Each row is a transaction of its own and is judged as the single change would be. A row that is refused has its
/// `problem`, and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is
/// left and nothing twice.
#[utoipa::path(post, path = "/alerts/bulk", tag = "alerts", operation_id = "bulkAlerts",
    request_body = BulkAlerts, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn act(
    Customer(caller): Customer,
    State(alerts): State<AlertService>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let input = both(idempotent.rows(caller.user_id.uuid()), body.read(BulkAlerts::read));
    let ((), (keys, BulkAlerts { action, ids })) = both(query.refuse_all(), input)?;
    let act = |id: AlertId| {
        let key = keys.of(action.as_str(), &id.to_string(), &format!("{ALERT}{id}"));
        act_on_one(&alerts, &unit_of_work, caller, (action, id), key)
    };
    Ok(private(Json(BulkResult::from(bulk::each(ids.0, act).await))))
}

fn act_on_one(
    alerts: &AlertService,
    unit_of_work: &UnitOfWork,
    caller: Principal,
    (action, id): (BulkAlertAction, AlertId),
    key: Key,
) -> BoxFuture<'static, Result<(), Problem>> {
    let (alerts, unit_of_work, precondition) = (alerts.clone(), unit_of_work.clone(), Precondition::default());
    let change = |status| {
        let wanted = ChangeAlert { status: Some(status), ..ChangeAlert::default() };
        Change { alerts: alerts.clone(), caller, id, precondition: Precondition::default(), wanted }
    };
    let command = match action {
        BulkAlertAction::Pause => change(WantedStatus::Paused),
        BulkAlertAction::Resume => change(WantedStatus::Active),
        BulkAlertAction::Delete => {
            let command = Delete { alerts: alerts.clone(), caller, id, precondition };
            return Box::pin(async move {
                let running = unit_of_work.run(Keyed { command, key, answer: Box::new(|()| deleted()) });
                running.await.map(drop)
            });
        }
    };
    Box::pin(async move {
        let answer = |alert: &Alert| answer(StatusCode::OK, alert);
        unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await.map(drop)
    })
}
