use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{follower::Follower, outbox::Entry};
use loadmaster_pricing::{SALE, SALE_LIMIT, SURCHARGE, TARIFF};
use tokio_util::sync::CancellationToken;

use super::{model::Changed, service::AlertService};

/// The aggregate of messages about embargoes.
const EMBARGO: &str = "embargo";
/// Aggregates of messages that name flights by their legs, of rooms beside this one.
const BOOKING: &str = "booking";
const HOLD: &str = "hold";
/// The aggregate of messages about those who wait for space.
const WAITLIST: &str = "waitlist";

/// Notes which flights and prices have changed.
pub(super) struct AlertFollower(pub AlertService);

impl Follower for AlertFollower {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            // Nobody may have heard of what was written before.
            self.0.note(|changed| changed.may_concern_all = true);
            Ok(())
        })
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            self.0.note(|changed| messages.iter().for_each(|message| take_in(changed, message)));
            Ok(())
        })
    }
}

/// Events after which there is less space, and never more.
const TAKES_SPACE: [&str; 2] = ["BOOKED", "CREATED"];
/// Events of bookings and holds after which there is as much space as before, or the flight has left. A hold that is committed
/// gives its space to a booking.
const NO_CHANGE: [&str; 8] =
    ["PRICED", "PAYMENT_CHANGED", "CLAIMED", "EXTENDED", "COMMITTED", "DEPARTED", "ARRIVED", "DELIVERED"];

/// Most ids that are noted between two looks; what is beyond is found by the checks every 30 minutes.
const MOST_NOTED: usize = 50_000;

fn take_in(changed: &mut Changed, message: &Entry) {
    let has_place = changed.len() < MOST_NOTED;
    let takes_space_only = TAKES_SPACE.contains(&message.event_type.as_str());
    match message.aggregate.as_str() {
        TARIFF | SURCHARGE | SALE | SALE_LIMIT => changed.has_prices = true,
        EMBARGO => changed.may_concern_all = true,
        FLIGHT if has_place => changed.flights.push(message.aggregate_id),
        _ if !has_place || NO_CHANGE.contains(&message.event_type.as_str()) => {}
        BOOKING if takes_space_only => changed.new_bookings.push(message.aggregate_id),
        BOOKING => changed.bookings.push(message.aggregate_id),
        HOLD if takes_space_only => changed.new_holds.push(message.aggregate_id),
        HOLD => changed.holds.push(message.aggregate_id),
        // What its offer keeps has become a booking; one that waits takes nothing.
        WAITLIST if !["BOOKED", "WAITING"].contains(&message.event_type.as_str()) => {
            changed.entries.push(message.aggregate_id);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn message(aggregate: &str, event_type: &str) -> Entry {
        Entry {
            id: 1,
            aggregate: aggregate.to_owned(),
            aggregate_id: Uuid::nil(),
            sequence: 1,
            event_type: event_type.to_owned(),
            event: Arc::new(Value::Null),
            written_at: DateTime::UNIX_EPOCH,
            organization: None,
            listeners: None,
        }
    }

    fn noted(aggregate: &str, event_type: &str) -> Changed {
        let mut changed = Changed::default();
        take_in(&mut changed, &message(aggregate, event_type));
        changed
    }

    #[test]
    fn a_message_concerns_lanes_or_options_or_nothing() {
        let ids = || vec![Uuid::nil()];
        for (aggregate, event_type, expected) in [
            ("tariff", "CHANGED", Changed { has_prices: true, ..Changed::default() }),
            ("sale", "CREATED", Changed { has_prices: true, ..Changed::default() }),
            ("sale_limit", "LIFTED", Changed { has_prices: true, ..Changed::default() }),
            ("embargo", "ENDED", Changed { may_concern_all: true, ..Changed::default() }),
            ("flight", "CREATED", Changed { flights: ids(), ..Changed::default() }),
            ("flight", "CHANGED", Changed { flights: ids(), ..Changed::default() }),
            ("booking", "BOOKED", Changed { new_bookings: ids(), ..Changed::default() }),
            ("booking", "CANCELLED", Changed { bookings: ids(), ..Changed::default() }),
            ("booking", "AMENDED", Changed { bookings: ids(), ..Changed::default() }),
            ("booking", "PRICED", Changed::default()),
            ("hold", "CREATED", Changed { new_holds: ids(), ..Changed::default() }),
            ("hold", "RELEASED", Changed { holds: ids(), ..Changed::default() }),
            ("hold", "EXTENDED", Changed::default()),
            ("hold", "COMMITTED", Changed::default()),
            ("waitlist", "OFFERED", Changed { entries: ids(), ..Changed::default() }),
            ("waitlist", "EXPIRED", Changed { entries: ids(), ..Changed::default() }),
            ("waitlist", "CANCELLED", Changed { entries: ids(), ..Changed::default() }),
            ("waitlist", "WAITING", Changed::default()),
            ("waitlist", "BOOKED", Changed::default()),
            ("payment", "CREATED", Changed::default()),
        ] {
            assert_eq!(noted(aggregate, event_type), expected, "{aggregate} {event_type}");
        }
    }

    #[test]
    fn no_more_is_noted_than_has_place_besides_prices() {
        let mut changed = Changed { flights: vec![Uuid::nil(); MOST_NOTED], ..Changed::default() };
        take_in(&mut changed, &message("hold", "RELEASED"));
        take_in(&mut changed, &message("surcharge", "ENDED"));
        assert_eq!((changed.len(), changed.has_prices), (MOST_NOTED, true));
    }
}
