//! The flights that are fought over. Four small ones at a time, two from Delhi to Bombay and two on to London, so that
//! every one of the first two connects with every one of the others; and a big one that always has room.
use std::{sync::Arc, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    crew::{Crew, NOBODY, PATIENCE},
    dice::{Dice, at},
    wire::{Request, Said, Way, Wire},
};
use crate::platform::clock::{Clock, SystemClock};

const ROOM: [&str; 3] = ["DEL", "BOM", "LHR"];

#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub id: String,
    pub origin: String,
    pub destination: String,
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
    all: std::sync::Mutex<Vec<String>>,
}

impl Schedule {
    pub fn new(seed: u64) -> Self {
        let whole = DateTime::from_timestamp(SystemClock.now().timestamp(), 0).unwrap_or_default();
        Self {
            seasons: Mutex::default(),
            dice: Mutex::new(Dice::of(seed, u64::MAX - 2)),
            begin: whole + TimeDelta::hours(26),
            all: std::sync::Mutex::default(),
        }
    }

    /// The ids of all flights that were made.
    pub fn all(&self) -> Vec<String> {
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
        weight_kg: u32,
    ) -> anyhow::Result<Flight> {
        let began = Instant::now();
        loop {
            let (number, instance) = {
                let mut dice = self.dice.lock().await;
                (1000 + dice.below(9000), usize::try_from(dice.below(64)).unwrap_or_default())
            };
            let body = json!({
                "flight_number": format!("AI{number}"), "origin": origin, "destination": destination,
                "departure_datetime": leaves, "arrival_datetime": leaves + TimeDelta::hours(4),
                "capacity": {"weight_kg": weight_kg, "positions": (weight_kg / 150).min(9999)},
            });
            let path = "/api/v1/flights".to_owned();
            let request = Request { method: Method::POST, path, body: Some(body), ..Request::default() };
            let way = Way { client: NOBODY, instance, hang_up: None };
            match wire.send(way, &crew.staff, &request).await.said {
                Said::Ok(answer) => return self.added(&answer.body),
                // Somebody's number: another one. One that was made without our knowing stays empty.
                Said::Refused(refusal) if refusal.code == "already_exists" || refusal.is_passing() => {}
                Said::Refused(refusal) => anyhow::bail!("a flight cannot be made: {refusal}"),
                Said::Unknown(error) if began.elapsed() > PATIENCE => anyhow::bail!("a flight cannot be made: {error}"),
                Said::Unknown(_) => {}
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn added(&self, flight: &Value) -> anyhow::Result<Flight> {
        let text = |member: &str| flight[member].as_str().unwrap_or_default().to_owned();
        let flight = Flight { id: text("id"), origin: text("origin"), destination: text("destination") };
        anyhow::ensure!(!flight.id.is_empty(), "a flight was made without an id");
        self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(flight.id.clone());
        Ok(flight)
    }
}
