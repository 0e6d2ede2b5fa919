//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Webhooks": {
        ATTEMPTS: Counter "loadmaster_webhook_attempts_total"
            [Label::one_of("outcome", &["delivered", "rejected", "redirected", "timeout", "unreachable", "tls"])]
            "Attempts of this process to send a message to a webhook.";
        WAITING: Gauge "loadmaster_webhook_waiting" []
            "Messages that wait to be sent to webhooks, in the whole database; at most 15 seconds old.";
    }
}
