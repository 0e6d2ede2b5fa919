//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

const KIND: Label = Label::one_of("kind", &["AUTHORIZE", "CAPTURE", "REFUND", "VOID"]);
const OUTCOME: Label =
    Label::one_of("outcome", &["succeeded", "declined", "voided", "requires_action", "pending", "unknown", "not_sent"]);

metrics! {
    "Payments": {
        OPERATIONS: Counter "loadmaster_payment_operations_total" [KIND, OUTCOME]
            "Answers of the payment provider to this process; `unknown`: none, or an unreadable one.";
        UNRESOLVED: Gauge "loadmaster_payments_unresolved" []
            "Payment operations that an administrator has to resolve, in the whole database; at most 15 seconds old.";
        UNMATCHED: Gauge "loadmaster_payments_unmatched" []
            "Payments that differed from the provider's books at the last reconciliation, in the whole database; at most 15 \
             seconds old.";
        WEBHOOKS: Counter "loadmaster_payment_webhooks_total" [Label::one_of("outcome", &["accepted", "repeated", "unknown", "refused"])]
            "Webhooks received: `accepted`; `repeated`; `unknown`, of an unknown payment; `refused`, with an \
             invalid signature.";
    }
}
