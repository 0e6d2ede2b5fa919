use loadmaster_accounts::Role;
use loadmaster_bookings::LeftBehind;
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::Flight;
use loadmaster_kernel::words;

words! {
    /// An action on a flight.
    pub enum FlightAction {
        Depart = "depart",
        Arrive = "arrive",
        Cancel = "cancel",
        /// Never among the allowed steps: it moves nothing.
        Change = "change",
    }
}

/// Returns the steps that this role may make with a flight; `has_left`: some of its freight has already departed.
pub fn allowed(status: FlightStatus, has_left: bool, role: Role) -> Vec<FlightAction> {
    match status {
        FlightStatus::Scheduled if has_left || role < Role::Admin => vec![FlightAction::Depart],
        FlightStatus::Scheduled => vec![FlightAction::Depart, FlightAction::Cancel],
        FlightStatus::Departed => vec![FlightAction::Arrive],
        FlightStatus::Arrived | FlightStatus::Cancelled => Vec::new(),
    }
}

/// A flight after a step, and the effect on its bookings.
#[derive(Debug)]
pub struct Operated {
    pub flight: Flight,
    /// Number of bookings that got an event.
    pub bookings_changed: usize,
    /// Number of bookings that have yet to get one.
    pub bookings_pending: usize,
    pub left_behind: Vec<LeftBehind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_allows_its_steps_and_cancelling_is_an_administrators() {
        use FlightAction::{Arrive, Cancel, Depart};
        assert_eq!(allowed(FlightStatus::Scheduled, false, Role::Admin), [Depart, Cancel]);
        assert_eq!(allowed(FlightStatus::Scheduled, false, Role::Operator), [Depart]);
        assert_eq!(allowed(FlightStatus::Scheduled, true, Role::Admin), [Depart]);
        assert_eq!(allowed(FlightStatus::Departed, true, Role::Operator), [Arrive]);
        for status in [FlightStatus::Arrived, FlightStatus::Cancelled] {
            assert!(allowed(status, false, Role::Admin).is_empty());
        }
    }
}
