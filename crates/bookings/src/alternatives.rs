//! What a caller may book instead of what was refused.
use loadmaster_accounts::Principal;
use loadmaster_holds::{self as holds, CURABLE, CreateHold, HoldVerb};
use loadmaster_kernel::{BookingRef, FlightId, HoldId};
use loadmaster_platform::{idempotency::Answer, web::Problem};
use loadmaster_search::{Day, Request, RouteQuery};
use loadmaster_shipment::Shipment;

use super::{
    BookingError, BookingService,
    desk::Done,
    draw_up::PlainBooking,
    dto::AmendBooking,
    model::{Booking, LegStatus},
};

impl BookingService {
    /// Adds `alternatives` to the refusal of a new booking where they may help.
    pub(super) async fn or_alternatives(
        &self,
        new: &PlainBooking,
        outcome: Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        match outcome {
            Err(problem) if CURABLE.contains(&problem.code()) => {
                Err(problem.with("alternatives", self.search.alternatives(new.route_query()).await))
            }
            outcome => outcome,
        }
    }

    /// Adds `alternatives` to the refusal of a new hold where they may help. Its ends may be those of its flights.
    pub(super) async fn or_alternatives_to_hold(
        &self,
        new: &CreateHold,
        outcome: Result<Done, Problem>,
    ) -> Result<Done, Problem> {
        match outcome {
            Err(problem) if CURABLE.contains(&problem.code()) => {
                let request = Request::of(new.load().space, &new.special_handling_codes).sized(new.dimensions());
                let route = self.search.route_query(
                    (new.origin, new.destination),
                    &new.flight_ids,
                    new.departure_date,
                    request,
                );
                let found = self.search.alternatives_once(route).await;
                Err(problem.with("alternatives", found))
            }
            outcome => outcome,
        }
    }

    /// Adds `alternatives` to the refusal of a change or commit of a hold where they may help: routes between its ends for
    /// the changed freight.
    pub(super) async fn or_alternatives_to_step(
        &self,
        caller: Principal,
        (hold, verb): (HoldId, &HoldVerb),
        outcome: Result<Done, Problem>,
    ) -> Result<Done, Problem> {
        match outcome {
            Err(problem) if CURABLE.contains(&problem.code()) => {
                let route = async {
                    let hold = self.holds.visible(caller, hold).await.ok()?;
                    let patch = verb.patch()?;
                    let amended = holds::amended(&hold, patch).ok()?;
                    let way = patch.flight_ids.clone().filter(|way| !way.is_empty());
                    Some(RouteQuery {
                        origin: hold.origin,
                        destination: hold.destination,
                        day: Day::Of(way.unwrap_or_else(|| hold.flight_ids().collect())),
                        earliest: None,
                        request: Request::of(amended.space, &amended.special_handling_codes)
                            .sized(amended.dimensions.as_ref()),
                    })
                };
                Err(problem.with("alternatives", self.search.alternatives_once(route).await))
            }
            outcome => outcome,
        }
    }

    /// Adds `alternatives` to the refusal of an amendment where they may help: routes for the amended freight from where it
    /// is or will land.
    pub(super) async fn or_other_routes(
        &self,
        (caller, reference): (Principal, &BookingRef),
        amendment: &AmendBooking,
        outcome: Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        match outcome {
            Err(problem) if CURABLE.contains(&problem.code()) => {
                let route = async {
                    let booking = self.visible(caller, reference).await.ok()?;
                    self.onward(&booking, amendment)
                };
                Err(problem.with("alternatives", self.search.alternatives_once(route).await))
            }
            outcome => outcome,
        }
    }

    /// Returns the flights of the option that arrives first from where the cargo is or will land, on the day of what it
    /// missed or one of the next, without the options that were `refused`; `None` if there is none.
    pub(super) async fn best_way_on(
        &self,
        booking: &Booking,
        refused: &[Vec<FlightId>],
    ) -> Result<Option<Vec<FlightId>>, BookingError> {
        let (origin, now) = (booking.onward_from(), self.clock.now());
        let lost = booking.legs.iter().filter(|leg| leg.origin == origin && leg.departure > now);
        let lost = lost.filter(|leg| leg.status != LegStatus::Replaced).map(|leg| leg.flight_id).next();
        let day = lost.map_or(Day::Today, |flight| Day::Of(vec![flight]));
        let route = self.onward_on(booking, day, request_for(booking));
        let found = self.search.onward(route, refused.len() + 1).await?;
        Ok(found.into_iter().find(|way| !refused.contains(way)))
    }

    /// Returns the query for other flights for the amended booking.
    fn onward(&self, booking: &Booking, amendment: &AmendBooking) -> Option<RouteQuery> {
        let amended = amendment.amended(booking).ok()?;
        let planned = || booking.undeparted_legs().map(|leg| leg.flight_id).collect();
        let day = Day::Of(if amendment.way().is_empty() { planned() } else { amendment.way().to_vec() });
        Some(self.onward_on(booking, day, request_for(&amended)))
    }

    /// Returns the query for flights from where the cargo is or will land, after its landing and a connection.
    fn onward_on(&self, booking: &Booking, day: Day, request: Request) -> RouteQuery {
        let origin = booking.onward_from();
        let connection = self.flights.connections().minimum(origin);
        let earliest = booking.last_leg_flown().map(|flown| flown.arrival + connection);
        RouteQuery { origin, destination: booking.destination, day, earliest, request }
    }
}

/// Returns the request for the freight of a booking.
fn request_for(booking: &Booking) -> Request {
    Request::of(booking.space, &booking.special_handling_codes).sized(booking.dimensions.as_ref())
}

impl PlainBooking {
    fn route_query(&self) -> RouteQuery {
        let asked = self.departure_date.map_or(Day::Today, Day::On);
        let Shipment { origin, destination, load, dimensions, special_handling_codes, .. } = &self.shipment;
        RouteQuery {
            origin: *origin,
            destination: *destination,
            day: if self.flight_ids.is_empty() { asked } else { Day::Of(self.flight_ids.clone()) },
            earliest: None,
            request: Request::of(load.space, special_handling_codes).sized(dimensions.as_ref()),
        }
    }
}
