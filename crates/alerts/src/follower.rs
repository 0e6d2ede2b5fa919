use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{follower::Follower, outbox::Entry};
use loadmaster_pricing::{SALE, SURCHARGE, TARIFF};

use super::{model::Changed, service::AlertService};

/// Aggregates of messages that name flights by their legs, of rooms beside this one.
const BOOKING: &str = "booking";
const HOLD: &str = "hold";

/// Notes which flights and prices have changed.
pub(super) struct AlertFollower(pub AlertService);

impl Follower for AlertFollower {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            self.0.note(|changed| messages.iter().for_each(|message| take_in(changed, message)));
            Ok(())
        })
    }
}

/// Most ids that are noted between two looks; what is beyond is found by the checks every 30 minutes.
const MOST_NOTED: usize = 50_000;

fn take_in(changed: &mut Changed, message: &Entry) {
    let has_place = changed.flights.len() + changed.bookings.len() + changed.holds.len() < MOST_NOTED;
    match message.aggregate.as_str() {
        TARIFF | SURCHARGE | SALE => changed.has_prices = true,
        FLIGHT if has_place => changed.flights.push(message.aggregate_id),
        BOOKING if has_place => changed.bookings.push(message.aggregate_id),
        HOLD if has_place => changed.holds.push(message.aggregate_id),
        _ => {}
    }
}
