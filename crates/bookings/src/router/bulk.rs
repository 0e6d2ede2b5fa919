use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Operator, Principal};
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    idempotency::{Idempotent, Key, KeyHeader},
    web::{
        Body, Precondition, Problem, Query, both,
        bulk::{self, RowOutcome},
        private, problem_responses, request_id,
    },
    work::UnitOfWork,
};
use loadmaster_reference::Reference;

use super::{super::error::code, change::changed, onward};

use crate::{
    Action,
    cancel::Cancel,
    courtesy::Target,
    desk::{Desk, Verb},
    dto::{BulkAction, BulkBookings, BulkBookingsResult, BulkParams, CancelBooking, RecordMovement},
    movement::Advance,
};

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Act on many bookings.
///
/// Each row is a transaction of its own and is judged as the single call would be: `depart`, `arrive`, `deliver` and
/// `cancel` as the operations of these names, `reroute` as an amendment of `flight_ids`. A row that is refused has its
/// `problem`, and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what
/// is left and nothing twice. Takes at most 60 seconds.
///
/// The rows of `reroute` are judged one after the other, each by the room that those before it left. A row takes the
/// route that `params` names for it. Without one, or if it cannot be taken any more, the row takes the option from
/// where the cargo is or will land that arrives first: on the day of what it missed or one of the next. The `flight_ids`
/// of its result are the route that it took.
#[utoipa::path(post, path = "/bookings/bulk", tag = "bookings", operation_id = "bulkBookings",
    request_body = BulkBookings, params(KeyHeader),
    responses((status = 200, body = BulkBookingsResult), BulkProblems))]
pub(super) async fn act(
    Operator(caller): Operator,
    State(desk): State<Desk>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let input =
        both(idempotent.rows(caller.user_id.uuid()), body.read(|fields| BulkBookings::read(fields, &reference)));
    let ((), (keys, BulkBookings { action, ids, params })) = both(query.refuse_all(), input)?;
    let act = |id: BookingRef| {
        let params = params.as_ref().and_then(|params| params.of_row(&id));
        let key = keys.of(&format!("{} {params:?}", action.as_str()), id.as_str(), &path_of(action, &id));
        act_on(desk.clone(), unit_of_work.clone(), (caller, id), (action, params), key)
    };
    let rows: Vec<RowOutcome<Option<Vec<FlightId>>>> = match action {
        // They compete for the same flights.
        BulkAction::Reroute => bulk::each_in_turn(ids.0, act).await,
        _ => bulk::each(ids.0, act).await,
    };
    Ok(private(Json(BulkBookingsResult::from(rows))))
}

/// The path of the single call.
fn path_of(action: BulkAction, reference: &BookingRef) -> String {
    format!("/api/v1/bookings/{reference}/{}", action.as_str())
}

/// Returns the route that the booking took, if it was rerouted.
async fn act_on(
    desk: Desk,
    unit_of_work: UnitOfWork,
    (caller, reference): (Principal, BookingRef),
    (action, params): (BulkAction, Option<BulkParams>),
    key: Key,
) -> Result<Option<Vec<FlightId>>, Problem> {
    let movement = |action| {
        let movement = match &params {
            Some(BulkParams::Movement(movement)) => movement.clone(),
            _ => RecordMovement::default(),
        };
        Verb::Advance(Advance { action, movement })
    };
    let verb = match (action, &params) {
        (BulkAction::Depart, _) => movement(Action::Depart),
        (BulkAction::Arrive, _) => movement(Action::Arrive),
        (BulkAction::Deliver, _) => movement(Action::Deliver),
        (BulkAction::Cancel, params) => {
            let CancelBooking { reason, waive_fee } = match params {
                Some(BulkParams::Cancel(cancel)) => cancel.clone(),
                _ => CancelBooking::default(),
            };
            Verb::Cancel(Cancel { reason, waived_by: (waive_fee == Some(true)).then(request_id) })
        }
        (BulkAction::Reroute, params) => {
            let chosen = match params {
                Some(BulkParams::Reroute(chosen)) => chosen.of(&reference).cloned(),
                _ => None,
            };
            return onward::reroute(&desk, &unit_of_work, (caller, reference), chosen, key).await.map(Some);
        }
    };
    let target = Target { caller, reference, precondition: Precondition::default() };
    desk.take_step(target, verb, key, changed).await.map(|_| None)
}
