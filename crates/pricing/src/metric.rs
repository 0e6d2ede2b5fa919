//! What this room counts.

use loadmaster_platform::telemetry::metric::metrics;

metrics! {
    "Prices": {
        QUOTES: Counter "loadmaster_quotes_total" []
            "Quotes that were given, on request or for a hold.";
    }
}
