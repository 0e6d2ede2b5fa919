use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    ask::{HoldCaller, Subject},
    model::{Hold, HoldStatus, PositionName},
    repository,
};
use crate::{
    features::{accounts::Role, capacity::Space},
    kernel::{FlightId, HoldId},
    platform::postgres::{DbError, PgSession},
};

/// The holder of a named position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Hold(HoldId),
    Booking,
}

/// What the tables say about holds beyond the flights' rows. It changes with each decision of a batch.
#[derive(Debug, Default)]
pub struct HoldBooks {
    pub claims: HashMap<(FlightId, PositionName), Holder>,
    /// Room that guests hold.
    pub guests: HashMap<FlightId, Space>,
    /// Numbers of active holds.
    pub active: HashMap<Subject, i64>,
    /// Holds that guests at an address have made in the last hour: their number, and the time of the first that counts
    /// against another one.
    pub lately: HashMap<Vec<u8>, (i64, DateTime<Utc>)>,
}

impl HoldBooks {
    /// Takes note of a new hold or of one that changed, for the next decision of the batch.
    pub fn note(&mut self, caller: &HoldCaller, before: Option<&Hold>, after: &Hold) {
        for leg in before.into_iter().flat_map(|hold| &hold.legs) {
            for name in &leg.names {
                self.claims.remove(&(leg.flight_id, *name));
            }
            if after.is_guest
                && let Some(held) = self.guests.get_mut(&leg.flight_id)
            {
                *held = *held - leg.space;
            }
        }
        if before.is_none() {
            for subject in caller.subjects() {
                if let Subject::Address(address) = &subject {
                    let lately = self.lately.entry(address.clone()).or_insert((0, after.created_at));
                    lately.0 += 1;
                }
                *self.active.entry(subject).or_default() += 1;
            }
        }
        let holder = match after.status {
            HoldStatus::Active => Some(Holder::Hold(after.id)),
            HoldStatus::Committed => Some(Holder::Booking),
            HoldStatus::Released | HoldStatus::Expired => None,
        };
        if let Some(holder) = holder {
            for leg in &after.legs {
                self.claims.extend(leg.names.iter().map(|name| ((leg.flight_id, *name), holder)));
                if after.is_guest && after.is_open() {
                    let held = self.guests.entry(leg.flight_id).or_default();
                    *held = *held + leg.space;
                }
            }
        }
    }
}

/// What orders about holds must know beyond the rows that they lock.
#[derive(Debug, Default)]
pub struct Asked {
    /// Callers of new holds.
    subjects: BTreeSet<Subject>,
    /// Flights of which guests want room.
    guests_on: BTreeSet<FlightId>,
    /// Flights of which positions are wanted by name.
    named_on: BTreeSet<FlightId>,
}

impl Asked {
    pub fn new_hold(&mut self, caller: &HoldCaller, flights: &[FlightId], has_names: bool) {
        self.subjects.extend(caller.subjects());
        self.change(caller, flights, has_names);
    }

    pub fn change(&mut self, caller: &HoldCaller, flights: &[FlightId], has_names: bool) {
        if caller.principal.role == Role::Guest {
            self.guests_on.extend(flights);
        }
        if has_names {
            self.named_on.extend(flights);
        }
    }

    /// Reads it, after the locks of flights, bookings and holds. Two transactions never count the holds of one caller at
    /// the same time.
    pub async fn read_in_tx(self, tx: &mut PgSession, now: DateTime<Utc>) -> Result<HoldBooks, DbError> {
        let subjects: Vec<Subject> = self.subjects.into_iter().collect();
        let guests_on: Vec<FlightId> = self.guests_on.into_iter().collect();
        let named_on: Vec<FlightId> = self.named_on.into_iter().collect();
        if !subjects.is_empty() {
            repository::lock_subjects(tx, &subjects).await?;
        }
        let mut books = HoldBooks::default();
        if !subjects.is_empty() || !guests_on.is_empty() {
            books = repository::books(tx, &subjects, &guests_on, now).await?;
        }
        if !named_on.is_empty() {
            repository::names_of(tx, &named_on, now, &mut books).await?;
        }
        Ok(books)
    }
}
