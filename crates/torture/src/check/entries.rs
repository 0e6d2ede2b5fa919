//! Compares the operations on the waitlist with its entries, and the entries with the space that there is.
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::clock::{Clock, SystemClock};
use serde_json::Value;

use super::{
    fetch::{get, list},
    flights::{DIMENSIONS, thousandths},
    lost,
};
use crate::{
    client::Load,
    evidence::{Breach, Promise},
    operation::{
        Actor, Kind, Operation,
        flight::{FLIGHTS, instant},
        hold::WAITLIST,
    },
};

/// The time within which the first who waits is offered space that is free: a sweep every 30 s mends a promise that was lost
/// with a process.
const OFFERED_WITHIN: Duration = Duration::from_secs(40);
/// The same when the run has its result already.
const OFFERED_WITHIN_AFTER_BREACH: Duration = Duration::from_secs(5);
/// No offers are made in the last half hour before a cut-off; with some time to spare.
const LAST_OFFERS: TimeDelta = TimeDelta::minutes(35);
/// An offer whose time is up has lapsed after that.
const LAPSED_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// An entry of the waitlist at the end of the run.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundEntry {
    pub id: String,
    pub status: String,
    pub version: u64,
    pub booking: Option<String>,
    /// The flights that it waits for; empty if any way on a date will do.
    pub flights: Vec<String>,
    /// Its place in the order; of several flights the worst.
    pub place: Option<u64>,
    /// In thousandths, by dimension.
    pub freight: [i64; 3],
    pub offer: Option<Offer>,
}

/// The space that is held for an entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    pub flights: Vec<String>,
    pub freight: [i64; 3],
    /// Whether its time was up when it was read.
    pub is_over: bool,
}

fn flights_of(value: &Value) -> Vec<String> {
    let flights = value["flight_ids"].as_array().into_iter().flatten();
    flights.filter_map(|flight| flight.as_str().map(str::to_owned)).collect()
}

fn freight_of(value: &Value) -> [i64; 3] {
    DIMENSIONS.map(|dimension| thousandths(&value[dimension]))
}

impl FoundEntry {
    fn read(entry: &Value, now: DateTime<Utc>) -> Self {
        let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let offer = Some(&entry["offer"]).filter(|offer| offer.is_object()).map(|offer| Offer {
            flights: flights_of(offer),
            freight: freight_of(offer),
            is_over: instant(&offer["expires_at"]).is_some_and(|end| end + LAPSED_WITHIN < now),
        });
        Self {
            id: text("id"),
            status: text("status"),
            version: entry["version"].as_u64().unwrap_or_default(),
            booking: entry["booking_ref"].as_str().map(str::to_owned),
            flights: flights_of(entry),
            place: entry["place"].as_u64(),
            freight: freight_of(entry),
            offer,
        }
    }

    /// Describes an offer that is missing, is over, or is of other flights or freight than the entry's.
    fn contradiction(&self) -> Option<String> {
        if self.status != "OFFERED" {
            return None;
        }
        let Self { id, flights, freight, .. } = self;
        let Some(offer) = &self.offer else { return Some(format!("the entry {id} is OFFERED, but has no offer")) };
        if offer.is_over {
            return Some(format!("the entry {id} is OFFERED, but the time of its offer is up"));
        }
        let is_whole = (flights.is_empty() || offer.flights == *flights) && offer.freight == *freight;
        (!is_whole).then(|| {
            format!("the entry {id} waits for {flights:?} with {freight:?} thousandths, but its offer is {offer:?}")
        })
    }

    /// Whether it is the next to be offered space on each of its flights.
    fn is_first(&self) -> bool {
        self.status == "WAITING" && self.place == Some(1) && !self.flights.is_empty()
    }
}

/// The entries of both shippers.
pub(super) async fn fetch(load: &Load) -> anyhow::Result<Vec<FoundEntry>> {
    let mut entries = Vec::new();
    for shipper in 0..2 {
        let listed = list(load, Actor::Shipper(shipper), format!("{WAITLIST}?limit=100")).await?;
        entries.extend(listed.iter().map(|entry| FoundEntry::read(entry, SystemClock.now())));
    }
    Ok(entries)
}

/// Each acknowledged entry is there, in the status that was acknowledged last, and none that nobody has made.
pub(super) fn judge(entries: &[FoundEntry], operations: &[Operation]) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = entries.iter().filter_map(FoundEntry::contradiction).map(lost).collect();
    let by_id: HashMap<&str, &FoundEntry> = entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    for operation in operations {
        let (Some(ack), kind) = (&operation.ack, operation.kind) else { continue };
        let id = match kind {
            Kind::Join => ack.reference.as_str(),
            Kind::Leave | Kind::Prioritize | Kind::MoveEntry | Kind::BookOffer | Kind::Decline => {
                operation.entry.as_deref().unwrap_or_default()
            }
            _ => continue,
        };
        let Some(entry) = by_id.get(id) else {
            breaches.push(lost(format!("lost: the entry {id} of the waitlist ({}, call {})", kind.name(), ack.call)));
            continue;
        };
        let is_there = match kind {
            Kind::Leave => entry.status == "CANCELLED",
            Kind::BookOffer => entry.status == "BOOKED" && entry.booking.as_ref() == Some(&ack.reference),
            Kind::Decline => entry.status == "DECLINED",
            _ => ack.version <= entry.version,
        };
        if !is_there {
            let (name, call, status, version) = (kind.name(), ack.call, &entry.status, entry.version);
            let what =
                format!("lost: the {name} of {id}, acknowledged by call {call}; it is {status}, version {version}");
            breaches.push(lost(what));
        }
    }
    let joined = operations.iter().filter(|o| o.kind == Kind::Join && !o.was_refused()).count();
    if entries.len() > joined {
        let there = entries.len();
        let what = format!("the waitlist has {there} entries, but {joined} calls that were not refused joined it");
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    breaches
}

/// Whether a flight gives offers, and has this space that nobody has.
fn has_space(flight: &Value, availability: &Value, freight: [i64; 3], now: DateTime<Utc>) -> bool {
    let gives_offers = flight["status"] == "SCHEDULED"
        && instant(&flight["cutoff_datetime"]).is_some_and(|closes| closes - LAST_OFFERS > now);
    let available = freight_of(&availability["available"]);
    gives_offers && available.iter().zip(freight).all(|(available, wanted)| *available >= wanted)
}

/// Whether an entry is still the next one, and fits on all of its flights.
async fn is_passed_by(load: &Load, entry: &FoundEntry) -> anyhow::Result<bool> {
    for flight in &entry.flights {
        let path = format!("{FLIGHTS}/{flight}");
        let Some(shown) = get(load, Actor::Staff, &path, 0).await? else { return Ok(false) };
        let Some(space) = get(load, Actor::Staff, &format!("{path}/availability"), 0).await? else { return Ok(false) };
        if !has_space(&shown.body, &space.body, entry.freight, SystemClock.now()) {
            return Ok(false);
        }
    }
    let now = get(load, Actor::Staff, &format!("{WAITLIST}/{}", entry.id), 0).await?;
    Ok(now.is_some_and(|now| FoundEntry::read(&now.body, SystemClock.now()).is_first()))
}

/// Returns a breach for each first entry that fits the free space and gets no offer in time.
pub(super) async fn passed_by(load: &Load, entries: &[FoundEntry]) -> anyhow::Result<Vec<Breach>> {
    let has_result = !load.evidence.get().breaches.is_empty();
    let patience = if has_result { OFFERED_WITHIN_AFTER_BREACH } else { OFFERED_WITHIN };
    let began = Instant::now();
    let mut left: Vec<&FoundEntry> = entries.iter().filter(|entry| entry.is_first()).collect();
    loop {
        let mut waiting = Vec::new();
        for entry in left {
            if is_passed_by(load, entry).await? {
                waiting.push(entry);
            }
        }
        if waiting.is_empty() || began.elapsed() > patience {
            let breach = |entry: &FoundEntry| {
                let what = format!(
                    "the entry {} waits first for {:?}, where its freight fits, and was offered nothing for {} s",
                    entry.id,
                    entry.flights,
                    began.elapsed().as_secs()
                );
                Breach { promise: Promise::Offered, what }
            };
            return Ok(waiting.into_iter().map(breach).collect());
        }
        left = waiting;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entry: &Value) -> FoundEntry {
        FoundEntry::read(entry, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn an_offer_is_of_all_flights_of_its_entry_and_in_time() {
        let entry = |status: &str, offer: Value| json!({"id": "e", "status": status, "weight_kg": 40, "flight_ids": ["f", "g"], "offer": offer});
        let offer = |flights: Value, weight: f64, end: &str| json!({"flight_ids": flights, "weight_kg": weight, "expires_at": end});
        let (later, long_ago) = ("1970-01-01T00:00:00Z", "1969-12-31T23:59:49Z");
        let found = |entry: Value| read(&entry).contradiction();
        assert_eq!(found(entry("OFFERED", offer(json!(["f", "g"]), 40.0, later))), None);
        assert_eq!(found(entry("WAITING", Value::Null)), None);
        assert!(found(entry("OFFERED", Value::Null)).is_some_and(|what| what.contains("has no offer")));
        assert!(found(entry("OFFERED", offer(json!(["f"]), 40.0, later))).is_some());
        assert!(found(entry("OFFERED", offer(json!(["f", "g"]), 39.9, later))).is_some());
        let lapsed = found(entry("OFFERED", offer(json!(["f", "g"]), 40.0, long_ago)));
        assert!(lapsed.is_some_and(|what| what.contains("time of its offer is up")));
    }

    #[test]
    fn the_first_who_waits_fits_only_where_offers_are_made_and_space_is_free() {
        let flight = |status: &str, closes: &str| json!({"status": status, "cutoff_datetime": closes});
        let space = |weight: f64| json!({"available": {"weight_kg": weight, "volume_m3": 1, "positions": 0}});
        let (open, closing) = ("1970-01-01T01:00:00Z", "1970-01-01T00:30:00Z");
        let fits = |flight, space| has_space(&flight, &space, [40_000, 240, 0], DateTime::UNIX_EPOCH);
        assert!(fits(flight("SCHEDULED", open), space(40.0)));
        assert!(!fits(flight("SCHEDULED", open), space(39.9)));
        assert!(!fits(flight("SCHEDULED", closing), space(40.0)));
        assert!(!fits(flight("CANCELLED", open), space(40.0)));
        assert!(read(&json!({"status": "WAITING", "place": 1, "flight_ids": ["f"]})).is_first());
        assert!(!read(&json!({"status": "WAITING", "place": 2, "flight_ids": ["f"]})).is_first());
        assert!(!read(&json!({"status": "WAITING", "place": 1, "flight_ids": []})).is_first());
    }
}
