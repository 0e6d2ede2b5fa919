//! The simulated database: rows with locks, and transactions whose changes appear when they are committed.
use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AwbNumber, BookingId, FlightId};
use uuid::Uuid;

use super::super::decide::new_leg;

use crate::model::{Booking, LegStatus};

pub type TxId = u64;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Row {
    Key(usize),
    Awb(AwbNumber),
    Flight(FlightId),
    Booking(BookingId),
}

/// Why a row is not locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Another transaction has locked it.
    Wait,
    /// That one waits for this one.
    Deadlock,
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub struct Changes {
    pub shifts: Vec<(FlightId, Space)>,
    /// Capacity given to others, as by an amendment.
    pub held: Option<(FlightId, Space)>,
    pub bookings: Vec<Booking>,
    pub claims: Vec<(AwbNumber, BookingId)>,
    pub freed: Vec<AwbNumber>,
    /// The effects of requests, by their keys.
    pub effects: Vec<(usize, BookingId)>,
}

#[derive(Debug, Default)]
pub struct Books {
    pub spaces: BTreeMap<FlightId, FlightCapacity>,
    pub flights: BTreeMap<FlightId, Flight>,
    pub bookings: BTreeMap<BookingId, Booking>,
    pub awbs: BTreeMap<AwbNumber, BookingId>,
    pub effects: BTreeMap<usize, BookingId>,
    locks: HashMap<Row, TxId>,
    waits: HashMap<TxId, TxId>,
    open: HashMap<TxId, Changes>,
    last: TxId,
}

impl Books {
    pub fn start(&mut self) -> TxId {
        self.last += 1;
        self.open.insert(self.last, Changes::default());
        self.last
    }

    pub fn lock(&mut self, tx: TxId, row: Row) -> Result<(), Obstacle> {
        let holder = *self.locks.entry(row).or_insert(tx);
        if holder == tx {
            self.waits.remove(&tx);
            return Ok(());
        }
        self.waits.insert(tx, holder);
        let mut at = holder;
        while let Some(next) = self.waits.get(&at) {
            if *next == tx {
                return Err(Obstacle::Deadlock);
            }
            at = *next;
        }
        Err(Obstacle::Wait)
    }

    pub fn try_lock(&mut self, tx: TxId, row: Row) -> bool {
        *self.locks.entry(row).or_insert(tx) == tx
    }

    /// Returns whether no transaction has locked this flight or booking.
    pub fn is_free(&self, row: Uuid) -> bool {
        !self.locks.contains_key(&Row::Flight(row.into())) && !self.locks.contains_key(&Row::Booking(row.into()))
    }

    pub fn changes(&mut self, tx: TxId) -> &mut Changes {
        self.open.get_mut(&tx).expect("the transaction is open")
    }

    pub fn roll_back(&mut self, tx: TxId) -> Changes {
        self.locks.retain(|_, holder| *holder != tx);
        self.waits.remove(&tx);
        self.open.remove(&tx).unwrap_or_default()
    }

    /// Makes the changes, and checks that the books are right after it.
    pub fn commit(&mut self, tx: TxId) {
        let changes = self.roll_back(tx);
        for (flight, more) in changes.shifts {
            let space = self.spaces.get_mut(&flight).expect("the flight is there");
            space.apply(&new_leg(flight, more), DateTime::UNIX_EPOCH);
        }
        if let Some((flight, held)) = changes.held {
            let space = self.spaces.get_mut(&flight).expect("the flight is there");
            (space.held, space.version) = (held, space.version + 1);
        }
        for awb in changes.freed {
            assert!(self.awbs.remove(&awb).is_some(), "{awb:?} was not claimed");
        }
        for (awb, booking) in changes.claims {
            assert_eq!(self.awbs.insert(awb, booking), None, "an air waybill of two bookings");
        }
        self.bookings.extend(changes.bookings.into_iter().map(|booking| (booking.id, booking)));
        for (key, booking) in changes.effects {
            assert_eq!(self.effects.insert(key, booking), None, "a request with two effects");
        }
        self.check();
    }

    /// No flight is oversold, and each holds exactly what its bookings take.
    fn check(&self) {
        for (id, space) in &self.spaces {
            let taken = space.booked + space.held;
            assert!(taken.exceeds(space.capacity).next().is_none(), "oversold: {space:?}");
            let holds = |status| matches!(status, LegStatus::Booked | LegStatus::Departed);
            let legs = self.bookings.values().flat_map(|booking| &booking.legs);
            let booked = legs.filter(|leg| leg.flight_id == *id && holds(leg.status));
            assert_eq!(booked.map(|leg| leg.space).fold(Space::default(), |sum, it| sum + it), space.booked, "{id}");
        }
    }
}
