//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Capacity of flights": {
        CAPACITY_TAKINGS: Counter "loadmaster_capacity_takings_total"
            [Label::one_of("path", &["optimistic", "locking", "amending"]), Label::one_of("outcome", &["taken", "conflict"])]
            "Attempts to take capacity on a flight: optimistic, where more than the threshold stays free; locking, where less is left \
             or another transaction has locked the flight; or amending a booking. A conflict means that another transaction had \
             locked or changed the flights, and that the attempt is repeated.";
        AVAILABILITY_STALENESS: Gauge "loadmaster_availability_staleness_seconds" []
            "Time since this process last had all changes by other processes; `+Inf` until the first time.";
        AVAILABILITY_FLIGHTS: Gauge "loadmaster_availability_flights" []
            "Flights in the availability index.";
        AVAILABILITY_READS: Counter "loadmaster_availability_reads_total" [Label::one_of("reason", &["unknown", "behind"])]
            "Searches that read availability from the tables because flights were not in the index or had just changed, or because \
             the index was behind.";
    }
}
