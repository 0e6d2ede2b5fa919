//! The flights that clients compete for. Four small ones at a time, two from Delhi to Bombay and two on to London, so
//! that each of the first two connects with each of the others, and one onward for those who wait for three flights; and a
//! large one that always has space.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::clock::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    callers::{Callers, GIVE_UP_AFTER, NO_CLIENT},
    operation::flight::Row,
    random::{Random, choose},
    wire::{Delivery, Outcome, Request, Wire},
};

const ROUTE: [&str; 3] = ["DEL", "BOM", "LHR"];
/// The destination of the onward flights, and the hours after the first flights at which they leave.
const ONWARD: (&str, i64) = ("AMS", 19);
/// The local time of Delhi and Bombay, ahead of UTC.
pub(super) const LOCAL: TimeDelta = TimeDelta::minutes(330);
pub(super) const DURATION: TimeDelta = TimeDelta::hours(4);
/// Days from the first flights to the imported ones, which nobody books.
const IMPORTED_FROM_DAY: i64 = 310;
/// The number of flight numbers with four digits.
const NUMBERS: u64 = 9000;

#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub id: String,
    pub number: String,
    pub origin: String,
    pub destination: String,
    /// The original departure.
    pub leaves: DateTime<Utc>,
    pub weight_kg: u64,
    pub version: u64,
}

impl Flight {
    fn read(flight: &Value, leaves: DateTime<Utc>, weight_kg: u64) -> anyhow::Result<Self> {
        let text = |member: &str| flight[member].as_str().unwrap_or_default().to_owned();
        let id = text("id");
        anyhow::ensure!(!id.is_empty(), "a created flight has no id");
        let (number, origin, destination) = (text("flight_number"), text("origin"), text("destination"));
        let version = flight["version"].as_u64().unwrap_or_default();
        Ok(Self { id, number, origin, destination, leaves, weight_kg, version })
    }

    /// The row of a timetable that gives the flight these times and this capacity.
    pub fn row(&self, leaves: DateTime<Utc>, weight_kg: u64) -> Row {
        let Self { id, number, origin, destination, .. } = self.clone();
        Row { number, origin, destination, leaves, lands: leaves + DURATION, weight_kg, flight: Some(id) }
    }
}

/// Flights from Delhi to Bombay, from Bombay to London, and from there onward.
#[derive(Default)]
pub(super) struct Season {
    pub sectors: [Vec<Flight>; 2],
    pub onward: Vec<Flight>,
}

impl Season {
    /// The flights that these numbers select, on the first sector, the second, or both.
    pub fn itinerary(&self, route: u64, flights: [u64; 2]) -> Vec<&Flight> {
        let [first, second] = &self.sectors;
        let (first, second) = (choose(first, flights[0]), choose(second, flights[1]));
        match route {
            0 => first.into_iter().collect(),
            1 => second.into_iter().collect(),
            _ => first.into_iter().chain(second).collect(),
        }
    }

    /// The flights that these numbers select on both sectors, and the flight onward.
    pub fn long_way(&self, flights: [u64; 2]) -> Vec<&Flight> {
        self.itinerary(2, flights).into_iter().chain(choose(&self.onward, flights[0])).collect()
    }
}

/// Creates flights as they are needed, and keeps them.
pub(super) struct Schedule {
    seasons: Mutex<Vec<Arc<Season>>>,
    random: Mutex<Random>,
    begin: DateTime<Utc>,
    all: std::sync::Mutex<Vec<Flight>>,
    /// Unique to this run, like its name.
    salt: u64,
    imported: AtomicU64,
}

impl Schedule {
    pub fn new(seed: u64, salt: u64) -> Self {
        let whole = DateTime::from_timestamp(SystemClock.now().timestamp(), 0).unwrap_or_default();
        Self {
            seasons: Mutex::default(),
            random: Mutex::new(Random::of(seed, u64::MAX - 2)),
            begin: whole + TimeDelta::hours(26),
            all: std::sync::Mutex::default(),
            salt,
            imported: AtomicU64::new(0),
        }
    }

    /// The row of a timetable for a new flight.
    pub fn new_row(&self) -> Row {
        let count = self.imported.fetch_add(1, Ordering::Relaxed);
        let day = IMPORTED_FROM_DAY + i64::try_from(count / NUMBERS).unwrap_or_default() % 300;
        // At noon in London it is the same day there as in UTC.
        let leaves = self.begin.date_naive().and_hms_opt(12, 0, 0).unwrap_or_default().and_utc() + TimeDelta::days(day);
        let number = format!("AI{}", 1000 + count % NUMBERS);
        let (origin, destination) = ("LHR".to_owned(), "DEL".to_owned());
        let weight_kg = 10_000 + self.salt.wrapping_add(count.wrapping_mul(7919)) % 80_000;
        Row { number, origin, destination, leaves, lands: leaves + DURATION, weight_kg, flight: None }
    }

    /// All flights that were created one by one.
    pub fn all(&self) -> Vec<Flight> {
        self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The flights of a season. The first caller creates them; the others wait.
    pub async fn season(&self, number: usize, wire: &Wire, callers: &Callers) -> anyhow::Result<Arc<Season>> {
        let mut seasons = self.seasons.lock().await;
        while seasons.len() <= number {
            let day = TimeDelta::days(i64::try_from(seasons.len()).unwrap_or_default() % 300);
            let mut sectors = [Vec::new(), Vec::new()];
            for (sector, flights) in sectors.iter_mut().enumerate() {
                let leaves = self.begin + day + TimeDelta::hours(if sector == 0 { 0 } else { 12 });
                for weight_kg in [1200, 1800] {
                    flights.push(self.add(wire, callers, [ROUTE[sector], ROUTE[sector + 1]], leaves, weight_kg).await?);
                }
            }
            let (destination, hours) = ONWARD;
            let leaves = self.begin + day + TimeDelta::hours(hours);
            let onward = vec![self.add(wire, callers, [ROUTE[2], destination], leaves, 900).await?];
            seasons.push(Arc::new(Season { sectors, onward }));
        }
        seasons.get(number).cloned().ok_or_else(|| anyhow::anyhow!("no season {number}"))
    }

    /// Creates a flight that will never be full.
    pub async fn roomy(&self, wire: &Wire, callers: &Callers) -> anyhow::Result<Flight> {
        self.add(wire, callers, ["BOM", "DEL"], self.begin, 9_000_000).await
    }

    async fn add(
        &self,
        wire: &Wire,
        callers: &Callers,
        ends: [&str; 2],
        leaves: DateTime<Utc>,
        weight_kg: u64,
    ) -> anyhow::Result<Flight> {
        let flight = self.create(wire, callers, ends, leaves, weight_kg).await?;
        self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(flight.clone());
        Ok(flight)
    }

    /// Creates a flight that is not among `Self::all`.
    pub async fn create(
        &self,
        wire: &Wire,
        callers: &Callers,
        [origin, destination]: [&str; 2],
        leaves: DateTime<Utc>,
        weight_kg: u64,
    ) -> anyhow::Result<Flight> {
        let began = Instant::now();
        loop {
            let (number, instance) = {
                let mut random = self.random.lock().await;
                (1000 + random.below(NUMBERS), usize::try_from(random.below(64)).unwrap_or_default())
            };
            let body = json!({
                "flight_number": format!("AI{number}"), "origin": origin, "destination": destination,
                "departure_datetime": leaves, "arrival_datetime": leaves + DURATION,
                "capacity": {"weight_kg": weight_kg, "positions": (weight_kg / 150).min(9999)},
            });
            let path = "/api/v1/flights".to_owned();
            let request = Request { method: Method::POST, path, body: Some(body), ..Request::default() };
            let delivery = Delivery { client: NO_CLIENT, instance, hang_up: None };
            let reply = wire.send(delivery, &callers.staff, &request).await;
            match reply.outcome {
                Outcome::Ok(answer) => return Flight::read(&answer.body, leaves, weight_kg),
                // The number is taken: try another. A flight whose creation was not answered stays empty.
                Outcome::Refused(refusal) if refusal.code == "already_exists" => {}
                Outcome::Refused(refusal) if refusal.is_passing() => callers.note_refusal(&refusal, reply.instance),
                Outcome::Refused(refusal) => anyhow::bail!("a flight cannot be created: {refusal}"),
                Outcome::Unknown(error) if began.elapsed() > GIVE_UP_AFTER => {
                    anyhow::bail!("a flight cannot be created: {error}")
                }
                Outcome::Unknown(_) => {}
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}
