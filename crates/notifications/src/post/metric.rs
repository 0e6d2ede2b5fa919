//! What the post office counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

const CHANNEL: Label = Label::one_of("channel", &["email", "sms"]);

metrics! {
    "Notifications": {
        NOTIFICATIONS: Counter "loadmaster_notifications_total" [CHANNEL, Label::few("type", "`account` or as in `docs/notifications.md`"), Label::one_of("outcome", &["sent", "retried", "failed", "suppressed"])]
            "Notifications that this process sent or tried to send: `retried`, failed and tried again; `failed`, refused for \
             good; `suppressed`, not sent or too late.";
        DELAY: Histogram "loadmaster_notification_delay_seconds" [CHANNEL]
            "Time from the moment when a notification was due to its delivery to the relay or gateway.";
    }
}
