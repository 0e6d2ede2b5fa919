//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

const BOOKING_OUTCOMES: Label = Label::one_of(
    "outcome",
    &[
        "created",
        "capacity_exceeded",
        "itinerary_invalid",
        "no_bookable_itinerary",
        "flight_closed",
        "flight_cancelled",
        "embargoed",
        "handling_required",
        "piece_too_large",
        "already_exists",
        "repeated",
        "error",
    ],
);

const LANE: Label = Label::few("lane", "the number of a lane, or `last_kilos`");

metrics! {
    "Bookings": {
        BOOKINGS: Counter "loadmaster_bookings_total" [BOOKING_OUTCOMES]
            "Attempts to create a booking.";
        BOOKED_GRAMS: Counter "loadmaster_booked_grams_total" []
            "Gross weight of the bookings created, in grams, as at their creation.";
        DESK_ORDERS: Counter "loadmaster_desk_orders_total" []
            "Orders submitted to the booking desk.";
        DESK_WAITING: Gauge "loadmaster_desk_waiting" [LANE]
            "Orders that wait in a lane of the booking desk while it works on a batch.";
        DESK_BLOCKED: Gauge "loadmaster_desk_blocked" [LANE]
            "Orders that wait because other transactions have locked what they need.";
        DESK_BATCH: Histogram "loadmaster_desk_batch_orders" [LANE]
            "Orders in a batch.";
        DESK_SPLIT: Counter "loadmaster_desk_batches_split_total" [LANE]
            "Batches that failed because of one order, and were split.";
        DESK_WAIT: Histogram "loadmaster_desk_wait_seconds" [LANE]
            "Time from the arrival of an order to the beginning of its first batch.";
        DESK_COMMIT: Histogram "loadmaster_desk_commit_seconds" [LANE]
            "Time that the commit of a batch took.";
        BOOKING_ACTIONS: Counter "loadmaster_booking_actions_total"
            [Label::one_of("action", &["depart", "arrive", "deliver", "cancel", "correct"])]
            "Status changes of bookings, alone or with their flight; `correct`: the last step was taken back.";
    }
}
