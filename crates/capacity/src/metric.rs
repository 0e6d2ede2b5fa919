//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Capacity of flights": {
        CAPACITY_TAKINGS: Counter "loadmaster_capacity_takings_total"
            [Label::one_of("path", &["optimistic", "locking", "amending"]), Label::one_of("outcome", &["taken", "conflict"])]
            "Attempts to take capacity: optimistic, locking (little is free, or the flight is locked) or amending a booking. \
             After a conflict with another transaction the attempt is repeated.";
        AVAILABILITY_STALENESS: Gauge "loadmaster_availability_staleness_seconds" []
            "Time since this process last had all changes by other processes; `+Inf` until the first time.";
        AVAILABILITY_FLIGHTS: Gauge "loadmaster_availability_flights" []
            "Flights in the availability index.";
        AVAILABILITY_READS: Counter "loadmaster_availability_reads_total" [Label::one_of("reason", &["unknown", "behind"])]
            "Searches that read availability from the tables: flights not in the index or just changed, or the index behind.";
    }
}
