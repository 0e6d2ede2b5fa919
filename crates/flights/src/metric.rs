//! What this room counts.

use loadmaster_platform::telemetry::metric::metrics;

metrics! {
    "Schedule": {
        DEPARTURES: Gauge "loadmaster_departures" []
            "Scheduled flights in this process's memory, in which routes are found; 0 until they are loaded.";
        DEPARTURES_CORRECTED: Counter "loadmaster_departures_corrected_total" []
            "Flights in memory that differed from the tables after all messages about them, and were corrected.";
    }
}
