//! The flights that the demo's shipments are on, and the shipments. Everything is chosen by a fixed seed.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{actor::Actor, people::SHIPPERS};

/// The stations between which the shipments travel.
const STATIONS: [&str; 8] = ["DEL", "LHR", "FRA", "DXB", "SIN", "JFK", "HKG", "IST"];
const HUB: &str = "DXB";
/// The most flights, and shipments with a connection.
const MOST_FLIGHTS: usize = 48;
const MOST_CONNECTIONS: usize = 40;
/// The length of a page.
const PAGE: usize = 100;
/// The shortest and longest time between two flights of a shipment.
const CONNECTION: (TimeDelta, TimeDelta) = (TimeDelta::hours(4), TimeDelta::hours(20));

/// What is shipped, with the weight of a piece in kilograms and how it is handled.
const GOODS: [(&str, u64, &[&str]); 8] = [
    ("Tea in chests", 25, &[]),
    ("Machine tools", 180, &["HEA"]),
    ("Vaccines, 2 to 8 °C", 12, &["PIL", "COL"]),
    ("Garments on hangers", 18, &[]),
    ("Landing gear parts", 95, &[]),
    ("Cut flowers", 14, &["PER", "COL"]),
    ("Consumer electronics", 22, &["VAL"]),
    ("Books", 20, &[]),
];

/// A flight as the API shows it.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub id: String,
    pub origin: String,
    pub destination: String,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub cutoff: DateTime<Utc>,
    pub weight_kg: f64,
    pub available_kg: f64,
}

impl Flight {
    fn of(value: &Value) -> Option<Self> {
        let instant = |member: &str| value[member].as_str()?.parse().ok();
        let text = |member: &str| value[member].as_str().map(ToOwned::to_owned);
        Some(Self {
            id: text("id")?,
            origin: text("origin")?,
            destination: text("destination")?,
            departure: instant("departure_datetime")?,
            arrival: instant("arrival_datetime")?,
            cutoff: instant("cutoff_datetime")?,
            weight_kg: value["capacity"]["weight_kg"].as_f64()?,
            available_kg: value["available"]["weight_kg"].as_f64()?,
        })
    }
}

/// A shipment to book.
#[derive(Debug, Clone)]
pub(super) struct Shipment {
    /// Index of the shipper among the companies.
    pub shipper: usize,
    pub at: DateTime<Utc>,
    pub route: Vec<Flight>,
    pub order: Value,
    pub is_cancelled: bool,
}

/// Reads the flights with this status that depart before an instant, by departure.
pub(super) async fn flights(agent: &Actor, status: &str, until: DateTime<Utc>) -> anyhow::Result<Vec<Flight>> {
    let mut found = Vec::new();
    loop {
        let path = format!("/api/v1/flights?status={status}&limit={PAGE}&offset={}", found.len());
        let page = agent.get(&path).await?;
        let page: Vec<Flight> = page.as_array().into_iter().flatten().filter_map(Flight::of).collect();
        let is_last = page.len() < PAGE || page.last().is_some_and(|last| last.departure >= until);
        found.extend(page);
        if is_last {
            found.retain(|flight| flight.departure < until);
            return Ok(found);
        }
    }
}

/// Chooses shipments on these flights, to be booked between two instants.
pub(super) fn shipments(flights: &[Flight], from: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Shipment> {
    let is_on_stage = |code: &str| STATIONS.contains(&code);
    let mut staged: Vec<&Flight> =
        flights.iter().filter(|flight| is_on_stage(&flight.origin) && is_on_stage(&flight.destination)).collect();
    // Spread over the days, whatever their number.
    let step = (staged.len() / MOST_FLIGHTS).max(1);
    staged = staged.into_iter().step_by(step).collect();
    let mut chance = Chance(17);
    let mut shipments = Vec::new();
    for flight in &staged {
        let fill = chance.between(25, 90);
        let parts = chance.between(3, 8);
        for _ in 0..parts {
            let weight = flight.weight_kg * to_f64(fill) / 100.0 / to_f64(parts);
            shipments.extend(shipment(&mut chance, vec![(*flight).clone()], weight, (from, now)));
        }
    }
    let inbound = flights.iter().filter(|flight| flight.destination == HUB && is_on_stage(&flight.origin));
    for first in inbound.take(MOST_CONNECTIONS) {
        let connects = |next: &&Flight| {
            let pause = next.departure - first.arrival;
            next.origin == HUB
                && is_on_stage(&next.destination)
                && next.destination != first.origin
                && pause >= CONNECTION.0
                && pause <= CONNECTION.1
        };
        let onward: Vec<&Flight> = flights.iter().filter(connects).collect();
        if let Some(next) = onward.get(chance.below(onward.len())) {
            let weight = to_f64(chance.between(120, 2_400));
            shipments.extend(shipment(&mut chance, vec![first.clone(), (*next).clone()], weight, (from, now)));
        }
    }
    shipments.sort_by_key(|shipment| shipment.at);
    shipments
}

fn shipment(
    chance: &mut Chance,
    route: Vec<Flight>,
    weight: f64,
    (from, now): (DateTime<Utc>, DateTime<Utc>),
) -> Option<Shipment> {
    let (first, last) = (route.first()?, route.last()?);
    let ahead = TimeDelta::minutes(i64::try_from(chance.between(180, 2_400)).ok()?);
    let latest = (first.cutoff - TimeDelta::minutes(5)).min(now);
    if latest <= from {
        return None;
    }
    let at = (first.departure - ahead).clamp(from, latest);
    let (goods, piece, handling) = GOODS[chance.below(GOODS.len())];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred pieces")]
    let pieces = ((weight / to_f64(piece)).ceil() as u64).clamp(1, 900);
    let (shipper, consignee) = (chance.below(SHIPPERS.len()), chance.below(SHIPPERS.len()));
    let party = |name: &str, place: &str| json!({"name": name, "city": place});
    let order = json!({
        "origin": first.origin, "destination": last.destination, "pieces": pieces, "weight_kg": pieces * piece,
        "description": goods, "special_handling_codes": handling,
        "flight_ids": route.iter().map(|flight| flight.id.as_str()).collect::<Vec<_>>(),
        "shipper": party(SHIPPERS[shipper].name, &first.origin),
        "consignee": party(&format!("{} receiving", SHIPPERS[consignee].name), &last.destination),
        "customer_reference": format!("PO-{}", chance.between(10_000, 99_999)),
    });
    let is_cancelled = chance.below(14) == 0;
    Some(Shipment { shipper, at, route, order, is_cancelled })
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
const fn to_f64(number: u64) -> f64 {
    number as f64
}

/// A sequence of numbers, the same each time (`SplitMix64`).
pub(super) struct Chance(pub u64);

impl Chance {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }
}
