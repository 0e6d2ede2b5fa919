//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Flights": {
        FLIGHT_ACTIONS: Counter "loadmaster_flight_actions_total"
            [Label::one_of("action", &["depart", "arrive", "cancel", "change"])]
            "Status changes and amendments of flights.";
    }
}
