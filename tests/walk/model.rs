//! What the contract says of flights, holds, bookings, quotes, payments and those who wait, in memory. Written from the
//! documents; nothing here is the product's. What it adopts from answers instead of predicting it is said where it does.
mod bill;
mod booking;
mod judge;
mod rate;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Add, AddAssign, Sub},
};

use chrono::{DateTime, TimeDelta, Utc};

pub use bill::{Bill, Payment};
pub use booking::{Booking, Leg};
pub use judge::{Priced, Verdict};
pub use rate::{FEW, FEW_USES, rate, rules};

pub type Time = DateTime<Utc>;

/// Numbers of air waybills, with right check digits.
pub const WAYBILLS: [&str; 6] =
    ["098-12345675", "098-12345686", "098-12345690", "098-12345701", "098-12345712", "098-12345723"];

/// Hectograms, litres, positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    pub weight: i64,
    pub volume: i64,
    pub positions: i64,
}

impl Space {
    pub const fn figures(self) -> [i64; 3] {
        [self.weight, self.volume, self.positions]
    }

    pub fn fits(self, room: Self) -> bool {
        self.figures().iter().zip(room.figures()).all(|(part, whole)| *part <= whole)
    }

    /// Whether it is at most so many percent in each dimension; one position always is.
    pub fn is_within(self, whole: Self, percent: i64) -> bool {
        let parts = self.figures().into_iter().zip(whole.figures()).enumerate();
        parts.into_iter().all(|(place, (part, whole))| (place == 2 && part <= 1) || part * 100 <= whole * percent)
    }
}

impl Add for Space {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let [weight, volume, positions] = other.figures();
        Self { weight: self.weight + weight, volume: self.volume + volume, positions: self.positions + positions }
    }
}

impl AddAssign for Space {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Space {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let [weight, volume, positions] = other.figures();
        Self { weight: self.weight - weight, volume: self.volume - volume, positions: self.positions - positions }
    }
}

/// The volume at 166.667 kg per m³, rounded up to a litre.
pub const fn standard_volume(weight: i64) -> i64 {
    (weight * 100_000 + 166_666) / 166_667
}

#[derive(Debug, Clone)]
pub struct Flight {
    pub id: String,
    pub number: &'static str,
    pub origin: &'static str,
    pub destination: &'static str,
    pub departure: Time,
    pub arrival: Time,
    pub cutoff: Time,
    pub freighter: bool,
    pub status: &'static str,
    pub capacity: Space,
    pub version: i64,
    /// Set aside for those who wait, as last seen.
    pub aside: Space,
    /// Kept by the allotment of an organization, as last seen.
    pub kept: Space,
}

/// What is shipped, and all that is said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freight {
    pub pieces: Option<i64>,
    pub space: Space,
    /// The volume follows the weight.
    pub defaulted: bool,
    /// `None`: `GENERAL`.
    pub product: Option<&'static str>,
    pub codes: BTreeSet<&'static str>,
    /// A number of [`WAYBILLS`].
    pub awb: Option<usize>,
    pub description: Option<&'static str>,
    pub reference: Option<&'static str>,
    pub shipper: Option<&'static str>,
    pub consignee: Option<&'static str>,
    pub contact: Option<&'static str>,
    /// Positions by name, by flight.
    pub names: BTreeMap<usize, BTreeSet<i64>>,
}

/// What a payment that is not decided waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// The payer's word.
    Action,
    /// This moment.
    Until(Time),
}

#[derive(Debug, Clone)]
pub struct Hold {
    pub id: String,
    pub kind: &'static str,
    pub owner: usize,
    pub is_guest: bool,
    /// Counts towards the number of holds of its owner.
    pub is_counted: bool,
    pub way: Vec<usize>,
    pub freight: Freight,
    /// In cents.
    pub total: Option<i64>,
    pub sale: Option<&'static str>,
    /// As recorded; see [`Hold::status_at`].
    pub status: &'static str,
    pub expires: Time,
    pub latest: Time,
    pub created: Time,
    /// Payments begun.
    pub attempts: i64,
    /// While a payment is under way: when it would have expired.
    pub active_until: Option<Time>,
    pub pending: Option<Pending>,
    /// What is asked of the provider.
    pub reference: Option<String>,
    pub version: i64,
    pub booking: Option<usize>,
}

impl Hold {
    pub fn status_at(&self, now: Time) -> &'static str {
        match self.status {
            "ACTIVE" | "COMMITTING" if self.expires <= now => "EXPIRED",
            status => status,
        }
    }

    pub fn is_open(&self, now: Time) -> bool {
        matches!(self.status_at(now), "ACTIVE" | "COMMITTING")
    }
}

/// An entry of the waitlist. Its status is adopted after a look at whether it may have become that.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: String,
    pub owner: usize,
    /// Empty: any way on the date.
    pub way: Vec<usize>,
    pub ends: (&'static str, &'static str),
    pub space: Space,
    /// The volume follows the weight.
    pub defaulted: bool,
    pub codes: BTreeSet<&'static str>,
    pub status: String,
    pub priority: i64,
    /// In the order of joining; operators move it.
    pub place: Option<i64>,
    pub passed_over: i64,
    pub offer: Option<usize>,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub struct Quote {
    pub id: String,
    pub owner: usize,
    pub way: Vec<usize>,
    pub freight: Freight,
    pub sale: Option<&'static str>,
    pub total: i64,
    pub expires: Time,
}

/// Credit of an organization, in cents.
#[derive(Debug, Clone, Copy)]
pub struct Credit {
    pub limit: i64,
    pub used: i64,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub now: Time,
    pub flights: Vec<Flight>,
    pub holds: Vec<Hold>,
    pub bookings: Vec<Booking>,
    pub entries: Vec<Entry>,
    pub quotes: Vec<Quote>,
    /// By organization.
    pub credit: BTreeMap<usize, Credit>,
    /// The number of the flight on which an allotment keeps room.
    pub allotted: Option<&'static str>,
}

pub const MOST_HOLDS: usize = 8;
pub const MOST_GUEST_HOLDS: usize = 3;
pub const MOST_ADDRESS_HOLDS: usize = 5;
pub const MOST_ATTEMPTS: i64 = 5;
/// How long a declined hold stays at least.
pub const ANOTHER_TRY: TimeDelta = TimeDelta::seconds(120);
pub const COMMITTING_FOR: TimeDelta = TimeDelta::minutes(10);

impl Model {
    pub fn booked(&self, flight: usize) -> Space {
        let legs = self.bookings.iter().flat_map(|booking| &booking.legs);
        legs.filter(|leg| leg.flight == flight && leg.takes_space()).fold(Space::default(), |sum, leg| sum + leg.space)
    }

    /// By open holds: not by allotments, and not what is set aside.
    pub fn held(&self, flight: usize) -> Space {
        let open = self.holds.iter().filter(|hold| hold.is_open(self.now) && hold.way.contains(&flight));
        open.fold(Space::default(), |sum, hold| sum + hold.freight.space)
    }

    /// What this organization may take; `None`: one without an allotment.
    pub fn available(&self, flight: usize, own: bool) -> Space {
        let Flight { capacity, aside, kept, .. } = self.flights[flight];
        let kept = if own { Space::default() } else { kept };
        capacity - self.booked(flight) - self.held(flight) - aside - kept
    }

    /// Those who have this position by its name: holds, and bookings by number.
    pub fn is_named(&self, flight: usize, name: i64, but: Option<usize>) -> bool {
        let has = |freight: &Freight| freight.names.get(&flight).is_some_and(|names| names.contains(&name));
        let holds = self.holds.iter().enumerate();
        let mut holds = holds.filter(|(number, hold)| hold.is_open(self.now) && Some(*number) != but);
        let mut bookings = self.bookings.iter().filter(|booking| booking.legs_on(flight).next().is_some());
        holds.any(|(_, hold)| has(&hold.freight)) || bookings.any(|booking| has(&booking.freight))
    }

    pub fn is_waybill_used(&self, awb: Option<usize>, but: Option<usize>) -> bool {
        let mut others = self.bookings.iter().enumerate().filter(|(number, _)| Some(*number) != but);
        awb.is_some() && others.any(|(_, booking)| booking.freight.awb == awb && booking.status != "CANCELLED")
    }

    /// The airports at the ends of a way.
    pub fn ends(&self, way: &[usize]) -> (&'static str, &'static str) {
        (self.flights[way[0]].origin, self.flights[way[way.len() - 1]].destination)
    }

    /// The latest time to which a hold on these flights can be extended.
    pub fn latest(&self, created: Time, way: &[usize]) -> Time {
        let hour = created + TimeDelta::seconds(3600);
        way.iter().map(|flight| self.flights[*flight].cutoff).fold(hour, DateTime::min)
    }

    /// Charges the credit of an organization, if it has some; a negative amount goes back.
    pub fn charge(&mut self, owner: usize, amount: i64) {
        if let Some(credit) = self.credit.get_mut(&owner) {
            credit.used += amount;
        }
    }

    /// How many holds an organization has open that count.
    pub fn active_of(&self, owner: usize) -> usize {
        self.holds.iter().filter(|hold| hold.is_counted && hold.owner == owner && hold.is_open(self.now)).count()
    }

    /// What guests hold on a flight.
    pub fn of_guests(&self, flight: usize, but: Option<usize>) -> Space {
        let open = self.holds.iter().enumerate().filter(|(number, hold)| {
            hold.is_guest && hold.is_open(self.now) && hold.way.contains(&flight) && Some(*number) != but
        });
        open.fold(Space::default(), |sum, (_, hold)| sum + hold.freight.space)
    }

    /// Uses of the sale that has few: those that surely count, and those that may.
    pub fn uses(&self, but: Option<usize>) -> (usize, usize) {
        let of_it = self.holds.iter().enumerate();
        let of_it = of_it.filter(|(number, hold)| hold.sale == Some(FEW) && Some(*number) != but);
        let (mut sure, mut possible) = (0, 0);
        for (_, hold) in of_it {
            let booking = hold.booking.map(|booking| &self.bookings[booking]);
            // One that was never paid gives its use back.
            let is_unpaid = |booking: &Booking| booking.bill.as_ref().is_some_and(|bill| bill.paid() == 0);
            let returned = booking.is_some_and(|booking| booking.status == "CANCELLED" && is_unpaid(booking));
            match hold.status_at(self.now) {
                "RELEASED" => {}
                // Slack: whether the end of an expired hold was recorded decides.
                "EXPIRED" => possible += 1,
                _ if returned => {}
                _ => sure += 1,
            }
        }
        (sure, sure + possible)
    }
}
