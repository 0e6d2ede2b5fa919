//! The flights that are fought over. Four small ones at a time, two from Delhi to Bombay and two on to London, so that
//! every one of the first two connects with every one of the others; and a big one that always has room.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    crew::{Crew, NOBODY, PATIENCE},
    deed::flight::Row,
    dice::{Dice, at},
    wire::{Request, Said, Way, Wire},
};
use loadmaster::platform::clock::{Clock, SystemClock};

const ROOM: [&str; 3] = ["DEL", "BOM", "LHR"];
pub(super) const DURATION: TimeDelta = TimeDelta::hours(4);
/// Days from the first flights to those that tables make: nobody books them.
const IMPORTED_FROM_DAY: i64 = 310;
/// Numbers of four digits that do not begin with 0.
const NUMBERS: u64 = 9000;

#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub id: String,
    pub number: String,
    pub origin: String,
    pub destination: String,
    /// As it was made.
    pub leaves: DateTime<Utc>,
    pub weight_kg: u64,
    pub version: u64,
}

impl Flight {
    /// The row of a table that gives it these times and this capacity.
    pub fn row(&self, leaves: DateTime<Utc>, weight_kg: u64) -> Row {
        let Self { id, number, origin, destination, .. } = self.clone();
        Row { number, origin, destination, leaves, lands: leaves + DURATION, weight_kg, flight: Some(id) }
    }
}

/// Flights from Delhi to Bombay, and from Bombay to London.
pub(super) struct Season {
    pub sectors: [Vec<Flight>; 2],
}

impl Season {
    /// The flights that these numbers mean, on the first sector, the second, or both.
    pub fn way(&self, route: u64, flights: [u64; 2]) -> Vec<&Flight> {
        let [first, second] = &self.sectors;
        let (first, second) = (at(first, flights[0]), at(second, flights[1]));
        match route {
            0 => first.into_iter().collect(),
            1 => second.into_iter().collect(),
            _ => first.into_iter().chain(second).collect(),
        }
    }
}

/// Makes flights as they are needed, and remembers them.
pub(super) struct Schedule {
    seasons: Mutex<Vec<Arc<Season>>>,
    dice: Mutex<Dice>,
    begin: DateTime<Utc>,
    all: std::sync::Mutex<Vec<Flight>>,
    /// Of this run alone, as its name.
    salt: u64,
    imported: AtomicU64,
}

impl Schedule {
    pub fn new(seed: u64, salt: u64) -> Self {
        let whole = DateTime::from_timestamp(SystemClock.now().timestamp(), 0).unwrap_or_default();
        Self {
            seasons: Mutex::default(),
            dice: Mutex::new(Dice::of(seed, u64::MAX - 2)),
            begin: whole + TimeDelta::hours(26),
            all: std::sync::Mutex::default(),
            salt,
            imported: AtomicU64::new(0),
        }
    }

    /// The row of a table that makes a flight of its own.
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

    /// All flights that were made one by one.
    pub fn all(&self) -> Vec<Flight> {
        self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whoever comes first makes it; the others wait.
    pub async fn season(&self, number: usize, wire: &Wire, crew: &Crew) -> anyhow::Result<Arc<Season>> {
        let mut seasons = self.seasons.lock().await;
        while seasons.len() <= number {
            let day = TimeDelta::days(i64::try_from(seasons.len()).unwrap_or_default() % 300);
            let mut sectors = [Vec::new(), Vec::new()];
            for (sector, flights) in sectors.iter_mut().enumerate() {
                let leaves = self.begin + day + TimeDelta::hours(if sector == 0 { 0 } else { 12 });
                for weight_kg in [1200, 1800] {
                    flights.push(self.add(wire, crew, (ROOM[sector], ROOM[sector + 1]), leaves, weight_kg).await?);
                }
            }
            seasons.push(Arc::new(Season { sectors }));
        }
        seasons.get(number).cloned().ok_or_else(|| anyhow::anyhow!("no season {number}"))
    }

    /// One that will never be full.
    pub async fn roomy(&self, wire: &Wire, crew: &Crew) -> anyhow::Result<Flight> {
        self.add(wire, crew, ("BOM", "DEL"), self.begin, 9_000_000).await
    }

    async fn add(
        &self,
        wire: &Wire,
        crew: &Crew,
        (origin, destination): (&str, &str),
        leaves: DateTime<Utc>,
        weight_kg: u64,
    ) -> anyhow::Result<Flight> {
        let began = Instant::now();
        loop {
            let (number, instance) = {
                let mut dice = self.dice.lock().await;
                (1000 + dice.below(NUMBERS), usize::try_from(dice.below(64)).unwrap_or_default())
            };
            let body = json!({
                "flight_number": format!("AI{number}"), "origin": origin, "destination": destination,
                "departure_datetime": leaves, "arrival_datetime": leaves + DURATION,
                "capacity": {"weight_kg": weight_kg, "positions": (weight_kg / 150).min(9999)},
            });
            let path = "/api/v1/flights".to_owned();
            let request = Request { method: Method::POST, path, body: Some(body), ..Request::default() };
            let way = Way { client: NOBODY, instance, hang_up: None };
            let reply = wire.send(way, &crew.staff, &request).await;
            match reply.said {
                Said::Ok(answer) => return self.added(&answer.body, leaves, weight_kg),
                // Somebody's number: another one. One that was made without our knowing stays empty.
                Said::Refused(refusal) if refusal.code == "already_exists" => {}
                Said::Refused(refusal) if refusal.is_passing() => crew.heed(&refusal, reply.instance),
                Said::Refused(refusal) => anyhow::bail!("a flight cannot be made: {refusal}"),
                Said::Unknown(error) if began.elapsed() > PATIENCE => anyhow::bail!("a flight cannot be made: {error}"),
                Said::Unknown(_) => {}
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn added(&self, flight: &Value, leaves: DateTime<Utc>, weight_kg: u64) -> anyhow::Result<Flight> {
        let text = |member: &str| flight[member].as_str().unwrap_or_default().to_owned();
        let flight = Flight {
            id: text("id"),
            number: text("flight_number"),
            origin: text("origin"),
            destination: text("destination"),
            leaves,
            weight_kg,
            version: flight["version"].as_u64().unwrap_or_default(),
        };
        anyhow::ensure!(!flight.id.is_empty(), "a flight was made without an id");
        self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(flight.clone());
        Ok(flight)
    }
}
