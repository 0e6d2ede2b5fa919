use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::{DbError, PgSession};

use super::{
    ask::{HoldCaller, Subject},
    books::HoldBooks,
    repository,
};

/// What orders about holds must know beyond the rows that they lock.
#[derive(Debug, Default)]
pub struct BooksRequest {
    /// Callers of new holds.
    subjects: BTreeSet<Subject>,
    /// Flights of which guests want space.
    guests_on: BTreeSet<FlightId>,
    /// Flights of which positions are wanted by name.
    named_on: BTreeSet<FlightId>,
}

impl BooksRequest {
    pub fn new_hold(&mut self, caller: &HoldCaller, flights: &[FlightId], has_names: bool) {
        self.subjects.extend(caller.subjects());
        self.change(caller.is_guest(), flights, has_names);
    }

    pub fn change(&mut self, is_guest: bool, flights: &[FlightId], has_names: bool) {
        if is_guest {
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
