mod draw;
mod message;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::{Channel, Principal, Role};
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, BookingRef, Dimensions, FlightId, FlightNumber, HandlingCode, HoldId, Money,
    OrganizationId, PaymentId, Pieces, QuoteId, UserId, words,
};
use loadmaster_payments::Payment;
use loadmaster_pricing::Quote;
use loadmaster_reference::Carriage;
use loadmaster_shipment::{Contact, FirstFlight, Load, PositionName, Shipment, Surroundings, Texts};

pub use draw::{AllottedSpace, Draw, Draws, left_of};
pub use message::{HoldChange, HoldEvent, HoldEventType, message};

/// Kind of a hold in messages and audits.
pub const HOLD: &str = "hold";

/// How long a hold is kept at most while its payment is under way.
const COMMITTING_FOR: TimeDelta = TimeDelta::minutes(10);
/// How long a hold is kept at least after a payment that failed.
const ANOTHER_TRY: TimeDelta = TimeDelta::seconds(120);
/// Most payments that are begun for a hold.
pub const MOST_ATTEMPTS: u32 = 5;

words! {
    /// The purpose of a hold.
    pub enum HoldKind {
        /// Space on every flight of an itinerary.
        Itinerary = "ITINERARY",
        /// Space on one flight.
        Reservation = "RESERVATION",
        /// Space offered to an entry of the waitlist.
        Offer = "OFFER",
        /// Space that an organization has by an allotment.
        Allotment = "ALLOTMENT",
    }
}

words! {
    /// The status of a hold.
    pub enum HoldStatus {
        Active = "ACTIVE",
        /// Its payment is under way.
        Committing = "COMMITTING",
        /// It became a booking.
        Committed = "COMMITTED",
        Released = "RELEASED",
        Expired = "EXPIRED",
    }
}

words! {
    /// The reason why a hold was released.
    pub enum EndReason {
        /// By its owner, or the carrier's staff.
        Caller = "CALLER",
        FlightCancelled = "FLIGHT_CANCELLED",
        FlightDeparted = "FLIGHT_DEPARTED",
        /// The capacity of a flight was lowered.
        CapacityCut = "CAPACITY_CUT",
        /// An offer was declined.
        Declined = "DECLINED",
        /// The allotment was changed or ended, or its release time has come.
        Allotment = "ALLOTMENT",
    }
}

/// The action on a hold that its status does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldAction {
    Amend,
    Extend,
    Release,
    Commit,
}

impl HoldAction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amend => "amend",
            Self::Extend => "extend",
            Self::Release => "release",
            Self::Commit => "commit",
        }
    }
}

/// What a hold keeps on one flight, with the flight's times when it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldLeg {
    pub sequence: i32,
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    /// Until when the flight takes bookings, as it is now; `None`: it has no space, which the audit reports.
    pub cutoff: Option<DateTime<Utc>>,
    /// What decides what the freight emits, as the flight is now.
    pub carriage: Carriage,
    pub space: Space,
    /// The positions that are named; empty if they are only counted.
    pub names: BTreeSet<PositionName>,
}

impl HoldLeg {
    pub fn of(sequence: i32, flight: &Flight, space: Space, names: BTreeSet<PositionName>) -> Self {
        Self {
            sequence,
            flight_id: flight.id,
            flight_number: flight.number,
            origin: flight.origin,
            destination: flight.destination,
            departure: flight.departure,
            arrival: flight.arrival,
            cutoff: Some(flight.space.cutoff),
            carriage: flight.into(),
            space,
            names,
        }
    }
}

/// Space kept for a bounded time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: HoldId,
    pub kind: HoldKind,
    /// As stored; see [`Hold::status_at`].
    pub status: HoldStatus,
    pub end_reason: Option<EndReason>,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub is_guest: bool,
    /// A keyed hash of the guest's network address.
    pub address_key: Option<Vec<u8>>,
    /// Counts towards the number of holds that a caller may have at once.
    pub is_counted: bool,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Option<Pieces>,
    pub space: Space,
    /// The volume was never given: it follows the weight.
    pub volume_defaulted: bool,
    /// `None`: not given.
    pub dimensions: Option<Dimensions>,
    pub product: String,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    pub booking: Option<(BookingId, BookingRef)>,
    pub expires_at: DateTime<Utc>,
    pub latest_expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of its last event.
    pub event_sequence: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub texts: Texts,
    pub contact: Option<Contact>,
    /// Its price; `None` without a rate.
    pub quote: Option<Quote>,
    /// The payment under way, or the last one.
    pub payment: Option<Payment>,
    /// Payments that were begun for it.
    pub attempts: u32,
    /// While a payment is under way: when the hold would have expired without it.
    pub active_until: Option<DateTime<Utc>>,
    /// Where it was asked for; `None` if that is not known, and of what the product itself keeps.
    pub channel: Option<Channel>,
    /// In order of sequence.
    pub legs: Vec<HoldLeg>,
}

impl Hold {
    /// Returns the status at this moment: a hold whose time is up has expired, whether or not that was recorded.
    pub fn status_at(&self, now: DateTime<Utc>) -> HoldStatus {
        match self.status {
            HoldStatus::Active | HoldStatus::Committing if self.expires_at <= now => HoldStatus::Expired,
            status => status,
        }
    }

    /// Returns whether it keeps space, by the tables.
    pub fn is_open(&self) -> bool {
        matches!(self.status, HoldStatus::Active | HoldStatus::Committing)
    }

    /// Returns by when the station takes the freight for its first flight, if it says so; `None` of one that keeps no space at this
    /// moment.
    pub fn latest_acceptance(&self, surroundings: &Surroundings, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !matches!(self.status_at(now), HoldStatus::Active | HoldStatus::Committing) {
            return None;
        }
        let HoldLeg { origin, departure, cutoff, .. } = *self.legs.first()?;
        let first = FirstFlight { origin, departure, cutoff: cutoff? };
        surroundings.latest_acceptance(first, &self.product, &self.special_handling_codes)
    }

    pub fn quote_id(&self) -> Option<QuoteId> {
        self.quote.as_ref().map(|quote| quote.id)
    }

    pub fn payment_id(&self) -> Option<PaymentId> {
        self.payment.as_ref().map(|payment| payment.id)
    }

    /// Returns what is to be paid for it; `None` without a price, or if that is 0.
    pub fn total(&self) -> Option<Money> {
        self.quote.as_ref().map(Quote::total).filter(|total| !total.is_zero())
    }

    /// Returns whether the caller may see and change it.
    pub fn is_visible_to(&self, caller: Principal) -> bool {
        caller.role >= Role::Operator || self.organization_id == caller.organization_id
    }

    /// Returns the space that it keeps on each flight. An allotment's hold keeps what was not drawn from it.
    pub fn keeps(&self) -> Space {
        match (self.kind, self.legs.first()) {
            (HoldKind::Allotment, Some(leg)) => leg.space,
            _ => self.space,
        }
    }

    pub fn flight_ids(&self) -> impl Iterator<Item = FlightId> {
        self.legs.iter().map(|leg| leg.flight_id)
    }

    /// Returns what it keeps on this flight.
    pub fn space_on(&self, flight: FlightId) -> Space {
        let leg = self.legs.iter().find(|leg| leg.flight_id == flight);
        leg.map(|leg| leg.space).unwrap_or_default()
    }

    /// Returns the named positions, by flight.
    pub fn position_names(&self) -> BTreeMap<FlightId, BTreeSet<PositionName>> {
        let named = self.legs.iter().filter(|leg| !leg.names.is_empty());
        named.map(|leg| (leg.flight_id, leg.names.clone())).collect()
    }

    /// Returns what it keeps space for, as it becomes a booking; `None` without a number of pieces.
    pub fn shipment(&self) -> Option<Shipment> {
        Some(Shipment {
            origin: self.origin,
            destination: self.destination,
            pieces: self.pieces?,
            load: Load { space: self.space, volume_defaulted: self.volume_defaulted },
            dimensions: self.dimensions.clone(),
            accepts_oversize: false,
            special_handling_codes: self.special_handling_codes.clone(),
            awb_number: self.awb_number.clone(),
            texts: self.texts.clone(),
        })
    }

    /// Returns the members, as JSON pointers, without which it cannot become a booking.
    pub fn missing(&self) -> Vec<&'static str> {
        let pieces = self.pieces.is_none().then_some("/pieces");
        let email = (self.is_guest && self.contact.is_none()).then_some("/contact/email");
        pieces.into_iter().chain(email).collect()
    }

    /// Begins a payment for it, for which it is kept longer.
    pub fn begin_payment(&mut self, payment: Payment, now: DateTime<Utc>) {
        self.status = HoldStatus::Committing;
        self.payment = Some(payment);
        self.attempts += 1;
        self.active_until = Some(self.expires_at);
        self.expires_at = now + COMMITTING_FOR;
    }

    /// Returns it to its caller after a payment that failed: for another try, some time is left. One whose time is up stays
    /// expired.
    pub fn return_to_caller(&mut self, now: DateTime<Utc>) {
        let until = self.active_until.take().unwrap_or(now).max(now + ANOTHER_TRY);
        self.status = HoldStatus::Active;
        if self.expires_at > now {
            self.expires_at = until.min(self.latest_expires_at);
        }
    }

    /// Ends it.
    pub fn end(&mut self, status: HoldStatus, reason: Option<EndReason>, now: DateTime<Utc>) {
        (self.status, self.end_reason, self.ended_at, self.active_until) = (status, reason, Some(now), None);
    }
}

/// The author of a change of many holds, and its time.
#[derive(Debug, Clone, Copy)]
pub struct By {
    pub actor: Option<UserId>,
    pub now: DateTime<Utc>,
}
