//! One item of a letter.
use chrono::{DateTime, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::zones::Zone;
use loadmaster_reference::Reference;
use serde::Serialize;
use uuid::Uuid;

use crate::model::NotificationType;

/// A time, for people: at the station, with its zone, and in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct When {
    /// `Fri 27 Nov 2026 14:30 IST`
    pub local: String,
    /// `Fri 27 Nov 2026 09:00 UTC`
    pub utc: String,
    /// `27 Nov 14:30 IST`
    pub short: String,
    /// For the filters: RFC 3339 at the station's offset.
    pub at: String,
    /// The same in UTC.
    pub instant: String,
    /// `IST`
    pub zone: String,
}

impl When {
    pub fn at(reference: &Reference, station: AirportCode, instant: DateTime<Utc>) -> Self {
        Self::of(reference.airport(station).map(|airport| airport.time_zone), instant)
    }

    fn of(zone: Option<Zone>, instant: DateTime<Utc>) -> Self {
        let local = zone.map_or_else(|| instant.fixed_offset(), |zone| zone.local(instant));
        let name = zone.map_or_else(|| "UTC".to_owned(), |zone| zone.abbreviation(instant));
        Self {
            local: format!("{} {name}", local.format("%a %-d %b %Y %H:%M")),
            utc: instant.format("%a %-d %b %Y %H:%M UTC").to_string(),
            short: format!("{} {name}", local.format("%-d %b %H:%M")),
            at: local.to_rfc3339(),
            instant: instant.to_rfc3339(),
            zone: name,
        }
    }
}

/// A flight.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FlightItem {
    pub id: Uuid,
    pub number: String,
    pub origin: String,
    pub destination: String,
    /// When it left, else when it is to leave.
    pub departure: When,
    pub arrival: When,
    pub cutoff: When,
}

/// A shipment.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShipmentItem {
    pub ref_id: String,
    pub awb_number: Option<String>,
    pub origin: String,
    pub destination: String,
    pub pieces: i32,
    pub weight: String,
    /// What it emits, in kilograms of CO₂ equivalents: an estimate.
    pub emissions: Option<String>,
    /// By when the station takes it for its first flight.
    pub latest_acceptance: Option<When>,
    pub status: String,
    pub needs_rerouting: bool,
    /// The booking itself is cancelled.
    pub is_cancelled: bool,
}

/// Space that is held, or offered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HoldItem {
    pub id: Uuid,
    pub origin: String,
    pub destination: String,
    pub weight: String,
    pub flight_number: Option<String>,
    pub departure: Option<When>,
    pub expires: When,
}

/// A payment.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PaymentItem {
    pub ref_id: Option<String>,
    /// `captured`, `failed`, `refunded` or `requires_action`.
    pub event: String,
    pub amount: String,
    pub captured: String,
    pub refunded: String,
}

/// A webhook.
#[derive(Debug, Clone, Serialize)]
pub(super) struct WebhookItem {
    pub id: Uuid,
    /// `failing` or `disabled`.
    pub event: String,
    /// Why it is disabled: `failing`, `gone`, `owner_changed`, `key_ended` or `access_ended`.
    pub reason: Option<String>,
    pub url: String,
}

/// A feed whose runs fail.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FeedItem {
    pub id: Uuid,
    pub name: String,
    /// Runs in a row that have failed.
    pub failures: i32,
    /// Why the last one did, in a sentence.
    pub because: String,
}

/// An alert that is true.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AlertItem {
    pub id: Uuid,
    pub origin: String,
    pub destination: String,
    pub weight: String,
    /// Departure of the best option, `2026-12-02`.
    pub date: String,
    /// Its price; of alerts on prices.
    pub price: Option<String>,
    /// The path of the search in the console.
    pub path: String,
}

impl AlertItem {
    fn sample(kind: NotificationType) -> Self {
        Self {
            id: Uuid::nil(),
            origin: "DEL".to_owned(),
            destination: "LHR".to_owned(),
            weight: "100 kg".to_owned(),
            date: "2026-12-02".to_owned(),
            price: (kind == NotificationType::PriceAlert).then(|| "450.00 EUR".to_owned()),
            path: "/?origin=DEL&destination=LHR&date=2026-12-02&weight=100".to_owned(),
        }
    }
}

/// One item of a letter.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub kind: NotificationType,
    /// The type by whose preference it is sent.
    pub wanted: NotificationType,
    pub flight: Option<FlightItem>,
    pub shipment: Option<ShipmentItem>,
    pub hold: Option<HoldItem>,
    pub payment: Option<PaymentItem>,
    pub webhook: Option<WebhookItem>,
    pub alert: Option<AlertItem>,
    pub feed: Option<FeedItem>,
}

/// The same, as templates see it.
#[derive(Debug, Serialize)]
pub(super) struct ItemBody<'a> {
    kind: &'static str,
    flight: Option<&'a FlightItem>,
    shipment: Option<&'a ShipmentItem>,
    hold: Option<&'a HoldItem>,
    payment: Option<&'a PaymentItem>,
    webhook: Option<&'a WebhookItem>,
    alert: Option<&'a AlertItem>,
    feed: Option<&'a FeedItem>,
}

impl<'a> From<&'a Item> for ItemBody<'a> {
    fn from(item: &'a Item) -> Self {
        Self {
            kind: item.kind.as_str(),
            flight: item.flight.as_ref(),
            shipment: item.shipment.as_ref(),
            hold: item.hold.as_ref(),
            payment: item.payment.as_ref(),
            webhook: item.webhook.as_ref(),
            alert: item.alert.as_ref(),
            feed: item.feed.as_ref(),
        }
    }
}

impl Item {
    pub const fn of(kind: NotificationType) -> Self {
        Self {
            kind,
            wanted: kind,
            flight: None,
            shipment: None,
            hold: None,
            payment: None,
            webhook: None,
            alert: None,
            feed: None,
        }
    }

    /// An example, by which templates are tried when a process starts.
    pub fn sample(kind: NotificationType) -> Self {
        let when = || When::of(None, DateTime::UNIX_EPOCH);
        let empty = Self::of(kind);
        match kind {
            NotificationType::HoldExpiring | NotificationType::WaitlistOffer => {
                let hold = HoldItem {
                    id: Uuid::nil(),
                    origin: "DEL".to_owned(),
                    destination: "LHR".to_owned(),
                    weight: "100 kg".to_owned(),
                    flight_number: Some("AI101".to_owned()),
                    departure: Some(when()),
                    expires: when(),
                };
                Self { hold: Some(hold), ..empty }
            }
            NotificationType::Payment => {
                let amount = || "100.00 EUR".to_owned();
                let (ref_id, event) = (Some("ACB402175336".to_owned()), "captured".to_owned());
                let payment = PaymentItem { ref_id, event, amount: amount(), captured: amount(), refunded: amount() };
                Self { payment: Some(payment), ..empty }
            }
            NotificationType::PriceAlert | NotificationType::SpaceAlert => {
                let alert = AlertItem::sample(kind);
                Self { alert: Some(alert), ..empty }
            }
            NotificationType::FeedFailing => {
                let (name, because) = ("Season".to_owned(), "The file did not come within 120 seconds.".to_owned());
                Self { feed: Some(FeedItem { id: Uuid::nil(), name, failures: 5, because }), ..empty }
            }
            NotificationType::WebhookFailing => {
                let (event, url) = ("failing".to_owned(), "https://example.com/hook".to_owned());
                Self { webhook: Some(WebhookItem { id: Uuid::nil(), event, reason: None, url }), ..empty }
            }
            _ => {
                let flight = FlightItem {
                    id: Uuid::nil(),
                    number: "AI101".to_owned(),
                    origin: "DEL".to_owned(),
                    destination: "LHR".to_owned(),
                    departure: when(),
                    arrival: when(),
                    cutoff: when(),
                };
                let shipment = ShipmentItem {
                    ref_id: "ACB402175336".to_owned(),
                    awb_number: None,
                    origin: "DEL".to_owned(),
                    destination: "LHR".to_owned(),
                    pieces: 2,
                    weight: "100 kg".to_owned(),
                    emissions: Some("511.3 kg".to_owned()),
                    latest_acceptance: Some(when()),
                    status: "BOOKED".to_owned(),
                    needs_rerouting: false,
                    is_cancelled: false,
                };
                Self { flight: Some(flight), shipment: Some(shipment), ..empty }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_at_the_station_with_its_zone_and_in_utc() {
        let instant = "2026-11-27T21:00:00Z".parse().unwrap();
        let reference = Reference::bundled().unwrap();
        let at = When::at(&reference, "DEL".parse().unwrap(), instant);
        assert_eq!(at.local, "Sat 28 Nov 2026 02:30 IST");
        assert_eq!(at.utc, "Fri 27 Nov 2026 21:00 UTC");
        assert_eq!(
            [at.at.as_str(), &at.instant, &at.zone],
            ["2026-11-28T02:30:00+05:30", "2026-11-27T21:00:00+00:00", "IST"]
        );
        assert_eq!(When::at(&reference, "DXB".parse().unwrap(), instant).short, "28 Nov 01:00 +04");
    }
}
