//! Which step can be taken back, and what that restores.
use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus};
use loadmaster_kernel::words;

use super::{Booking, BookingStatus, CORRECTED_WITHIN, Event, EventType, LegStatus};

words! {
    /// Reason why the last step of a booking cannot be taken back.
    pub enum CorrectionObstacle {
        /// The booking has taken no step.
        NoStep = "no_step",
        /// The last step was taken back already.
        Corrected = "corrected",
        /// Others may have the space of a cancelled booking.
        Cancelled = "cancelled",
        /// The step was recorded more than an hour ago.
        TooLate = "too_late",
        /// A price, payment or refund has changed since the step.
        MoneyMoved = "money_moved",
        /// Anything else has changed since the step.
        ChangedSince = "changed_since",
        /// The flight itself has departed.
        FlightDeparted = "flight_departed",
        /// The flight itself has landed.
        FlightArrived = "flight_arrived",
    }
}

impl CorrectionObstacle {
    /// Returns the sentence that names the obstacle.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoStep => "The booking has taken no step that could be taken back.",
            Self::Corrected => "The last step was taken back already, and a correction cannot be taken back.",
            Self::Cancelled => "A cancellation cannot be taken back: its space may be sold already. Book again.",
            Self::TooLate => "The last step was recorded more than an hour ago.",
            Self::MoneyMoved => "A price, payment or refund has changed since the last step.",
            Self::ChangedSince => "The booking has changed since its last step.",
            Self::FlightDeparted => "The flight itself has departed, with all its bookings.",
            Self::FlightArrived => "The flight itself has landed, with all its bookings.",
        }
    }

    /// Returns the obstacle to taking back the last step of a booking, if there is one. `last`: its last event; `flights`:
    /// the flights of its legs in force.
    pub fn of(booking: &Booking, last: &Event, flights: &[FlightCapacity], now: DateTime<Utc>) -> Option<Self> {
        if booking.status == BookingStatus::Cancelled {
            return Some(Self::Cancelled);
        }
        let flight = last.flight_id.and_then(|id| flights.iter().find(|flight| flight.flight_id == id));
        let flight = flight.map(|flight| flight.status);
        match last.event_type {
            EventType::Corrected => Some(Self::Corrected),
            _ if booking.status == BookingStatus::Booked => Some(Self::NoStep),
            EventType::Priced | EventType::PaymentChanged => Some(Self::MoneyMoved),
            step if !step.is_movement() => Some(Self::ChangedSince),
            _ if now > last.created_at + CORRECTED_WITHIN => Some(Self::TooLate),
            EventType::Departed if flight != Some(FlightStatus::Scheduled) => Some(Self::FlightDeparted),
            EventType::Arrived if flight == Some(FlightStatus::Arrived) => Some(Self::FlightArrived),
            _ => None,
        }
    }
}

impl Booking {
    /// Restores what the step had changed; `before`: status and time of the movement before it, if there was one.
    pub fn take_back(&mut self, step: &Event, before: Option<(BookingStatus, DateTime<Utc>)>) {
        self.status = before.map_or(BookingStatus::Booked, |(status, _)| status);
        self.moved_at = before.map(|(_, moved_at)| moved_at);
        // The data of an event are the members that it has changed.
        if let Some(changed) = step.data.get("needs_rerouting").and_then(serde_json::Value::as_bool) {
            self.needs_rerouting = !changed;
        }
        let status = match step.event_type {
            EventType::Departed => LegStatus::Booked,
            EventType::Arrived => LegStatus::Departed,
            _ => return,
        };
        if let Some(leg) = self.legs.iter_mut().find(|leg| Some(leg.id) == step.leg_id) {
            leg.status = status;
        }
    }
}
