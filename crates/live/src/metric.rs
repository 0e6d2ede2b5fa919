//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

/// The kinds of streams.
pub(super) const FLIGHT: &str = "flight";
pub(super) const BOOKING: &str = "booking";
pub(super) const TRACKING: &str = "tracking";
pub(super) const MESSAGES: &str = "messages";
pub(super) const KINDS: [&str; 4] = [FLIGHT, BOOKING, TRACKING, MESSAGES];

metrics! {
    "Streams": {
        STREAMS: Gauge "loadmaster_streams" [Label::one_of("kind", &KINDS)]
            "Open streams of server-sent events.";
    }
}
