//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

/// What became of the questions of a lane.
pub const OUTCOMES: [&str; 4] = ["priced", "unpriced", "repeated", "failed"];

metrics! {
    "Rates": {
        RATE_SAMPLES: Counter "loadmaster_rate_samples_total" [Label::one_of("outcome", &OUTCOMES)]
            "Questions of a lane, a departure date and a weight: `priced`; `unpriced`, nothing can be booked or has a price; \
             `repeated`, another run has kept its answers; `failed`.";
        RATE_RUN: Histogram "loadmaster_rate_run_seconds" []
            "Time of a run that asks the lanes that are due, with its pauses.";
    }
}
