use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, EventId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, words};
use serde_json::Value;

use super::BookingStatus;

words! {
    /// The kind of an event. The first five change the status of the booking; the others do not.
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
    }
}

impl EventType {
    /// What each of [`Self::NAMES`] tells.
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
    ];

    /// Returns the IATA freight status update code, where there is one.
    pub const fn fsu_code(self) -> Option<&'static str> {
        match self {
            Self::Booked => Some("BKD"),
            Self::Departed => Some("DEP"),
            Self::Arrived => Some("ARR"),
            Self::Delivered => Some("DLV"),
            _ => None,
        }
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
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}
