//! Decides on holds by the locked rows. Pure.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    HoldError,
    dto::{AmendHold, CreateHold, named_positions},
    error::HoldLimit,
    itinerary::{self, Demand, ItineraryError},
    load::Load,
    model::{EndReason, GENERAL, Hold, HoldAction, HoldEventType, HoldKind, HoldLeg, HoldStatus, PositionName},
    texts::TextsPatch,
};
use crate::{
    features::{
        accounts::{Principal, Role},
        capacity::{FlightCapacity, OpenUntil, Shift, Space},
        embargoes::Embargoes,
        flights::Flight,
    },
    kernel::{AirportCode, Fault, FaultCode, FlightId, HoldId, OrganizationId, UserId},
    platform::web::{Patch, Precondition},
};

/// Bounds on holds.
#[derive(Debug, Clone, Copy)]
pub struct HoldLimits {
    /// Time until a hold expires, unless its caller asks for another.
    pub ttl_seconds: u32,
    /// Longest life of a hold.
    pub max_seconds: u32,
    /// Part of a flight that a guest's hold may keep, in percent.
    pub guest_flight_percent: u32,
    /// Part of a flight that the holds of all guests may keep, in percent.
    pub guests_flight_percent: u32,
    /// Most holds of one guest at once.
    pub guest_active: u32,
    /// Most holds of guests at one address at once.
    pub address_active: u32,
    /// Most holds of one organization at once.
    pub organization_active: u32,
    /// Most new holds of guests at one address in an hour.
    pub guest_per_hour: u32,
}

/// Where the freight changes flights: the shortest connection at each airport.
pub type MinimumConnection<'a> = &'a dyn Fn(AirportCode) -> TimeDelta;

/// The caller of an operation on holds.
#[derive(Debug, Clone)]
pub struct HoldCaller {
    pub principal: Principal,
    /// A keyed hash of a guest's network address.
    pub address_key: Option<Vec<u8>>,
}

impl HoldCaller {
    fn is_guest(&self) -> bool {
        self.principal.role == Role::Guest
    }

    /// Returns the callers whose holds are counted.
    pub fn subjects(&self) -> Vec<Subject> {
        match self.principal.role {
            Role::Guest => {
                let address = self.address_key.clone().map(Subject::Address);
                address.into_iter().chain([Subject::Organization(self.principal.organization_id)]).collect()
            }
            Role::Customer => vec![Subject::Organization(self.principal.organization_id)],
            Role::Operator | Role::Admin => Vec::new(),
        }
    }
}

/// A caller, or several, whose holds are counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A guest's token counts as an organization.
    Organization(OrganizationId),
    Address(Vec<u8>),
}

/// The holder of a named position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Hold(HoldId),
    Booking,
}

/// What the tables say about holds beyond the flights' rows. It changes with each decision of a batch.
#[derive(Debug, Default)]
pub struct HoldBooks {
    pub claims: HashMap<(FlightId, PositionName), Holder>,
    /// Room that guests hold.
    pub guests: HashMap<FlightId, Space>,
    /// Numbers of active holds.
    pub active: HashMap<Subject, i64>,
    /// Holds that guests at an address have made in the last hour: their number, and the time of the first that counts
    /// against another one.
    pub lately: HashMap<Vec<u8>, (i64, DateTime<Utc>)>,
}

/// A hold that a caller wants on these flights, in this order.
#[derive(Debug, Clone)]
pub struct NewHold {
    pub caller: HoldCaller,
    pub kind: HoldKind,
    pub new: std::sync::Arc<CreateHold>,
    pub flights: Vec<FlightId>,
}

/// A change of one hold, as it was read before.
#[derive(Debug, Clone)]
pub struct HoldStep {
    pub caller: HoldCaller,
    pub precondition: Precondition,
    pub verb: HoldVerb,
    pub seen: Hold,
    /// When the request came: what began before the hold expired is in time.
    pub asked_at: DateTime<Utc>,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub enum HoldVerb {
    Amend(Box<AmendHold>),
    Extend(Option<u32>),
    /// For this reason.
    Release(EndReason),
    /// With changes that are made at once.
    Commit(Box<AmendHold>),
}

impl HoldVerb {
    pub const fn action(&self) -> HoldAction {
        match self {
            Self::Amend(_) => HoldAction::Amend,
            Self::Extend(_) => HoldAction::Extend,
            Self::Release(_) => HoldAction::Release,
            Self::Commit(_) => HoldAction::Commit,
        }
    }
}

/// A hold after a step, and what it takes and gives back on its flights.
#[derive(Debug)]
pub struct Stepped {
    pub before: Hold,
    pub after: Hold,
    pub shifts: Vec<Shift>,
    pub event_type: HoldEventType,
}

impl HoldStep {
    /// Returns the flights to be locked: those of the hold, and those it is to have.
    pub fn flights(&self) -> Vec<FlightId> {
        let wanted = match &self.verb {
            HoldVerb::Amend(patch) | HoldVerb::Commit(patch) => patch.flight_ids.as_deref().unwrap_or_default(),
            HoldVerb::Extend(_) => return Vec::new(),
            HoldVerb::Release(_) => &[],
        };
        let mut flights: Vec<FlightId> = self.seen.flight_ids().chain(wanted.iter().copied()).collect();
        flights.sort_unstable();
        flights.dedup();
        flights
    }

    /// Returns the positions that it names, whose holders must be known.
    pub fn names(&self) -> Option<&BTreeMap<FlightId, BTreeSet<PositionName>>> {
        match &self.verb {
            HoldVerb::Amend(patch) | HoldVerb::Commit(patch) => match &patch.position_names {
                Patch::Set(names) => Some(&names.0),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The rules of a decision.
pub struct HoldRules<'a> {
    pub limits: HoldLimits,
    pub minimum_connection: MinimumConnection<'a>,
    pub embargoes: &'a Embargoes,
    pub now: DateTime<Utc>,
}

impl HoldRules<'_> {
    /// Judges a new hold on these flights, in order, with their locked rows. The caller takes the room.
    pub fn judge_new(&self, books: &HoldBooks, new: &NewHold, flights: &[Flight]) -> Result<(), HoldError> {
        let order = &new.new;
        let load = order.load();
        let (origin, destination) = ends(order, flights)
            .ok_or_else(|| ItineraryError::Invalid("An itinerary requires at least one flight.".to_owned()))?;
        let demand = Demand {
            origin,
            destination,
            space: load.space,
            special_handling_codes: &order.special_handling_codes,
            inbound: None,
            until: OpenUntil::Cutoff,
        };
        let judged = itinerary::check(flights, demand, self.embargoes, self.minimum_connection, self.now);
        if !matches!(judged, Ok(()) | Err(ItineraryError::Full { .. })) {
            return Ok(judged?);
        }
        self.check_number(books, &new.caller)?;
        if new.caller.is_guest() {
            self.check_share(books, flights, load.space, |_| Space::default())?;
        }
        judged?;
        if let Some(names) = &order.position_names {
            check_names(books, flights, &names.0, None)?;
        }
        Ok(())
    }

    /// Checks how many holds the caller has.
    fn check_number(&self, books: &HoldBooks, caller: &HoldCaller) -> Result<(), HoldError> {
        let limits = &self.limits;
        for subject in caller.subjects() {
            let most = match &subject {
                Subject::Address(address) => {
                    if let Some((number, first)) = books.lately.get(address)
                        && *number >= i64::from(limits.guest_per_hour)
                    {
                        let again = *first + TimeDelta::hours(1) - self.now;
                        let again_in = u32::try_from(again.num_seconds() + 1).unwrap_or(1);
                        return Err(HoldError::TooMany { most: limits.guest_per_hour, again_in });
                    }
                    limits.address_active
                }
                Subject::Organization(_) if caller.is_guest() => limits.guest_active,
                Subject::Organization(_) => limits.organization_active,
            };
            if books.active.get(&subject).is_some_and(|active| *active >= i64::from(most)) {
                return Err(HoldError::LimitExceeded { limit: HoldLimit::Active, maximum: most });
            }
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
                if !is_within(part, flight.room.capacity, percent) {
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
        let mut stepped = match &step.verb {
            HoldVerb::Amend(patch) => self.amend(books, hold, patch, flights, &step.caller)?,
            HoldVerb::Extend(seconds) => self.extend(hold, *seconds)?,
            HoldVerb::Release(reason) => end(hold, HoldStatus::Released, Some(*reason), self.now),
            HoldVerb::Commit(patch) => self.commit(books, hold, patch, flights, &step.caller)?,
        };
        if stepped.after != stepped.before {
            stepped.after.version += 1;
            stepped.after.event_sequence += 1;
            stepped.after.updated_at = self.now;
        }
        Ok(stepped)
    }

    fn check_open(&self, step: &HoldStep, hold: &Hold) -> Result<(), HoldError> {
        if !hold.is_visible_to(step.caller.principal) {
            return Err(HoldError::Unknown);
        }
        if !step.precondition.holds(hold.version) {
            return Err(HoldError::VersionMismatch(hold.version));
        }
        let action = step.verb.action();
        let at = if action == HoldAction::Commit { step.asked_at } else { self.now };
        match hold.status_at(at) {
            HoldStatus::Active if hold.kind == HoldKind::Allotment => Err(HoldError::OfAllotment),
            HoldStatus::Active => Ok(()),
            HoldStatus::Expired => Err(HoldError::Expired),
            from => Err(HoldError::Ended { from, action }),
        }
    }

    fn extend(&self, hold: &Hold, seconds: Option<u32>) -> Result<Stepped, HoldError> {
        let ttl = TimeDelta::seconds(i64::from(seconds.unwrap_or(self.limits.ttl_seconds)));
        let mut after = hold.clone();
        after.expires_at = (self.now + ttl).min(hold.latest_expires_at);
        if after.expires_at <= hold.expires_at {
            let maximum = self.limits.max_seconds;
            return Err(HoldError::LimitExceeded { limit: HoldLimit::Lifetime, maximum });
        }
        Ok(Stepped { before: hold.clone(), after, shifts: Vec::new(), event_type: HoldEventType::Extended })
    }

    /// Applies a merge patch, re-taking room where freight or flights change.
    fn amend(
        &self,
        books: &HoldBooks,
        hold: &Hold,
        patch: &AmendHold,
        known: &HashMap<FlightId, Flight>,
        caller: &HoldCaller,
    ) -> Result<Stepped, HoldError> {
        let mut after = amended(hold, patch)?;
        let way = patch.flight_ids.as_deref().filter(|way| !way.is_empty());
        let way: Vec<FlightId> = way.map_or_else(|| hold.flight_ids().collect(), <[FlightId]>::to_vec);
        let names = names_after(hold, patch, &after, &way)?;
        let new_way = !hold.flight_ids().eq(way.iter().copied());
        let mut shifts = Vec::new();
        if new_way || after.space != hold.space || after.special_handling_codes != hold.special_handling_codes {
            let flights = self.retake(books, hold, &mut after, &way, known, caller)?;
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
        Ok(Stepped { before: hold.clone(), after, shifts, event_type: HoldEventType::Amended })
    }

    /// Judges the changed freight on the changed flights, as if the hold kept nothing there so far.
    fn retake(
        &self,
        books: &HoldBooks,
        hold: &Hold,
        after: &mut Hold,
        way: &[FlightId],
        known: &HashMap<FlightId, Flight>,
        caller: &HoldCaller,
    ) -> Result<Vec<Flight>, HoldError> {
        let own = |flight: FlightId| hold.space_on(flight);
        let without_own = |id: &FlightId| {
            let flight = known.get(id)?;
            let room = FlightCapacity { held: flight.room.held - own(*id), ..flight.room };
            Some(Flight { room, ..flight.clone() })
        };
        let distinct: BTreeSet<&FlightId> = way.iter().collect();
        let flights = itinerary::in_order(way, distinct.into_iter().filter_map(without_own).collect())?;
        if hold.kind == HoldKind::Reservation
            && let (Some(first), Some(last)) = (flights.first(), flights.last())
        {
            (after.origin, after.destination) = (first.origin, last.destination);
        }
        itinerary::check(&flights, demand(after, after.space), self.embargoes, self.minimum_connection, self.now)?;
        if caller.is_guest() {
            self.check_share(books, &flights, after.space, own)?;
        }
        Ok(flights)
    }

    /// Judges the hold anew but for its room, and posts that to a booking.
    fn commit(
        &self,
        books: &HoldBooks,
        hold: &Hold,
        patch: &AmendHold,
        known: &HashMap<FlightId, Flight>,
        caller: &HoldCaller,
    ) -> Result<Stepped, HoldError> {
        let Stepped { before, mut after, mut shifts, .. } = self.amend(books, hold, patch, known, caller)?;
        let missing = after.missing();
        if !missing.is_empty() {
            return Err(HoldError::Incomplete(missing));
        }
        let way: Vec<FlightId> = after.flight_ids().collect();
        let flights = way.iter().filter_map(|flight| known.get(flight).cloned()).collect();
        let flights = itinerary::in_order(&way, flights)?;
        itinerary::check(
            &flights,
            demand(&after, Space::default()),
            self.embargoes,
            self.minimum_connection,
            self.now,
        )?;
        shifts.extend(after.legs.iter().map(|leg| Shift::hold_posted(leg.flight_id, hold.id, leg.space)));
        after.end(HoldStatus::Committed, None, self.now);
        Ok(Stepped { before, after, shifts, event_type: HoldEventType::Committed })
    }

    /// Returns the time up to which a hold on these flights can be extended.
    fn latest_expiry(&self, hold: &Hold, flights: &[Flight]) -> DateTime<Utc> {
        latest_expiry(hold.created_at, self.limits, flights)
    }
}

/// Returns the end of the longest life of a hold: some time after it was made, and no later than the cut-offs.
pub fn latest_expiry(created_at: DateTime<Utc>, limits: HoldLimits, flights: &[Flight]) -> DateTime<Utc> {
    let longest = created_at + TimeDelta::seconds(i64::from(limits.max_seconds));
    flights.iter().map(|flight| flight.room.cutoff).fold(longest, DateTime::min)
}

fn demand(hold: &Hold, space: Space) -> Demand<'_> {
    Demand {
        origin: hold.origin,
        destination: hold.destination,
        space,
        special_handling_codes: &hold.special_handling_codes,
        inbound: None,
        until: OpenUntil::Cutoff,
    }
}

/// Returns the ends that are given, or else those of the flights.
fn ends(order: &CreateHold, flights: &[Flight]) -> Option<(AirportCode, AirportCode)> {
    let (first, last) = flights.first().zip(flights.last())?;
    Some((order.origin.unwrap_or(first.origin), order.destination.unwrap_or(last.destination)))
}

fn legs(flights: &[Flight], space: Space) -> Vec<HoldLeg> {
    (1..).zip(flights).map(|(sequence, flight)| HoldLeg::of(sequence, flight, space, BTreeSet::new())).collect()
}

/// Draws up a new hold on these flights; `None` without any.
pub fn draw_up(
    order: &NewHold,
    id: HoldId,
    flights: &[Flight],
    limits: HoldLimits,
    now: DateTime<Utc>,
) -> Option<Hold> {
    let NewHold { caller, kind, new, .. } = order;
    let Load { space, volume_defaulted } = new.load();
    let latest_expires_at = latest_expiry(now, limits, flights);
    let ttl = TimeDelta::seconds(i64::from(new.ttl_seconds.unwrap_or(limits.ttl_seconds)));
    let (origin, destination) = ends(new, flights)?;
    let mut legs = legs(flights, space);
    for (leg, names) in legs.iter_mut().filter_map(|leg| {
        let names = new.position_names.as_ref()?.0.get(&leg.flight_id)?;
        Some((leg, names))
    }) {
        leg.names.clone_from(names);
    }
    let principal = caller.principal;
    Some(Hold {
        id,
        kind: *kind,
        status: HoldStatus::Active,
        end_reason: None,
        organization_id: principal.organization_id,
        created_by: principal.user_id,
        is_guest: caller.is_guest(),
        address_key: caller.address_key.clone().filter(|_| caller.is_guest()),
        is_counted: !caller.subjects().is_empty(),
        origin,
        destination,
        pieces: new.pieces,
        space,
        volume_defaulted,
        product: new.product.clone().unwrap_or_else(|| GENERAL.to_owned()),
        special_handling_codes: new.special_handling_codes.clone(),
        awb_number: new.awb_number.clone(),
        booking: None,
        expires_at: (now + ttl).min(latest_expires_at),
        latest_expires_at,
        ended_at: None,
        event_sequence: 1,
        version: 1,
        created_at: now,
        updated_at: now,
        texts: new.texts(),
        contact: new.contact(),
        legs,
    })
}

/// Ends a hold and gives its room back.
pub fn end(hold: &Hold, status: HoldStatus, reason: Option<EndReason>, now: DateTime<Utc>) -> Stepped {
    let mut after = hold.clone();
    after.end(status, reason, now);
    let gives_back = if status == HoldStatus::Expired { Shift::hold_expired } else { Shift::hold_released };
    let kept = hold.legs.iter().filter(|leg| leg.space != Space::default());
    let shifts = kept.map(|leg| gives_back(leg.flight_id, hold.id, leg.space)).collect();
    let event_type = if status == HoldStatus::Expired { HoldEventType::Expired } else { HoldEventType::Released };
    Stepped { before: hold.clone(), after, shifts, event_type }
}

/// Returns the hold with the members of the patch; its flights and names stay.
fn amended(hold: &Hold, patch: &AmendHold) -> Result<Hold, HoldError> {
    let mut after = hold.clone();
    let texts = TextsPatch {
        description: &patch.description,
        customer_reference: &patch.customer_reference,
        shipper: &patch.shipper,
        consignee: &patch.consignee,
    };
    after.texts = texts.apply(after.texts).map_err(HoldError::Invalid)?;
    after.contact = match &patch.contact {
        Patch::Keep => after.contact,
        Patch::Clear => None,
        Patch::Set(change) => Some(change.apply(after.contact.as_ref()).map_err(HoldError::Invalid)?),
    };
    after.pieces = patch.pieces.or(after.pieces);
    let codes = patch.special_handling_codes.clone().or(Some(after.special_handling_codes));
    after.special_handling_codes = codes.unwrap_or_default();
    after.product = patch.product.clone().or(Some(after.product)).unwrap_or_else(|| GENERAL.to_owned());
    after.awb_number = patch.awb_number.clone().or(after.awb_number);
    let load = Load { space: hold.space, volume_defaulted: hold.volume_defaulted };
    let mut load = load.amended(patch.weight_kg, patch.volume_m3, patch.positions);
    if let Patch::Set(names) = &patch.position_names
        && let Some(positions) = named_positions(names)
    {
        load.space.positions = positions;
    }
    (after.space, after.volume_defaulted) = (load.space, load.volume_defaulted);
    Ok(after)
}

/// Returns the named positions after a patch. Names stay only as long as their number and their flights do.
fn names_after(
    hold: &Hold,
    patch: &AmendHold,
    after: &Hold,
    way: &[FlightId],
) -> Result<BTreeMap<FlightId, BTreeSet<PositionName>>, HoldError> {
    let names = match &patch.position_names {
        Patch::Keep => {
            let mut kept = hold.position_names();
            kept.retain(|flight, names| {
                way.contains(flight) && i64::try_from(names.len()) == Ok(after.space.positions.count())
            });
            return Ok(kept);
        }
        Patch::Clear => BTreeMap::new(),
        Patch::Set(names) => names.0.clone(),
    };
    if names.keys().any(|flight| !way.contains(flight)) {
        return Err(unknown_name("must name flights of the hold"));
    }
    Ok(names)
}

fn unknown_name(message: &'static str) -> HoldError {
    HoldError::Invalid(vec![("/position_names", Fault::new(FaultCode::UnknownValue, message))])
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
        if names.iter().any(|name| !name.is_one_of(flight.room.capacity.positions)) {
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

/// Returns what a hold gives back and takes when its freight or its flights change.
fn differences(hold: &Hold, way: &[FlightId], space: Space) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for leg in hold.legs.iter().filter(|leg| !way.contains(&leg.flight_id)) {
        shifts.push(Shift::hold_released(leg.flight_id, hold.id, leg.space));
    }
    for flight in way {
        match hold.legs.iter().find(|leg| leg.flight_id == *flight) {
            None => shifts.push(Shift::held(*flight, hold.id, space)),
            Some(leg) if leg.space != space => {
                shifts.push(Shift::hold_amended(*flight, hold.id, space - leg.space));
            }
            Some(_) => {}
        }
    }
    shifts
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

impl HoldBooks {
    /// Takes note of a new hold or of one that changed, for the next decision of the batch.
    pub fn note(&mut self, caller: &HoldCaller, before: Option<&Hold>, after: &Hold) {
        for leg in before.into_iter().flat_map(|hold| &hold.legs) {
            for name in &leg.names {
                self.claims.remove(&(leg.flight_id, *name));
            }
            if after.is_guest
                && let Some(held) = self.guests.get_mut(&leg.flight_id)
            {
                *held = *held - leg.space;
            }
        }
        if before.is_none() {
            for subject in caller.subjects() {
                if let Subject::Address(address) = &subject {
                    let lately = self.lately.entry(address.clone()).or_insert((0, after.created_at));
                    lately.0 += 1;
                }
                *self.active.entry(subject).or_default() += 1;
            }
        }
        let holder = match after.status {
            HoldStatus::Active => Some(Holder::Hold(after.id)),
            HoldStatus::Committed => Some(Holder::Booking),
            HoldStatus::Released | HoldStatus::Expired => None,
        };
        if let Some(holder) = holder {
            for leg in &after.legs {
                self.claims.extend(leg.names.iter().map(|name| ((leg.flight_id, *name), holder)));
                if after.is_guest && after.is_open() {
                    let held = self.guests.entry(leg.flight_id).or_default();
                    *held = *held + leg.space;
                }
            }
        }
    }
}

/// The user of a hold's caller, for its history.
pub fn actor(caller: &HoldCaller) -> UserId {
    caller.principal.user_id
}
