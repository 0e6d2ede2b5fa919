mod bill;
mod connections;
mod correction;
mod data;
mod event;
mod message;
pub mod replay;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::{Principal, Role};
use loadmaster_capacity::Space;
use loadmaster_flights::{Flight, Segment, is_connection};
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, BookingRef, Dimensions, FlightId, FlightNumber, HandlingCode, HoldId, LegId,
    OrganizationId, Pieces, UserId, words,
};
use loadmaster_reference::{Carriage, Emissions, Reference};
use loadmaster_shipment::{FirstFlight, GENERAL, Surroundings};
use serde::{Deserialize, Serialize};

pub use bill::{Bill, BookingPaymentStatus, Fee, FeeReason, Paid, Price};
pub use connections::{Concern, Concerned, FlightConcerns, Landing, ListedConcern, Onward, Sum};
pub use correction::CorrectionObstacle;
#[cfg(test)]
pub use data::whole_data;
pub use data::{BookingData, DATA_VERSION, Folding, changed_data};
pub use event::{Correction, Event, EventType};
pub use message::{BookingMessage, message};

pub use loadmaster_shipment::{Party, Texts};

/// Kind of a booking in messages and audits.
pub const BOOKING: &str = "booking";

words! {
    /// The status of a booking. No further values will be added.
    pub enum BookingStatus {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Delivered = "DELIVERED",
        Cancelled = "CANCELLED",
    }
}

words! {
    /// The status of a leg. The first three are in force.
    pub enum LegStatus {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        /// Left behind by its flight.
        Offloaded = "OFFLOADED",
        /// The booking was cancelled.
        Released = "RELEASED",
        /// The flight was cancelled.
        Cancelled = "CANCELLED",
        /// Rerouted.
        Replaced = "REPLACED",
    }
}

impl LegStatus {
    pub const fn is_in_force(self) -> bool {
        matches!(self, Self::Booked | Self::Departed | Self::Arrived)
    }

    /// Returns whether its flight has not landed with the cargo yet.
    pub const fn is_ahead(self) -> bool {
        matches!(self, Self::Booked | Self::Departed)
    }
}

words! {
    /// An action on a booking.
    pub enum Action {
        Depart = "depart",
        Arrive = "arrive",
        Deliver = "deliver",
        Cancel = "cancel",
        /// Never among the next actions: it moves nothing.
        Amend = "amend",
    }
}

words! {
    /// Reason why a leg was left behind.
    pub enum OffloadReason {
        NoShow = "NO_SHOW",
        Offloaded = "OFFLOADED",
        MissedConnection = "MISSED_CONNECTION",
    }
}

/// One flight of a shipment's journey, with the times it was booked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub id: LegId,
    pub sequence: i32,
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub status: LegStatus,
    pub offload_reason: Option<OffloadReason>,
    /// IATA space allocation code; `KK`: confirmed.
    pub space_code: String,
    pub pieces: Pieces,
    pub space: Space,
    /// Until when its flight takes bookings, as it is now; `None`: it has landed or is out of force, or that is not known of a leg
    /// that was rebuilt from events.
    pub cutoff: Option<DateTime<Utc>>,
    /// What decides what the freight emits, as the flight is now; `None`: not known of a leg that was rebuilt from events.
    pub carriage: Option<Carriage>,
}

impl Leg {
    /// Returns the leg with its flight's times if they differ from the leg's and it has not landed.
    pub fn retimed(&self, flight: &Flight) -> Option<Self> {
        let moves = (self.departure, self.arrival) != (flight.departure, flight.arrival);
        let retimed = || Self {
            departure: flight.departure,
            arrival: flight.arrival,
            cutoff: Some(flight.space.cutoff),
            ..self.clone()
        };
        (self.status.is_ahead() && moves).then(retimed)
    }
}

impl<'a> From<&'a Leg> for Segment<'a> {
    fn from(leg: &'a Leg) -> Self {
        Self {
            number: &leg.flight_number,
            origin: leg.origin,
            destination: leg.destination,
            departure: leg.departure,
            arrival: leg.arrival,
        }
    }
}

/// A shipment as stored in the book of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    pub ref_id: BookingRef,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub status: BookingStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub space: Space,
    /// The volume was never given: it follows the weight.
    pub volume_defaulted: bool,
    /// `None`: not given.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    /// The hold that it was made of.
    pub hold_id: Option<HoldId>,
    /// The product of that hold; `None`: it has none, or that is not known of a booking that was rebuilt from events.
    pub product: Option<String>,
    /// What it costs, and what was paid; `None` without a price.
    pub bill: Option<Bill>,
    pub needs_rerouting: bool,
    /// The number of its last event.
    pub event_sequence: i32,
    /// Time of the last movement; being booked is not one.
    pub moved_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub texts: Texts,
    /// In order of sequence, including legs no longer in force.
    pub legs: Vec<Leg>,
}

impl Booking {
    /// Returns whether the caller may see it.
    pub fn is_visible_to(&self, caller: Principal) -> bool {
        caller.sees_only().is_none_or(|own| own == self.organization_id)
    }

    /// Returns what the freight emits on the legs in force; `None` without one, or if a leg's emissions are not known.
    pub fn emissions(&self, reference: &Reference) -> Option<Emissions> {
        let flights: Option<Vec<Carriage>> = self.legs_in_force().map(|leg| leg.carriage).collect();
        reference.emissions(self.space.weight, flights?)
    }

    /// Returns by when the station takes the freight for its first flight, if it says so; `None` once that has departed, and
    /// without one.
    pub fn latest_acceptance(&self, surroundings: &Surroundings) -> Option<DateTime<Utc>> {
        let leg = self.next_leg().filter(|_| self.status == BookingStatus::Booked)?;
        let first = FirstFlight { origin: leg.origin, departure: leg.departure, cutoff: leg.cutoff? };
        let product = self.product.as_deref().unwrap_or(GENERAL);
        surroundings.latest_acceptance(first, product, &self.special_handling_codes)
    }

    pub fn legs_in_force(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status.is_in_force())
    }

    /// Returns the leg that can depart next: all in force before it have arrived, and the cargo is at its origin.
    pub fn next_leg(&self) -> Option<&Leg> {
        let next = self.legs_in_force().find(|leg| leg.status != LegStatus::Arrived);
        next.filter(|leg| leg.status == LegStatus::Booked && self.current_airport() == Some(leg.origin))
    }

    /// Returns the leg in the air.
    pub fn departed_leg(&self) -> Option<&Leg> {
        self.legs_in_force().find(|leg| leg.status == LegStatus::Departed)
    }

    /// Returns the leg that landed last.
    pub fn arrived_leg(&self) -> Option<&Leg> {
        self.legs_in_force().filter(|leg| leg.status == LegStatus::Arrived).last()
    }

    /// Returns the place of the cargo; `None` in the air.
    pub fn current_airport(&self) -> Option<AirportCode> {
        match (self.departed_leg(), self.arrived_leg()) {
            (Some(_), _) => None,
            (None, Some(leg)) => Some(leg.destination),
            (None, None) => Some(self.origin),
        }
    }

    /// Returns whether the cargo has arrived at the booking's destination.
    pub fn at_destination(&self) -> bool {
        self.arrived_leg().is_some() && self.current_airport() == Some(self.destination)
    }

    /// Returns whether no further step is possible.
    pub const fn is_over(&self) -> bool {
        matches!(self.status, BookingStatus::Delivered | BookingStatus::Cancelled)
    }

    /// Returns the leg that the cargo is on or arrived on.
    pub fn last_leg_flown(&self) -> Option<&Leg> {
        self.departed_leg().or_else(|| self.arrived_leg())
    }

    /// Returns the start of the legs still to be flown: where the cargo is or, in the air, will land.
    pub fn onward_from(&self) -> AirportCode {
        self.last_leg_flown().map_or(self.origin, |leg| leg.destination)
    }

    /// Returns whether the legs ahead fail to take the cargo from where it is or will land to its destination, with
    /// every connection long enough by the booked times.
    pub fn lacks_a_way(&self, minimum_connection: impl Fn(AirportCode) -> TimeDelta) -> bool {
        if self.is_over() {
            return false;
        }
        let mut place = self.onward_from();
        let mut inbound = self.last_leg_flown();
        for leg in self.undeparted_legs() {
            let connects = inbound.is_none_or(|inbound| is_connection(inbound, leg, minimum_connection(leg.origin)));
            if leg.origin != place || !connects {
                return true;
            }
            place = leg.destination;
            inbound = Some(leg);
        }
        place != self.destination
    }

    /// Returns the flights that have not landed with the cargo yet.
    pub fn flights_ahead(&self) -> impl Iterator<Item = FlightId> {
        self.legs.iter().filter(|leg| leg.status.is_ahead()).map(|leg| leg.flight_id)
    }

    /// Gives each leg that has not landed the times of its flight; returns whether any differ.
    pub fn retime<'a>(&mut self, flight_of: impl Fn(FlightId) -> Option<&'a Flight>) -> bool {
        let mut is_retimed = false;
        for leg in &mut self.legs {
            if let Some(retimed) = flight_of(leg.flight_id).and_then(|flight| leg.retimed(flight)) {
                *leg = retimed;
                is_retimed = true;
            }
        }
        is_retimed
    }

    /// Returns the possible next actions, for any caller.
    pub fn next_actions(&self) -> Vec<Action> {
        let departs = self.next_leg().map(|_| Action::Depart);
        let cancels = self.arrived_leg().is_none().then_some(Action::Cancel);
        match self.status {
            BookingStatus::Booked => departs.into_iter().chain(cancels).collect(),
            BookingStatus::Departed => std::iter::once(Action::Arrive).chain(cancels).collect(),
            BookingStatus::Arrived if self.at_destination() => vec![Action::Deliver],
            BookingStatus::Arrived => departs.into_iter().collect(),
            BookingStatus::Delivered | BookingStatus::Cancelled => Vec::new(),
        }
    }

    /// Returns the next actions allowed to this role: customers may only cancel, and only before anything has departed.
    pub fn allowed(&self, role: Role) -> Vec<Action> {
        let mut actions = self.next_actions();
        if role < Role::Operator {
            actions.retain(|action| *action == Action::Cancel && self.status == BookingStatus::Booked);
        }
        actions
    }

    /// Returns the leg that an action concerns, if the booking has one.
    pub fn leg_of(&self, action: Action) -> Option<&Leg> {
        match action {
            Action::Depart => self.next_leg(),
            Action::Arrive => self.departed_leg(),
            Action::Deliver => self.arrived_leg(),
            Action::Cancel | Action::Amend => None,
        }
    }

    /// Returns the flights to lock before the booking for this action: departing checks that the flight is not
    /// cancelled, cancelling releases its space.
    pub fn flights_to_lock(&self, action: Action) -> Vec<FlightId> {
        let mut flights: Vec<FlightId> = match action {
            Action::Depart => self.next_leg().map(|leg| leg.flight_id).into_iter().collect(),
            Action::Cancel => {
                let held = [LegStatus::Booked, LegStatus::Departed];
                self.legs.iter().filter(|leg| held.contains(&leg.status)).map(|leg| leg.flight_id).collect()
            }
            Action::Arrive | Action::Deliver | Action::Amend => Vec::new(),
        };
        flights.sort_unstable();
        flights.dedup();
        flights
    }

    /// Returns whether a leg was lost because the freight did not come, and no other way has replaced it.
    pub fn is_no_show(&self, leg: &Leg) -> bool {
        // The legs of another way come later, and begin at this leg's place or before.
        let is_replaced = || self.legs.iter().any(|other| other.id > leg.id && other.sequence <= leg.sequence);
        leg.offload_reason == Some(OffloadReason::NoShow) && !is_replaced()
    }

    /// Returns the hold whose use of a sale is to be returned: its booking is cancelled and was never paid.
    pub fn unpaid_hold(&self) -> Option<HoldId> {
        let is_unpaid = self.bill.as_ref().is_some_and(Bill::is_unpaid);
        self.hold_id.filter(|_| self.status == BookingStatus::Cancelled && is_unpaid)
    }

    /// Returns the legs that hold space on a flight which has not taken the cargo.
    pub fn undeparted_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status == LegStatus::Booked)
    }
}

/// The end of a page of bookings: lists start with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingAnchor(pub BookingId);

/// A step can be taken back for this long after it was recorded.
pub const CORRECTED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// Largest and default number of events shown of a history.
pub const MOST_EVENTS: u32 = 200;

#[cfg(test)]
pub(super) mod tests;
