//! Decides on holds by the locked rows. Pure.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_capacity::{FlightCapacity, OpenUntil, Shift, Space};
use loadmaster_embargoes::Embargoes;
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId, HoldId};
use loadmaster_payments::Payment;
use loadmaster_platform::random::IdSource;
use loadmaster_reference::Reference;
use loadmaster_shipment::{self as shipment, Demand, Fit, ItineraryError, PositionName};
use uuid::Uuid;

use super::{
    HoldError,
    ask::{CommitTerms, HoldLimits, HoldStep, HoldVerb, NewHold, Pay, Requester, Stepped},
    books::{HoldBooks, Holder},
    draft::{amended, differences, draw_up, end, ends, latest_expiry, legs, names_after, unknown_name},
    dto::AmendHold,
    error::HoldLimit,
    model::{Hold, HoldAction, HoldEventType, HoldKind, HoldStatus},
    price_books::PriceBooks,
};

/// Where the freight changes flights: the shortest connection at each airport.
pub type MinimumConnection<'a> = &'a dyn Fn(AirportCode) -> TimeDelta;

/// The rules of a decision.
pub struct HoldRules<'a> {
    pub limits: HoldLimits,
    pub minimum_connection: MinimumConnection<'a>,
    pub embargoes: &'a Embargoes,
    pub reference: &'a Reference,
    pub prices: &'a PriceBooks,
    /// Makes the ids of new holds and quotes.
    pub ids: &'a IdSource,
    pub now: DateTime<Utc>,
}

/// A hold that was just made.
#[derive(Debug)]
pub struct NewlyHeld {
    pub hold: Hold,
    /// It becomes a booking at once.
    pub booked: Option<Stepped>,
    pub pay: Pay,
}

impl HoldRules<'_> {
    pub(super) fn new_id<T: From<Uuid>>(&self) -> T {
        self.ids.next(self.now)
    }

    /// Makes a hold on these flights, in order, with their locked rows. The caller takes the space.
    pub fn make(&self, books: &HoldBooks, new: &NewHold, flights: &[Flight]) -> Result<NewlyHeld, HoldError> {
        self.judge_new(books, new, flights)?;
        let mut hold = draw_up(new, self.new_id(), flights, self.limits, self.now)
            .ok_or_else(|| ItineraryError::Invalid("An itinerary requires at least one flight.".to_owned()))?;
        // A booking made at once without a quote has no price: nobody owes what was not shown.
        if new.commit.is_none() || new.new.quote_id.is_some() {
            hold.quote = self.price_new(new, &hold, flights)?;
        }
        let Some(terms) = &new.commit else { return Ok(NewlyHeld { hold, booked: None, pay: Pay::Nothing }) };
        let pay = self.payment(&hold, terms, new.caller.is_guest())?;
        let booked = (!matches!(pay, Pay::Token(_))).then(|| {
            let mut booked = self.post(&hold, hold.clone(), Vec::new(), pay);
            self.advance(&mut booked);
            booked
        });
        Ok(NewlyHeld { hold, booked, pay })
    }

    /// Judges a new hold on these flights.
    fn judge_new(&self, books: &HoldBooks, new: &NewHold, flights: &[Flight]) -> Result<(), HoldError> {
        let order = &new.new;
        check_oversize(order.accepts_oversize(), new.caller.principal.role)?;
        let load = order.load();
        let (origin, destination) = ends(order, flights)
            .ok_or_else(|| ItineraryError::Invalid("An itinerary requires at least one flight.".to_owned()))?;
        let demand = Demand {
            origin,
            destination,
            space: load.space,
            special_handling_codes: &order.special_handling_codes,
            inbound: None,
            fit: Fit::of(order.dimensions().filter(|_| !order.accepts_oversize()), self.reference),
            until: OpenUntil::Cutoff,
        };
        let judged = shipment::check_itinerary(flights, demand, self.embargoes, self.minimum_connection, self.now);
        if !matches!(judged, Ok(()) | Err(ItineraryError::Full { .. })) {
            return Ok(judged?);
        }
        books.check_number(&new.caller, &self.limits, self.now)?;
        if new.caller.is_guest() {
            self.check_share(books, flights, load.space, |_| Space::default())?;
        }
        judged?;
        if let Some(names) = &order.position_names {
            check_names(books, flights, &names.0, None)?;
        }
        Ok(())
    }

    /// Checks a guest's part of each flight, and that of all guests; `own` is what the hold has kept so far.
    fn check_share(
        &self,
        books: &HoldBooks,
        flights: &[Flight],
        space: Space,
        own: impl Fn(FlightId) -> Space,
    ) -> Result<(), HoldError> {
        let HoldLimits { guest_flight_percent: one, guests_flight_percent: all, .. } = self.limits;
        for flight in flights {
            let others = books.guests.get(&flight.id).copied().unwrap_or_default() - own(flight.id);
            for (percent, part) in [(one, space), (all, others + space)] {
                if !is_within(part, flight.space.capacity, percent) {
                    return Err(HoldError::LimitExceeded { limit: HoldLimit::FlightShare, maximum: percent });
                }
            }
        }
        Ok(())
    }

    /// Judges a change of a hold, as it is in the tables. `flights`: those that are locked, with their rows.
    pub fn judge_step(
        &self,
        books: &HoldBooks,
        step: &HoldStep,
        hold: &Hold,
        flights: &HashMap<FlightId, Flight>,
    ) -> Result<Stepped, HoldError> {
        self.check_open(step, hold)?;
        if let Some(patch) = step.verb.patch() {
            check_oversize(patch.accepts_oversize(), step.requester.role())?;
        }
        let mut stepped = match &step.verb {
            HoldVerb::Amend(patch) => self.amend(books, hold, patch, flights, step.requester.is_guest())?,
            HoldVerb::Extend(seconds) => self.extend(hold, *seconds)?,
            HoldVerb::Release(reason) => end(hold, HoldStatus::Released, Some(*reason), self.now),
            HoldVerb::Commit(patch, terms) => {
                self.commit(books, hold, (patch, terms), flights, step.requester.is_guest())?
            }
            HoldVerb::Book(_) => self.post(hold, hold.clone(), Vec::new(), Pay::Nothing),
        };
        // A payment that is to be begun changes it, too.
        if stepped.after != stepped.before || matches!(stepped.pay, Pay::Token(_)) {
            self.advance(&mut stepped);
        }
        Ok(stepped)
    }

    fn advance(&self, stepped: &mut Stepped) {
        stepped.after.version += 1;
        stepped.after.event_sequence += 1;
        stepped.after.updated_at = self.now;
    }

    fn check_open(&self, step: &HoldStep, hold: &Hold) -> Result<(), HoldError> {
        if !step.requester.sees(hold) {
            return Err(HoldError::Unknown);
        }
        step.precondition.check(hold.version).map_err(HoldError::VersionMismatch)?;
        let action = step.verb.action();
        if let HoldVerb::Book(payment) = &step.verb {
            // It was judged when its payment was begun.
            return match hold.status_at(self.now) {
                HoldStatus::Committing if hold.payment_id() == Some(*payment) => Ok(()),
                HoldStatus::Expired => Err(HoldError::Expired),
                from => Err(HoldError::Ended { from, action }),
            };
        }
        if let Requester::Payer(_) = step.requester {
            return Err(HoldError::Unknown);
        }
        let at = if action == HoldAction::Commit { step.asked_at } else { self.now };
        match hold.status_at(at) {
            HoldStatus::Active if hold.kind == HoldKind::Allotment => Err(HoldError::OfAllotment(action)),
            // A payment that could not be used is being voided.
            HoldStatus::Active
                if action == HoldAction::Commit && hold.payment.as_ref().is_some_and(Payment::is_open) =>
            {
                Err(HoldError::PaymentInProgress)
            }
            HoldStatus::Active => Ok(()),
            HoldStatus::Committing => Err(HoldError::PaymentInProgress),
            HoldStatus::Expired => Err(HoldError::Expired),
            from => Err(HoldError::Ended { from, action }),
        }
    }

    fn extend(&self, hold: &Hold, seconds: Option<u32>) -> Result<Stepped, HoldError> {
        let ttl = TimeDelta::seconds(i64::from(seconds.unwrap_or(self.limits.ttl_seconds)));
        let mut after = hold.clone();
        after.expires_at = (self.now + ttl).min(hold.latest_expires_at);
        if after.expires_at <= hold.expires_at {
            let life = u32::try_from((hold.latest_expires_at - hold.created_at).num_seconds()).unwrap_or_default();
            return Err(match hold.kind {
                HoldKind::Offer => HoldError::LimitExceeded { limit: HoldLimit::OfferLifetime, maximum: life },
                _ => HoldError::LimitExceeded { limit: HoldLimit::Lifetime, maximum: self.limits.max_seconds },
            });
        }
        Ok(Stepped {
            before: hold.clone(),
            after,
            shifts: Vec::new(),
            event_type: HoldEventType::Extended,
            pay: Pay::Nothing,
        })
    }

    /// Applies a merge patch, re-taking space where freight or flights change.
    fn amend(
        &self,
        books: &HoldBooks,
        hold: &Hold,
        patch: &AmendHold,
        known: &HashMap<FlightId, Flight>,
        is_guest: bool,
    ) -> Result<Stepped, HoldError> {
        let mut after = amended(hold, patch)?;
        let way = patch.flight_ids.as_deref().filter(|way| !way.is_empty());
        let way: Vec<FlightId> = way.map_or_else(|| hold.flight_ids().collect(), <[FlightId]>::to_vec);
        if hold.kind == HoldKind::Reservation && way.len() > 1 {
            let fault = Fault::new(FaultCode::TooLong, "must have one flight: the hold is a reservation");
            return Err(HoldError::Invalid(vec![("/flight_ids", fault)]));
        }
        let names = names_after(hold, patch, &after, &way)?;
        let new_way = !hold.flight_ids().eq(way.iter().copied());
        if hold.kind == HoldKind::Offer && (new_way || after.space.exceeds(hold.space).next().is_some()) {
            return Err(HoldError::OfEntry(HoldAction::Amend));
        }
        let mut shifts = Vec::new();
        let new_freight = after.space != hold.space || after.dimensions != hold.dimensions;
        if new_way || new_freight || after.special_handling_codes != hold.special_handling_codes {
            let flights = self.retake(books, (hold, &mut after, patch), &way, known, is_guest)?;
            shifts = differences(hold, &way, after.space);
            after.legs = legs(&flights, after.space);
            after.latest_expires_at = self.latest_expiry(&after, &flights);
            after.expires_at = after.expires_at.min(after.latest_expires_at);
        }
        let flights: Vec<Flight> = way.iter().filter_map(|flight| known.get(flight).cloned()).collect();
        check_names(books, &flights, &names, Some(hold.id))?;
        for leg in &mut after.legs {
            leg.names = names.get(&leg.flight_id).cloned().unwrap_or_default();
        }
        after.quote = self.reprice(hold, &after, patch, &flights)?;
        let event_type = HoldEventType::Amended;
        Ok(Stepped { before: hold.clone(), after, shifts, event_type, pay: Pay::Nothing })
    }

    /// Judges the changed freight on the changed flights, as if the hold kept nothing there so far.
    fn retake(
        &self,
        books: &HoldBooks,
        (hold, after, patch): (&Hold, &mut Hold, &AmendHold),
        way: &[FlightId],
        known: &HashMap<FlightId, Flight>,
        is_guest: bool,
    ) -> Result<Vec<Flight>, HoldError> {
        let own = |flight: FlightId| hold.space_on(flight);
        let without_own = |id: &FlightId| {
            let flight = known.get(id)?;
            let space = FlightCapacity { held: flight.space.held - own(*id), ..flight.space };
            Some(Flight { space, ..flight.clone() })
        };
        let distinct: BTreeSet<&FlightId> = way.iter().collect();
        let flights = shipment::in_order(way, distinct.into_iter().filter_map(without_own).collect())?;
        if hold.kind == HoldKind::Reservation
            && let (Some(first), Some(last)) = (flights.first(), flights.last())
        {
            (after.origin, after.destination) = (first.origin, last.destination);
        }
        shipment::check_itinerary(
            &flights,
            demand((&*after, patch), after.space, self.reference),
            self.embargoes,
            self.minimum_connection,
            self.now,
        )?;
        if is_guest {
            self.check_share(books, &flights, after.space, own)?;
        }
        Ok(flights)
    }

    /// Judges the hold anew but for its space, and posts that to a booking.
    fn commit(
        &self,
        books: &HoldBooks,
        hold: &Hold,
        (patch, terms): (&AmendHold, &CommitTerms),
        known: &HashMap<FlightId, Flight>,
        is_guest: bool,
    ) -> Result<Stepped, HoldError> {
        let Stepped { before, after, shifts, event_type, .. } = self.amend(books, hold, patch, known, is_guest)?;
        let pay = self.payment(&after, terms, is_guest)?;
        let way: Vec<FlightId> = after.flight_ids().collect();
        let flights = way.iter().filter_map(|flight| known.get(flight).cloned()).collect();
        let flights = shipment::in_order(&way, flights)?;
        shipment::check_itinerary(
            &flights,
            demand((&after, patch), Space::default(), self.reference),
            self.embargoes,
            self.minimum_connection,
            self.now,
        )?;
        if let Pay::Token(_) = pay {
            return Ok(Stepped { before, after, shifts, event_type, pay });
        }
        Ok(self.post(&before, after, shifts, pay))
    }

    /// Gives the space of a hold to the booking that it becomes.
    fn post(&self, before: &Hold, mut after: Hold, mut shifts: Vec<Shift>, pay: Pay) -> Stepped {
        shifts.extend(after.legs.iter().map(|leg| Shift::hold_posted(leg.flight_id, after.id, leg.space)));
        after.end(HoldStatus::Committed, None, self.now);
        Stepped { before: before.clone(), after, shifts, event_type: HoldEventType::Committed, pay }
    }

    /// Returns the time up to which a hold on these flights can be extended.
    fn latest_expiry(&self, hold: &Hold, flights: &[Flight]) -> DateTime<Utc> {
        // An offer lives as long as it was made for.
        if hold.kind == HoldKind::Offer {
            return flights.iter().map(|flight| flight.space.cutoff).fold(hold.latest_expires_at, DateTime::min);
        }
        latest_expiry(hold.created_at, self.limits, flights)
    }
}

/// Refuses that anybody but the carrier's staff takes pieces that do not fit.
fn check_oversize(is_accepted: bool, role: Role) -> Result<(), HoldError> {
    if is_accepted && role < Role::Operator { Err(HoldError::OversizeNotAllowed) } else { Ok(()) }
}

fn demand<'a>((hold, patch): (&'a Hold, &AmendHold), space: Space, reference: &'a Reference) -> Demand<'a> {
    Demand {
        origin: hold.origin,
        destination: hold.destination,
        space,
        special_handling_codes: &hold.special_handling_codes,
        inbound: None,
        fit: Fit::of(hold.dimensions.as_ref().filter(|_| !patch.accepts_oversize()), reference),
        until: OpenUntil::Cutoff,
    }
}

/// Checks that the flights have these positions, and that nobody else has taken one.
fn check_names(
    books: &HoldBooks,
    flights: &[Flight],
    names: &BTreeMap<FlightId, BTreeSet<PositionName>>,
    own: Option<HoldId>,
) -> Result<(), HoldError> {
    for (flight_id, names) in names {
        let Some(flight) = flights.iter().find(|flight| flight.id == *flight_id) else {
            return Err(unknown_name("must name flights of the hold"));
        };
        if names.iter().any(|name| !name.is_one_of(flight.space.physical.positions)) {
            return Err(unknown_name("names a position that the flight does not have"));
        }
        let is_taken = |name: &PositionName| {
            books.claims.get(&(*flight_id, *name)).is_some_and(|holder| own.map(Holder::Hold) != Some(*holder))
        };
        let taken: Vec<PositionName> = names.iter().copied().filter(is_taken).collect();
        if !taken.is_empty() {
            return Err(HoldError::PositionTaken { flight_id: *flight_id, names: taken });
        }
    }
    Ok(())
}

/// Returns whether a part of the capacity is at most so many percent of it in each dimension. One position is always
/// allowed.
fn is_within(part: Space, capacity: Space, percent: u32) -> bool {
    let parts = part.figures().into_iter().zip(capacity.figures()).enumerate();
    parts.into_iter().all(|(dimension, (part, capacity))| {
        let is_one_position = dimension == 2 && part <= 1;
        is_one_position || i128::from(part) * 100 <= i128::from(capacity) * i128::from(percent)
    })
}
