//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Alerts": {
        ALERTS_MET: Counter "loadmaster_alerts_met_total" [Label::one_of("kind", &["PRICE", "SPACE"])]
            "Crossings of alerts of which somebody is informed.";
        CHECK: Histogram "loadmaster_alert_check_seconds" []
            "Time to search what one alert asks for.";
    }
}
