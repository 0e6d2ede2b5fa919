use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, EventId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::BookingStatus;

words! {
    /// The kind of an event. The first five and the last change the status of the booking; the others do not.
    pub enum EventType {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Delivered = "DELIVERED",
        Cancelled = "CANCELLED",
        Amended = "AMENDED",
        Rerouted = "REROUTED",
        Offloaded = "OFFLOADED",
        FlightRetimed = "FLIGHT_RETIMED",
        FlightCancelled = "FLIGHT_CANCELLED",
        /// A guest's booking moved to the organization of an account.
        Claimed = "CLAIMED",
        /// Its price has changed.
        Priced = "PRICED",
        /// A payment, refund or fee has changed what is paid or due.
        PaymentChanged = "PAYMENT_CHANGED",
        /// The step before it was recorded by mistake and is taken back.
        Corrected = "CORRECTED",
    }
}

impl EventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = [
        "A booking was made.",
        "The cargo departed on a flight.",
        "The cargo arrived at an airport.",
        "The cargo was delivered.",
        "The booking was cancelled.",
        "The freight or other terms of the booking were amended.",
        "The booking has another route.",
        "The cargo was taken off a flight.",
        "A flight of the booking has other times.",
        "A flight of the booking was cancelled.",
        "A guest's booking belongs to the organization of an account from now on.",
        "Amended freight has changed the price.",
        "What is paid, refunded or due has changed, or a payment was begun or has failed.",
        "The last step was recorded by mistake and was taken back.",
    ];

    /// Returns whether it records a movement of the cargo.
    pub const fn is_movement(self) -> bool {
        matches!(self, Self::Departed | Self::Arrived | Self::Delivered)
    }
}

/// The step that an event takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// The id of the step's event.
    pub event_id: EventId,
    /// The number of the step's event.
    pub sequence: i32,
    /// The status that the step gave the booking.
    pub status: BookingStatus,
}

impl Correction {
    /// The member of an event's data that names the step.
    pub const MEMBER: &'static str = "corrects";

    /// Returns the step that an event with these data takes back, if it takes one back.
    pub fn of(data: &Value) -> Option<Self> {
        data.get(Self::MEMBER).and_then(|step| Self::deserialize(step).ok())
    }
}

/// One event in the history of a booking, with its data `D`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<D = Value> {
    pub id: EventId,
    pub sequence: i32,
    pub event_type: EventType,
    /// The status of the booking after the event.
    pub status: BookingStatus,
    pub location: Option<AirportCode>,
    pub flight_id: Option<FlightId>,
    pub flight_number: Option<FlightNumber>,
    pub leg_id: Option<LegId>,
    pub pieces: Pieces,
    pub weight: Weight,
    /// The user who caused it.
    pub actor: Option<UserId>,
    /// Free text, stored beside the event where erasure can reach it.
    pub notes: Option<String>,
    /// Enough to rebuild the booking's state from its events.
    pub data: D,
    /// The step that it takes back; of a `CORRECTED` only.
    pub corrects: Option<Correction>,
    /// The next event takes this step back.
    pub is_corrected: bool,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl<D> Event<D> {
    /// Returns the IATA freight status update code, where there is one. A step that was taken back has none: it did not
    /// happen.
    pub fn fsu_code(&self) -> Option<&'static str> {
        match self.event_type {
            _ if self.is_corrected => None,
            EventType::Booked => Some("BKD"),
            EventType::Departed => Some("DEP"),
            EventType::Arrived => Some("ARR"),
            EventType::Delivered => Some("DLV"),
            _ => None,
        }
    }
}
