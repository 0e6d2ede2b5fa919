//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Waitlist": {
        WAITING: Gauge "loadmaster_waitlist_waiting" []
            "Entries that wait, in the whole database; a few seconds old.";
        OFFERS: Counter "loadmaster_waitlist_offers_total"
            [Label::one_of("outcome", &["made", "booked", "declined", "cancelled", "expired"])]
            "Offers that were made to entries of the waitlist, and what became of them.";
        OLDEST_ASIDE: Gauge "loadmaster_set_aside_oldest_seconds" []
            "How long the oldest space set aside on a flight has waited for a matcher; 0 if there is none.";
    }
}
