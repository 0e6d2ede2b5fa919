//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

const KIND: Label = Label::one_of("kind", &["FLIGHTS", "SEASON", "TARIFFS", "REFERENCE_RATES"]);
const OUTCOME: Label = Label::one_of("outcome", &["UNCHANGED", "REVIEW", "APPLIED", "FAILED"]);

metrics! {
    "Feeds": {
        FEED_RUNS: Counter "loadmaster_feed_runs_total" [KIND, OUTCOME]
            "Runs of feeds that have ended, by outcome.";
    }
}
