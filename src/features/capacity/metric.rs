//! What this room counts.
use crate::platform::telemetry::{Label, metric::metrics};

metrics! {
    "Room on flights": {
        CAPACITY_TAKINGS: Counter "loadmaster_capacity_takings_total"
            [Label::one_of("path", &["optimistic", "locking", "amending"]), Label::one_of("outcome", &["taken", "conflict"])]
            "Attempts to take room on a flight: straight, in turn where little is left, or by an amendment, with the flight \
             locked. A conflict: the flight had changed since it was read.";
        AVAILABILITY_STALENESS: Gauge "loadmaster_availability_staleness_seconds" []
            "How long ago this process knew of everything that others had written; `+Inf` before it first did.";
        AVAILABILITY_FLIGHTS: Gauge "loadmaster_availability_flights" []
            "Flights in the availability index.";
        AVAILABILITY_READS: Counter "loadmaster_availability_reads_total" [Label::one_of("reason", &["unknown", "behind"])]
            "Searches that read the room from the tables: of flights that were not known or had just changed, or because \
             the process was behind.";
    }
}
