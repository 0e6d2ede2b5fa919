//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Allotments": {
        ALLOTMENT_FLIGHTS: Gauge "loadmaster_allotment_flights" [Label::one_of("status", &["KEPT", "SHORT"])]
            "Flights on which allotments keep space, and on which none was free, in the whole database; at most 30 seconds old.";
    }
}
