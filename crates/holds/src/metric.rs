//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

const KIND: Label = Label::one_of("kind", &["ITINERARY", "RESERVATION", "OFFER", "ALLOTMENT"]);

const OUTCOME: Label = Label::one_of(
    "outcome",
    &[
        "created",
        "committed",
        "released",
        "expired",
        "capacity_exceeded",
        "itinerary_invalid",
        "no_bookable_itinerary",
        "flight_closed",
        "flight_cancelled",
        "embargoed",
        "handling_required",
        "piece_too_large",
        "hold_limit_exceeded",
        "position_taken",
        "price",
        "already_exists",
        "repeated",
        "error",
    ],
);

metrics! {
    "Holds": {
        HOLDS: Counter "loadmaster_holds_total" [KIND, OUTCOME]
            "Holds made and ended, and attempts that were refused.";
        HOLDS_ACTIVE: Gauge "loadmaster_holds_active" []
            "Holds that keep space, in the whole database; a few seconds old.";
    }
}
