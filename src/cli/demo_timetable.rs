//! A timetable for demonstrations: deterministic, over real airports, so that any two of them are connected by a direct
//! or one-stop service every day.
//!
//! Every airport has a daily service to and from one world hub. Services to it leave in the local morning, and services
//! from it leave late in the evening, so that every arrival meets its onward flight by the end of the next day. In
//! addition there are services to the nearest regional hub and a mesh between the regional hubs.
use std::{collections::BTreeMap, sync::Arc};

use chrono::{Days, NaiveDate, TimeDelta};
use loadmaster_flights::{FlightService, NewFlight, space_of};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode};
use loadmaster_reference::{Airport, Reference};

use crate::app::AppState;

const NETWORK: &str = include_str!("../../data/demo_network.csv");
const WORLD_HUB: &str = "DXB";
const REGIONAL_HUBS: [&str; 14] =
    ["FRA", "LHR", "AMS", "IST", "DEL", "HKG", "SIN", "NRT", "SYD", "JFK", "ORD", "LAX", "GRU", "JNB"];
/// Maximum distance of a service between hubs.
const LONGEST_MESH_KM: f64 = 14_000.0;
/// Another seed produces another timetable; this one stays, so that a second start finds its flights again.
const SEED: u64 = 0x4c4f_4144;

/// One daily service of the timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    airline: AirlineCode,
    number: u32,
    origin: AirportCode,
    destination: AirportCode,
    /// Local time of departure, in minutes after midnight.
    leaves: i64,
    aircraft: AircraftCode,
    block_minutes: i64,
}

/// Returns the airports of the demo network.
pub fn airports(reference: &Reference) -> Vec<Arc<Airport>> {
    members(reference).into_iter().map(|(airport, _)| airport).collect()
}

/// Returns all flights of the timetable that leave on these local dates.
pub fn timetable(reference: &Reference, from: NaiveDate, days: u64) -> Vec<NewFlight> {
    let services = services(reference);
    let dates = (0..days).filter_map(|day| from.checked_add_days(Days::new(day)));
    dates.flat_map(|date| services.iter().filter_map(move |service| flight(reference, service, date))).collect()
}

/// Schedules the demo timetable of the next 30 days; returns the number of new flights. Existing flights are left as
/// they are, whatever their status.
pub async fn extend(state: &AppState) -> anyhow::Result<u64> {
    // A search on the last day may connect on the day after, and local dates lag a day behind UTC.
    let yesterday = state.clock.now().date_naive() - Days::new(1);
    let flights = timetable(&state.service()?, yesterday, 33);
    Ok(state.service::<FlightService>()?.add_missing(flights).await?)
}

fn members(reference: &Reference) -> Vec<(Arc<Airport>, AirlineCode)> {
    let rows = NETWORK.lines().skip(1).filter_map(|line| line.trim().split_once(','));
    rows.filter_map(|(airport, airline)| {
        let airport = reference.airport(airport.parse().ok()?)?;
        Some((airport, reference.airline(airline.parse().ok()?)?.code))
    })
    .collect()
}

fn services(reference: &Reference) -> Vec<Service> {
    let members = members(reference);
    let hub = |code: &str| members.iter().find(|(airport, _)| airport.code.as_str() == code);
    let Some((world, world_airline)) = hub(WORLD_HUB) else { return Vec::new() };
    let regional: Vec<_> = REGIONAL_HUBS.iter().filter_map(|code| hub(code)).collect();
    let mut book = NumberBook::default();
    let mut services = Vec::new();
    for (airport, airline) in members.iter().filter(|(airport, _)| airport.code != world.code) {
        // Out in the morning, back late in the evening: see the module's documentation.
        services.extend(service(reference, &mut book, *airline, (airport, world), 6 * 60, 300));
        services.extend(service(reference, &mut book, *world_airline, (world, airport), 22 * 60, 110));
        let nearest = regional
            .iter()
            .filter(|(hub, _)| hub.code != airport.code)
            .min_by(|(a, _), (b, _)| airport.distance_km(a).total_cmp(&airport.distance_km(b)));
        let is_hub = regional.iter().any(|(hub, _)| hub.code == airport.code);
        if let Some((hub, _)) = nearest.filter(|_| !is_hub) {
            services.extend(service(reference, &mut book, *airline, (airport, hub), 5 * 60, 14 * 60));
            services.extend(service(reference, &mut book, *airline, (hub, airport), 8 * 60, 14 * 60));
        }
    }
    for (from, airline) in &regional {
        for (to, _) in regional.iter().filter(|(to, _)| to.code != from.code && from.distance_km(to) < LONGEST_MESH_KM)
        {
            services.extend(service(reference, &mut book, *airline, (from, to), 7 * 60, 16 * 60));
        }
    }
    services
}

/// Assigns flight numbers from 100 on, per airline.
#[derive(Default)]
struct NumberBook(BTreeMap<AirlineCode, u32>);

impl NumberBook {
    fn next(&mut self, airline: AirlineCode) -> u32 {
        let number = self.0.entry(airline).or_insert(99);
        *number += 1;
        *number
    }
}

/// Builds a service that leaves within `window` minutes after `earliest`; the seed determines its time and aircraft.
fn service(
    reference: &Reference,
    book: &mut NumberBook,
    airline: AirlineCode,
    (origin, destination): (&Airport, &Airport),
    earliest: i64,
    window: u64,
) -> Option<Service> {
    let number = book.next(airline);
    let chance = hash(&[SEED, text(origin.code.as_str()), text(destination.code.as_str()), u64::from(number)]);
    let distance = origin.distance_km(destination);
    let is_freighter = reference.airline(airline).is_some_and(|a| a.is_cargo_only) || chance.is_multiple_of(4);
    let fleet: &[&str] = match (is_freighter, distance < 5_500.0) {
        (true, true) => &["76Y", "33X", "74Y"],
        (true, false) => &["77X", "74N", "77X"],
        (false, true) => &["333", "788", "332"],
        (false, false) => &["77W", "359", "789"],
    };
    let aircraft = fleet[usize::try_from(chance / 7 % 3).ok()?];
    // Cruise at 870 km/h and 40 minutes for taxi, climb and descent, rounded up to five minutes.
    #[allow(clippy::cast_possible_truncation, reason = "a few hundred minutes")]
    let block_minutes = ((distance / 870.0 * 60.0 + 40.0) / 5.0).ceil() as i64 * 5;
    Some(Service {
        airline,
        number,
        origin: origin.code,
        destination: destination.code,
        leaves: earliest + i64::try_from(chance / 31 % (window / 5 + 1)).ok()? * 5,
        aircraft: aircraft.parse().ok()?,
        block_minutes,
    })
}

fn flight(reference: &Reference, service: &Service, date: NaiveDate) -> Option<NewFlight> {
    let origin = reference.airport(service.origin)?;
    let aircraft = reference.aircraft(service.aircraft)?;
    let departure = origin.at(date.and_hms_opt(0, 0, 0)? + TimeDelta::minutes(service.leaves));
    Some(NewFlight {
        number: format!("{}{}", service.airline, service.number).parse().ok()?,
        origin: service.origin,
        destination: service.destination,
        departure,
        arrival: departure + TimeDelta::minutes(service.block_minutes),
        aircraft: Some(aircraft.code),
        is_freighter: aircraft.is_freighter,
        capacity: space_of(&aircraft),
        cutoff_minutes: if aircraft.is_freighter { 120 } else { NewFlight::DEFAULT_CUTOFF_MINUTES },
        also_sold_as: None,
    })
}

fn text(code: &str) -> u64 {
    code.bytes().fold(0, |sum, byte| (sum << 8) | u64::from(byte))
}

/// FNV-1a: small, and the same on every machine and in every release.
fn hash(values: &[u64]) -> u64 {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    let sum =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    sum ^ (sum >> 32)
}
