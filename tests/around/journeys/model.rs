//! The contract's rules over flights, bookings and legs, in memory: what a step does, or why it is refused. Written
//! from the documents; nothing here is the product's.
mod bookings;
mod flights;

use std::ops::{AddAssign, Sub};

use super::steps::Caller;
pub use bookings::Named;

/// A flight as it is put on the schedule, in minutes after the journey's start.
pub struct Plan {
    pub number: &'static str,
    pub origin: &'static str,
    pub destination: &'static str,
    pub departure: i64,
    pub arrival: i64,
    pub freighter: bool,
    pub capacity: Space,
}

const fn plan(
    number: &'static str,
    (origin, departure): (&'static str, i64),
    (destination, arrival): (&'static str, i64),
    freighter: bool,
    (weight, volume, positions): (i64, i64, i64),
) -> Plan {
    Plan { number, origin, destination, departure, arrival, freighter, capacity: Space { weight, volume, positions } }
}

/// Two ways over each stretch and one past them all. From the first to the third is the same flight number: it connects
/// within an hour, which no other may.
pub const PLANS: [Plan; 7] = [
    plan("AI101", ("DEL", 480), ("BOM", 600), false, (5000, 4000, 3)),
    plan("AI103", ("DEL", 540), ("BOM", 720), true, (4000, 3000, 2)),
    plan("AI101", ("BOM", 660), ("DXB", 840), false, (5000, 3000, 3)),
    plan("AI205", ("BOM", 900), ("DXB", 1080), true, (4000, 4000, 4)),
    plan("EK7", ("DXB", 1020), ("LHR", 1440), false, (5000, 3500, 2)),
    plan("EK9", ("DXB", 1320), ("LHR", 1740), true, (4000, 4000, 3)),
    plan("AI111", ("DEL", 600), ("LHR", 1140), true, (4500, 3500, 2)),
];

/// What may be named as an itinerary, by the numbers of the flights; the last ones never chain.
pub const ROUTES: [&[usize]; 22] = [
    &[6],
    &[0, 2, 4],
    &[0, 3, 5],
    &[1, 3, 5],
    &[0, 2, 5],
    &[0],
    &[1],
    &[0, 2],
    &[0, 3],
    &[1, 3],
    &[2],
    &[3],
    &[2, 4],
    &[2, 5],
    &[3, 5],
    &[4],
    &[5],
    &[1, 2],
    &[3, 4],
    &[0, 3, 4],
    &[0, 4],
    &[4, 0],
];

/// What a booking may be marked as, by number.
pub const CODES: [&[&str]; 3] = [&[], &["PER"], &["CAO"]];
const CARGO_AIRCRAFT_ONLY: &str = "CAO";

const MINIMUM_CONNECTION: i64 = 120;
const CUTOFF: i64 = 60;
const LONGEST_FLIGHT: i64 = 24 * 60;
const FURTHEST_AHEAD: i64 = 5;

/// Hectograms, litres, positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    pub weight: i64,
    pub volume: i64,
    pub positions: i64,
}

impl Space {
    pub const fn dimensions(self) -> [(&'static str, i64); 3] {
        [("weight_kg", self.weight), ("volume_m3", self.volume), ("positions", self.positions)]
    }
}

impl AddAssign for Space {
    fn add_assign(&mut self, other: Self) {
        self.weight += other.weight;
        self.volume += other.volume;
        self.positions += other.positions;
    }
}

impl Sub for Space {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            weight: self.weight - other.weight,
            volume: self.volume - other.volume,
            positions: self.positions - other.positions,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    pub number: &'static str,
    pub origin: &'static str,
    pub destination: &'static str,
    pub departure: i64,
    pub arrival: i64,
    pub left: Option<i64>,
    pub landed: Option<i64>,
    pub status: &'static str,
    pub cutoff: i64,
    pub freighter: bool,
    pub capacity: Space,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub struct Leg {
    pub flight: usize,
    pub number: &'static str,
    pub origin: &'static str,
    pub destination: &'static str,
    pub departure: i64,
    pub arrival: i64,
    pub sequence: usize,
    pub status: &'static str,
    pub offload_reason: Option<&'static str>,
    pub pieces: i64,
    pub space: Space,
}

impl Leg {
    pub fn in_force(&self) -> bool {
        ["BOOKED", "DEPARTED", "ARRIVED"].contains(&self.status)
    }

    fn has_left(&self) -> bool {
        ["DEPARTED", "ARRIVED"].contains(&self.status)
    }

    fn landing(&self) -> Stop {
        (self.number, self.arrival)
    }

    fn offload(&mut self, reason: &'static str) {
        (self.status, self.offload_reason) = ("OFFLOADED", Some(reason));
    }
}

#[derive(Debug, Clone)]
pub struct Booking {
    pub owner: Caller,
    pub origin: &'static str,
    pub destination: &'static str,
    pub pieces: i64,
    pub space: Space,
    pub defaulted: bool,
    pub codes: &'static [&'static str],
    pub awb: Option<usize>,
    pub description: Option<i64>,
    pub status: &'static str,
    /// When it was booked.
    pub made: i64,
    /// In the order they were made: those in force are in the order of flying.
    pub legs: Vec<Leg>,
    /// The types of its events; of movements also when they happened.
    pub history: Vec<(&'static str, Option<i64>)>,
}

impl Booking {
    fn booked_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status == "BOOKED")
    }

    fn on(&mut self, flight: usize, status: &str) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.flight == flight && leg.status == status)
    }

    /// The leg that is in the air or has landed last.
    fn last_flown(&self) -> Option<&Leg> {
        self.legs.iter().rfind(|leg| leg.has_left())
    }

    /// Where the freight is or will land.
    pub fn place(&self) -> &'static str {
        self.last_flown().map_or(self.origin, |leg| leg.destination)
    }

    pub fn current_airport(&self) -> Option<&'static str> {
        let in_the_air = self.legs.iter().any(|leg| leg.status == "DEPARTED");
        (!in_the_air).then(|| self.place())
    }

    pub fn at_destination(&self) -> bool {
        self.current_airport() == Some(self.destination)
    }

    /// The leg that the freight can leave on: the next one, if it starts where the freight is.
    fn next_leg(&self) -> Option<&Leg> {
        self.booked_legs().next().filter(|leg| self.current_airport() == Some(leg.origin))
    }

    pub fn needs_rerouting(&self) -> bool {
        if self.at_destination() || ["DELIVERED", "CANCELLED"].contains(&self.status) {
            return false;
        }
        let (mut place, mut landing) = (self.place(), self.last_flown().map(Leg::landing));
        for leg in self.booked_legs() {
            if leg.origin != place || !connects(landing, (leg.number, leg.departure)) {
                return true;
            }
            (place, landing) = (leg.destination, Some(leg.landing()));
        }
        place != self.destination
    }

    /// What can follow, whoever asks.
    pub fn next_actions(&self) -> Vec<&'static str> {
        let has_arrived = self.legs.iter().any(|leg| leg.status == "ARRIVED");
        match self.status {
            "BOOKED" if self.next_leg().is_some() => vec!["depart", "cancel"],
            "BOOKED" => vec!["cancel"],
            "DEPARTED" if has_arrived => vec!["arrive"],
            "DEPARTED" => vec!["arrive", "cancel"],
            "ARRIVED" if self.at_destination() => vec!["deliver"],
            "ARRIVED" if self.next_leg().is_some() => vec!["depart"],
            _ => Vec::new(),
        }
    }

    /// What this caller can do.
    pub fn allowed(&self, by: Caller) -> Vec<&'static str> {
        match by.is_staff() {
            true => self.next_actions(),
            false if self.status == "BOOKED" => vec!["cancel"],
            false => Vec::new(),
        }
    }

    fn moves(&mut self, status: &'static str, at: i64) {
        self.status = status;
        self.history.push((status, Some(at)));
    }

    fn records(&mut self, event: &'static str) {
        self.history.push((event, None));
    }

    /// Each event is a version.
    pub fn version(&self) -> usize {
        self.history.len()
    }

    /// Before this nothing moves it: it was booked, or has moved.
    fn earliest(&self) -> Option<i64> {
        self.history.iter().rev().find_map(|(_, at)| *at).max(Some(self.made))
    }
}

/// A flight number, and when that flight lands or leaves.
type Stop = (&'static str, i64);

/// Whether freight that comes so, if it comes by a flight at all, can go on so.
fn connects(landing: Option<Stop>, departure: Stop) -> bool {
    landing.is_none_or(|(number, arrival)| {
        let minimum = if number == departure.0 { 0 } else { MINIMUM_CONNECTION };
        departure.1 >= arrival + minimum
    })
}

/// The volume at 166.667 kg per m³, rounded up to a litre.
pub fn standard_volume(weight: i64) -> i64 {
    (weight * 100_000 + 166_666) / 166_667
}

/// Why a step is not taken. Several codes where several things are wrong at once and the contract puts none first.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    pub codes: Vec<&'static str>,
    /// `from`, `action` and `allowed` of an `invalid_transition`.
    pub transition: Option<(&'static str, &'static str, Vec<&'static str>)>,
    /// What is too full or would become too small: flight, dimension.
    pub full: Vec<(usize, &'static str)>,
}

impl Refusal {
    fn of(code: &'static str) -> Self {
        Self { codes: vec![code], ..Self::default() }
    }

    fn impossible(from: &'static str, action: &'static str, allowed: Vec<&'static str>) -> Self {
        Self { transition: Some((from, action, allowed)), ..Self::of("invalid_transition") }
    }

    fn add(mut self, code: &'static str, is_so: bool) -> Self {
        if is_so {
            self.codes.push(code);
        }
        self
    }

    /// For the reasons of both.
    fn or(mut self, other: Self) -> Self {
        self.codes.extend(other.codes);
        self.full.extend(other.full);
        self
    }

    /// Refuses if there is a reason.
    fn judge(self) -> Result<(), Self> {
        if self.codes.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// What a flight's step did to its bookings: how many got an event, which stayed behind and why.
#[derive(Debug, Default)]
pub struct Flown {
    pub changed: usize,
    pub behind: Vec<(usize, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub now: i64,
    pub flights: Vec<Flight>,
    pub bookings: Vec<Booking>,
}

impl Model {
    pub fn new() -> Self {
        let flights = PLANS.iter().map(|plan| Flight {
            number: plan.number,
            origin: plan.origin,
            destination: plan.destination,
            departure: plan.departure,
            arrival: plan.arrival,
            left: None,
            landed: None,
            status: "SCHEDULED",
            cutoff: plan.departure - CUTOFF,
            freighter: plan.freighter,
            capacity: plan.capacity,
            version: 1,
        });
        Self { now: 0, flights: flights.collect(), bookings: Vec::new() }
    }

    /// What is left on a flight: each leg in force takes its room, also that of a booking cancelled in the air.
    pub fn available(&self, flight: usize) -> Space {
        let legs = self.bookings.iter().flat_map(|booking| &booking.legs);
        let mut booked = Space::default();
        for leg in legs.filter(|leg| leg.flight == flight && leg.in_force()) {
            booked += leg.space;
        }
        self.flights[flight].capacity - booked
    }

    /// Refuses with this code where more is booked than there is.
    fn judge_space(&self, code: &'static str) -> Refusal {
        let mut full = Vec::new();
        for flight in 0..self.flights.len() {
            let lacking = self.available(flight).dimensions().into_iter().filter(|(_, left)| *left < 0);
            full.extend(lacking.map(|(dimension, _)| (flight, dimension)));
        }
        let is_too_much = !full.is_empty();
        Refusal { full, ..Refusal::default() }.add(code, is_too_much)
    }

    /// Whether something may be said to have happened so many minutes from now: not before `earliest`.
    fn out_of_order(&self, at: Option<i64>, earliest: Option<i64>) -> bool {
        at.is_some_and(|at| at > FURTHEST_AHEAD || earliest.is_some_and(|earliest| self.now + at < earliest))
    }

    /// When it happened; unsaid: now, or what it follows if that is later.
    fn happened(&self, at: Option<i64>, earliest: Option<i64>) -> i64 {
        at.map_or(earliest.unwrap_or(self.now).max(self.now), |at| self.now + at)
    }
}
