//! What this room counts.
use crate::platform::telemetry::{Label, metric::metrics};

const BOOKING_OUTCOMES: Label = Label::one_of(
    "outcome",
    &[
        "created",
        "capacity_exceeded",
        "itinerary_invalid",
        "no_bookable_itinerary",
        "flight_closed",
        "flight_cancelled",
        "already_exists",
        "repeated",
        "error",
    ],
);

metrics! {
    "Bookings": {
        BOOKINGS: Counter "loadmaster_bookings_total" [BOOKING_OUTCOMES]
            "Attempts to create a booking.";
        BOOKED_GRAMS: Counter "loadmaster_booked_grams_total" []
            "Gross weight of the bookings created, in grams, as at their creation.";
        BOOKING_ACTIONS: Counter "loadmaster_booking_actions_total"
            [Label::one_of("action", &["depart", "arrive", "deliver", "cancel"])]
            "Status changes of bookings, alone or with their flight.";
    }
}
