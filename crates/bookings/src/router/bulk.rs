use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Operator, Principal};
use loadmaster_kernel::BookingRef;
use loadmaster_platform::{
    idempotency::{Idempotent, Key, KeyHeader, Repetition},
    web::{
        Body, Precondition, Problem, Query, both,
        bulk::{self, BulkResult},
        private, problem_responses, request_id,
    },
    work::{Keyed, UnitOfWork},
};
use loadmaster_reference::Reference;

use super::{super::error::code, change::changed};

use crate::{
    Action,
    amend::Amend,
    cancel::Cancel,
    change::Change,
    courtesy::Target,
    desk::{Desk, Verb},
    dto::{AmendBooking, BulkAction, BulkBookings, BulkParams, CancelBooking},
    movement::Advance,
};

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Act on many bookings.
///
/// Each row is a transaction of its own and is judged as the single call would be: `depart`, `arrive`, `deliver` and
/// `cancel` as the operations of these names, `reroute` as an amendment with the flights of the best option from where
/// the cargo is or will land. A row that is refused has its `problem`, and the others go on. With an `Idempotency-Key`
/// each row has the key `<key>/<id>`: a repetition does what is left and nothing twice. Takes at most 60 seconds.
#[utoipa::path(post, path = "/bookings/bulk", tag = "bookings", operation_id = "bulkBookings",
    request_body = BulkBookings, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
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
    let asked = format!("{} {params:?}", action.as_str());
    let act = |id: BookingRef| {
        let (desk, params, unit_of_work) = (desk.clone(), params.clone(), unit_of_work.clone());
        let key = keys.of(&asked, id.as_str(), &path_of(action, &id));
        async move { act_on(&desk, &unit_of_work, caller, id, (action, params), key).await }
    };
    Ok(private(Json(bulk::each(ids.0, act).await)))
}

/// The path of the single call.
fn path_of(action: BulkAction, reference: &BookingRef) -> String {
    format!("/api/v1/bookings/{reference}/{}", action.as_str())
}

async fn act_on(
    desk: &Desk,
    unit_of_work: &UnitOfWork,
    caller: Principal,
    reference: BookingRef,
    (action, params): (BulkAction, Option<BulkParams>),
    key: Key,
) -> Result<(), Problem> {
    let target = Target { caller, reference, precondition: Precondition::default() };
    let movement = |action| {
        let movement = match params.clone() {
            Some(BulkParams::Movement(movement)) => Some(movement),
            _ => None,
        };
        Verb::Advance(Advance { action, movement: movement.unwrap_or_default() })
    };
    let verb = match action {
        BulkAction::Depart => movement(Action::Depart),
        BulkAction::Arrive => movement(Action::Arrive),
        BulkAction::Deliver => movement(Action::Deliver),
        BulkAction::Cancel => {
            let cancel = match params {
                Some(BulkParams::Cancel(cancel)) => cancel,
                _ => CancelBooking::default(),
            };
            Verb::Cancel(Cancel { reason: cancel.reason, waived_by: (cancel.waive_fee == Some(true)).then(request_id) })
        }
        BulkAction::Reroute => return reroute(desk, unit_of_work, target, key).await,
    };
    desk.take_step(target, verb, key, changed).await.map(drop)
}

/// Moves a booking to the best way on.
async fn reroute(desk: &Desk, unit_of_work: &UnitOfWork, target: Target, key: Key) -> Result<(), Problem> {
    let bookings = desk.bookings();
    let booking = bookings.visible(target.caller, &target.reference).await?;
    match key.look_before_waiting().await {
        Err(Repetition::Done(_)) => return Ok(()),
        looked => looked?,
    }
    let Some(flights) = bookings.best_way_on(&booking).await else {
        let detail = "No flights with room lead on from where the cargo is on the next days.";
        return Err(Problem::new(code::NO_BOOKABLE_ITINERARY, detail));
    };
    let amendment = AmendBooking { flight_ids: Some(flights), ..AmendBooking::default() };
    let command = Change::new(bookings.clone(), target, Amend { amendment });
    unit_of_work.run(Keyed { command, key, answer: Box::new(changed) }).await.map(drop)
}
