use loadmaster_accounts::Principal;
use loadmaster_holds::CURABLE;
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    idempotency::{Answer, Key, Repetition},
    web::{Precondition, Problem},
    work::{Keyed, UnitOfWork},
};
use serde::Deserialize;

use super::{super::error::code, change::answer_changed};

use crate::{
    amend::Amend,
    change::Change,
    courtesy::Target,
    desk::Desk,
    dto::{AmendBooking, ChosenRoute},
    model::LegStatus,
};

/// Most routes that are tried for one booking, the chosen one included.
const MOST_TRIED: usize = 10;

/// Moves a booking to the chosen route or else to the one that arrives first. The space shown by other processes may be out
/// of date, and a flight may close meanwhile: a route that is refused is left out, and the next one is tried. Returns the
/// flights of the route that it took, in order, also of one that it took under the same key before.
pub(super) async fn reroute(
    desk: &Desk,
    unit_of_work: &UnitOfWork,
    (caller, reference): (Principal, BookingRef),
    chosen: Option<ChosenRoute>,
    key: Key,
) -> Result<Vec<FlightId>, Problem> {
    let (flight_ids, version) = chosen.map_or((Vec::new(), None), |chosen| (chosen.flight_ids, chosen.version));
    let precondition = version.map_or_else(Precondition::default, Precondition::of_version);
    let target = Target { caller, reference, precondition };
    let bookings = desk.bookings();
    let mut route = Some(flight_ids).filter(|flights| !flights.is_empty());
    let mut refused = Vec::new();
    loop {
        // It may have moved on since the last attempt, and be elsewhere.
        let booking = bookings.visible(caller, &target.reference).await?;
        match key.look_before_waiting().await {
            Err(Repetition::Done(answer)) => return Ok(route_of(&answer)),
            looked => looked?,
        }
        let flights = match route.take() {
            Some(flights) => flights,
            None => bookings.best_way_on(&booking, &refused).await?.ok_or_else(no_route)?,
        };
        match take(desk, unit_of_work, &target, &flights, key.clone()).await {
            Err(problem) if is_about_the_route(&problem) && refused.len() + 1 < MOST_TRIED => refused.push(flights),
            outcome => return outcome.map(|answer| route_of(&answer)),
        }
    }
}

/// The legs of a booking that was rerouted.
#[derive(Deserialize)]
struct Rerouted {
    legs: Vec<ReroutedLeg>,
}

#[derive(Deserialize)]
struct ReroutedLeg {
    flight_id: FlightId,
    status: LegStatus,
}

/// The flights that are to be flown, in order, of the booking that an answer shows.
fn route_of(answer: &Answer) -> Vec<FlightId> {
    let legs = answer.read().map_or_else(Vec::new, |Rerouted { legs }| legs);
    legs.into_iter().filter(|leg| leg.status == LegStatus::Booked).map(|leg| leg.flight_id).collect()
}

/// Takes one route, or refuses it.
async fn take(
    desk: &Desk,
    unit_of_work: &UnitOfWork,
    target: &Target,
    flights: &[FlightId],
    key: Key,
) -> Result<Answer, Problem> {
    let amendment = AmendBooking { flight_ids: Some(flights.to_vec()), ..AmendBooking::default() };
    let command = Change::new(desk.bookings().clone(), target.clone(), Amend { amendment });
    let answer = Box::new(answer_changed(desk.bookings()));
    unit_of_work.run(Keyed { command, key, answer }).await
}

/// Whether another route may be accepted.
fn is_about_the_route(problem: &Problem) -> bool {
    problem.code() == code::ITINERARY_INVALID || CURABLE.contains(&problem.code())
}

fn no_route() -> Problem {
    let detail = "No flights with room lead on from where the cargo is on the next days.";
    Problem::new(code::NO_BOOKABLE_ITINERARY, detail)
}
