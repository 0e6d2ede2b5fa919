//! Which rows of a letter are still true, and what they say.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, Money, Weight};
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_shipment::{FirstFlight, GENERAL};
use uuid::Uuid;

use super::{
    News,
    item::{AlertItem, FeedItem, FlightItem, HoldItem, Item, PaymentItem, ShipmentItem, WebhookItem, When},
    receiver::LetterReceiver,
};

use crate::{
    model::NotificationType,
    post::{Letter, NotificationRow},
    repository::facts::{self, AlertFacts, FeedFacts, HoldFacts, PaymentFacts, ShipmentFacts, WebhookFacts},
};

/// What was read for the rows of a letter.
#[derive(Default)]
struct LetterFacts {
    /// By the place of the row.
    shipments: HashMap<usize, ShipmentFacts>,
    holds: HashMap<Uuid, HoldFacts>,
    offers: HashMap<Uuid, HoldFacts>,
    payments: HashMap<Uuid, PaymentFacts>,
    webhooks: HashMap<Uuid, WebhookFacts>,
    alerts: HashMap<Uuid, AlertFacts>,
    feeds: HashMap<Uuid, FeedFacts>,
}

impl News {
    /// Returns the items of a letter, each once; or why it has none.
    pub(super) async fn items(
        &self,
        snapshot: &mut PgSession,
        letter: &Letter,
        receiver: &LetterReceiver,
    ) -> Result<Result<Vec<Item>, &'static str>, DbError> {
        let found = LetterFacts::read(snapshot, &letter.rows).await?;
        let (mut items, mut reason) = (Vec::<Item>::new(), "not_true");
        let mut seen = std::collections::HashSet::new();
        for (place, row) in letter.rows.iter().enumerate() {
            let Some(kind) = NotificationType::of(&row.kind) else { continue };
            let item = match receiver.refuses(row, kind.wanted_as(&row.data)) {
                Some(refusal) => Err(refusal),
                None => self.item(kind, row, place, &found),
            };
            match item {
                Ok(item) => {
                    // A flight that was changed twice concerns a shipment once.
                    if seen.insert((kind, row.booking_id, row.subject_id)) {
                        items.push(item);
                    }
                }
                Err(refusal) => reason = refusal,
            }
        }
        Ok(if items.is_empty() { Err(reason) } else { Ok(items) })
    }

    fn item(
        &self,
        kind: NotificationType,
        row: &NotificationRow,
        place: usize,
        found: &LetterFacts,
    ) -> Result<Item, &'static str> {
        let subject = row.subject_id.unwrap_or_default();
        match kind {
            NotificationType::HoldExpiring => {
                let hold = found.holds.get(&subject).ok_or("erased")?;
                if hold.expires_at != row.expires_at {
                    return Err("extended");
                }
                Ok(Item { hold: Some(self.hold(hold)?), ..Item::of(kind) })
            }
            NotificationType::WaitlistOffer => {
                let offer = found.offers.get(&subject).ok_or("erased")?;
                Ok(Item { hold: Some(self.hold(offer)?), ..Item::of(kind) })
            }
            NotificationType::Payment => {
                let payment = found.payments.get(&subject).ok_or("erased")?;
                let event = row.data["event"].as_str().unwrap_or_default();
                Ok(Item { payment: Some(payment_of(payment, event)?), ..Item::of(kind) })
            }
            NotificationType::WebhookFailing => {
                let webhook = found.webhooks.get(&subject).ok_or("erased")?;
                let event = row.data["event"].as_str().unwrap_or_default();
                Ok(Item { webhook: Some(webhook_of(webhook, event)?), ..Item::of(kind) })
            }
            NotificationType::FeedFailing => {
                let feed = found.feeds.get(&subject).ok_or("erased")?;
                Ok(Item { feed: Some(feed_of(feed)?), ..Item::of(kind) })
            }
            NotificationType::PriceAlert | NotificationType::SpaceAlert => {
                let alert = found.alerts.get(&subject).ok_or("erased")?;
                Ok(Item { alert: Some(alert_of(alert)?), ..Item::of(kind) })
            }
            _ => {
                let facts = found.shipments.get(&place).ok_or("erased")?;
                check(kind, row, facts, self.clock.now())?;
                let wanted = kind.wanted_as(&row.data);
                Ok(Item { flight: self.flight(facts), shipment: Some(self.shipment(facts)), wanted, ..Item::of(kind) })
            }
        }
    }

    fn hold(&self, facts: &HoldFacts) -> Result<HoldItem, &'static str> {
        if !facts.is_open || facts.expires_at <= self.clock.now() {
            return Err("ended");
        }
        Ok(HoldItem {
            id: facts.subject_id,
            origin: facts.origin.to_string(),
            destination: facts.destination.to_string(),
            weight: Weight::from_hectograms(facts.weight_hg).to_string(),
            flight_number: facts.flight_number.clone(),
            departure: facts.departure_at.map(|at| When::at(&self.surroundings.reference, facts.origin, at)),
            expires: When::at(&self.surroundings.reference, facts.origin, facts.expires_at),
        })
    }

    pub(super) fn shipment(&self, facts: &ShipmentFacts) -> ShipmentItem {
        let weight = Weight::from_hectograms(facts.weight_hg);
        let flights = facts.carriages.iter().flat_map(|carriages| carriages.iter().copied());
        let emissions = self.surroundings.reference.emissions(weight, flights);
        ShipmentItem {
            ref_id: facts.ref_id.clone(),
            awb_number: facts.awb_number.clone(),
            origin: facts.origin.to_string(),
            destination: facts.destination.to_string(),
            pieces: facts.pieces,
            weight: weight.to_string(),
            emissions: emissions.map(|all| Weight::from_hectograms(all.co2e_kg.hectograms()).to_string()),
            latest_acceptance: self.latest_acceptance(facts),
            status: facts.status.clone(),
            needs_rerouting: facts.needs_rerouting,
            is_cancelled: facts.status == "CANCELLED",
        }
    }

    /// Returns by when the station takes a shipment that waits there for its first flight, if it says so.
    fn latest_acceptance(&self, facts: &ShipmentFacts) -> Option<When> {
        let origin = facts.flight_origin.filter(|origin| *origin == facts.origin)?;
        let waits = facts.status == "BOOKED" && facts.leg_status.as_deref() == Some("BOOKED");
        if !waits || facts.is_flight_cancelled {
            return None;
        }
        let first = FirstFlight { origin, departure: facts.departure_at?, cutoff: facts.cutoff_at? };
        let product = facts.product.as_deref().unwrap_or(GENERAL);
        let latest = self.surroundings.latest_acceptance(first, product, &facts.special_handling_codes)?;
        Some(When::at(&self.surroundings.reference, origin, latest))
    }

    pub(super) fn flight(&self, facts: &ShipmentFacts) -> Option<FlightItem> {
        let (origin, destination) = (facts.flight_origin?, facts.flight_destination?);
        let departure = facts.actual_departure_at.or(facts.departure_at)?;
        let arrival = facts.actual_arrival_at.or(facts.arrival_at)?;
        Some(FlightItem {
            id: facts.flight_id?,
            number: facts.flight_number.clone()?,
            origin: origin.to_string(),
            destination: destination.to_string(),
            departure: When::at(&self.surroundings.reference, origin, departure),
            arrival: When::at(&self.surroundings.reference, destination, arrival),
            cutoff: When::at(&self.surroundings.reference, origin, facts.cutoff_at?),
        })
    }
}

impl LetterFacts {
    async fn read(snapshot: &mut PgSession, rows: &[NotificationRow]) -> Result<Self, DbError> {
        let about = |kind: NotificationType| -> Vec<Uuid> {
            rows.iter().filter(|row| row.kind == kind.as_str()).filter_map(|row| row.subject_id).collect()
        };
        let mut found = Self::default();
        let is_shipment =
            |row: &NotificationRow| row.booking_id.is_some() && row.kind != NotificationType::Payment.as_str();
        let shipped: Vec<(usize, &NotificationRow)> =
            rows.iter().enumerate().filter(|(_, row)| is_shipment(row)).collect();
        if !shipped.is_empty() {
            let bookings: Vec<Uuid> =
                shipped.iter().filter_map(|(_, row)| row.booking_id).map(BookingId::uuid).collect();
            // A reminder is about the next flight, whichever it is now.
            let flight = |row: &NotificationRow| {
                row.subject_id.filter(|_| row.kind != NotificationType::CutoffReminder.as_str())
            };
            let flights: Vec<Option<Uuid>> = shipped.iter().map(|(_, row)| flight(row)).collect();
            for facts in facts::shipments(snapshot, &bookings, &flights).await? {
                let place = usize::try_from(facts.n - 1).ok().and_then(|n| shipped.get(n));
                if let Some((place, _)) = place {
                    found.shipments.insert(*place, facts);
                }
            }
        }
        let by_subject = |all: Vec<HoldFacts>| all.into_iter().map(|facts| (facts.subject_id, facts)).collect();
        let holds = about(NotificationType::HoldExpiring);
        if !holds.is_empty() {
            found.holds = by_subject(facts::holds(snapshot, &holds).await?);
        }
        let offers = about(NotificationType::WaitlistOffer);
        if !offers.is_empty() {
            found.offers = by_subject(facts::offers(snapshot, &offers).await?);
        }
        let payments = about(NotificationType::Payment);
        if !payments.is_empty() {
            let all = facts::payments(snapshot, &payments).await?;
            found.payments = all.into_iter().map(|facts| (facts.id, facts)).collect();
        }
        let webhooks = about(NotificationType::WebhookFailing);
        if !webhooks.is_empty() {
            let all = facts::webhooks(snapshot, &webhooks).await?;
            found.webhooks = all.into_iter().map(|facts| (facts.id, facts)).collect();
        }
        let mut alerts = about(NotificationType::PriceAlert);
        alerts.extend(about(NotificationType::SpaceAlert));
        found.read_alerts(snapshot, &alerts).await?;
        let feeds = about(NotificationType::FeedFailing);
        if !feeds.is_empty() {
            let all = facts::feeds(snapshot, &feeds).await?;
            found.feeds = all.into_iter().map(|facts| (facts.id, facts)).collect();
        }
        Ok(found)
    }

    async fn read_alerts(&mut self, snapshot: &mut PgSession, ids: &[Uuid]) -> Result<(), DbError> {
        if !ids.is_empty() {
            let all = facts::alerts(snapshot, ids).await?;
            self.alerts = all.into_iter().map(|facts| (facts.id, facts)).collect();
        }
        Ok(())
    }
}

/// A webhook that has recovered is not reported as failing, nor one that a user has disabled.
fn webhook_of(facts: &WebhookFacts, event: &str) -> Result<WebhookItem, &'static str> {
    let reason = facts.disabled_reason.clone();
    if !facts.status.eq_ignore_ascii_case(event) || reason.as_deref() == Some("manual") {
        return Err("not_true");
    }
    Ok(WebhookItem { id: facts.id, event: event.to_owned(), reason, url: facts.url.clone() })
}

/// A feed that runs again is not reported.
fn feed_of(facts: &FeedFacts) -> Result<FeedItem, &'static str> {
    if !facts.is_failing {
        return Err("not_true");
    }
    let because = facts.because.clone().unwrap_or_default();
    Ok(FeedItem { id: facts.id, name: facts.name.clone(), failures: facts.failures, because })
}

/// An alert that is not true any more is not reported, nor one that is not active.
fn alert_of(facts: &AlertFacts) -> Result<AlertItem, &'static str> {
    let Some(date) = facts.found_date.filter(|_| facts.is_true) else { return Err("not_true") };
    let price = match facts.found_amount.zip(facts.found_currency.as_deref()) {
        Some((amount, currency)) => {
            Some(Money::new(amount, currency.parse().map_err(|_| "unknown_currency")?).to_string())
        }
        None => None,
    };
    let (weight, volume) = (Weight::from_hectograms(facts.weight_hg), facts.volume_l);
    let volume = volume.map(|litres| format!("&volume={}.{:03}", litres / 1000, litres % 1000)).unwrap_or_default();
    let handling = match facts.special_handling_codes.join("%20") {
        codes if codes.is_empty() => codes,
        codes => format!("&handling={codes}"),
    };
    let (origin, destination) = (facts.origin.to_string(), facts.destination.to_string());
    let kilograms = format!("{}.{}", facts.weight_hg / 10, facts.weight_hg % 10);
    let path = format!("/?origin={origin}&destination={destination}&date={date}&weight={kilograms}{volume}{handling}");
    Ok(AlertItem { id: facts.id, origin, destination, weight: weight.to_string(), date: date.to_string(), price, path })
}

/// Whether what a row says of a shipment is still true.
fn check(
    kind: NotificationType,
    row: &NotificationRow,
    facts: &ShipmentFacts,
    now: DateTime<Utc>,
) -> Result<(), &'static str> {
    let is_booking_cancelled = facts.status == "CANCELLED";
    let is_of_flight = row.subject_id.is_some();
    match kind {
        NotificationType::Cancelled if is_of_flight => {
            if is_booking_cancelled || !facts.is_flight_cancelled {
                Err("not_true")
            } else {
                Ok(())
            }
        }
        NotificationType::Cancelled => {
            if is_booking_cancelled {
                Ok(())
            } else {
                Err("not_true")
            }
        }
        _ if is_booking_cancelled => Err("booking_cancelled"),
        // A step may have been taken back, and taken rightly after that.
        NotificationType::Departed if matches!(facts.leg_status.as_deref(), Some("BOOKED")) => Err("not_true"),
        NotificationType::Arrived if matches!(facts.leg_status.as_deref(), Some("BOOKED" | "DEPARTED")) => {
            Err("not_true")
        }
        NotificationType::Delivered if facts.status != "DELIVERED" => Err("not_true"),
        NotificationType::Corrected => {
            let is_taken = row.data["step"].as_str().is_some_and(|step| step.eq_ignore_ascii_case(&facts.status));
            if is_taken { Err("not_true") } else { Ok(()) }
        }
        NotificationType::Retimed => {
            let is_on = matches!(facts.leg_status.as_deref(), Some("BOOKED" | "DEPARTED"));
            if is_on && !facts.is_flight_cancelled { Ok(()) } else { Err("not_true") }
        }
        NotificationType::CutoffReminder => {
            let is_to_come =
                facts.leg_status.as_deref() == Some("BOOKED") && facts.cutoff_at.is_some_and(|at| at > now);
            if facts.status == "BOOKED" && is_to_come && !facts.needs_rerouting { Ok(()) } else { Err("not_true") }
        }
        _ => Ok(()),
    }
}

fn payment_of(facts: &PaymentFacts, event: &str) -> Result<PaymentItem, &'static str> {
    let is_decided = event == "requires_action" && facts.status != "REQUIRES_ACTION";
    let currency = facts.currency.parse().map_err(|_| "unknown_currency")?;
    if is_decided {
        return Err("not_true");
    }
    let money = |minor| Money::new(minor, currency).to_string();
    Ok(PaymentItem {
        ref_id: facts.booking_ref.clone(),
        event: event.to_owned(),
        amount: money(facts.amount),
        captured: money(facts.captured),
        refunded: money(facts.refunded),
    })
}
