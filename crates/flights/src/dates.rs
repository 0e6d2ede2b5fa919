//! Dates in the names of flights, and the rules of time zones by which they were computed. A name stays for the life of its flight:
//! bookings, allotments and timetables in local times refer to it. Under later rules a flight may leave on another date than the one
//! in its name.
use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, PgSession, retrying},
    zones,
};
use uuid::Uuid;

use super::{
    FlightService,
    repository::dates,
    timetable::{BATCH, Dated, Name, Timetable},
};

/// Flights that are read together.
const READ: i64 = 5000;
/// Until all processes have a release, some name flights by the former one: they are counted again.
const AGAIN: TimeDelta = TimeDelta::days(1);

/// What a release of the rules of time zones means for the flights to come.
#[derive(Debug)]
pub(super) struct Compared {
    pub version: String,
    /// Flights that leave on another date than that in their names.
    pub flights: i32,
}

/// The names that flights of a table have on the schedule, by the row, where those by the rules in force differ.
#[derive(Debug, Default)]
pub(super) struct FormerNames {
    by_row: HashMap<u64, Name>,
    taken: HashSet<Name>,
}

impl FormerNames {
    pub fn name_of(&self, row: &Dated) -> Name {
        self.by_row.get(&row.row).copied().unwrap_or(row.name)
    }

    /// Returns whether the row would name the flight of another row.
    pub fn is_taken(&self, row: &Dated) -> bool {
        self.taken.contains(&row.name) && !self.by_row.contains_key(&row.row)
    }
}

impl FlightService {
    /// Compares the names of all flights to come with the rules in force, if these are of a later release than those of the last
    /// time, or a day has passed. Returns and notes the result.
    pub(super) async fn compare_dates(&self) -> Result<Option<Compared>, DbError> {
        let version = zones::release().version;
        let last = dates::last_compared(&mut *self.db.read().await?).await?;
        let now = self.clock.now();
        let is_due = last.is_none_or(|(noted, at)| noted < version || (noted == version && now - at >= AGAIN));
        if !is_due {
            return Ok(None);
        }
        let mut found = Compared { version, flights: 0 };
        let mut after = (now, FlightId::from(Uuid::nil()));
        loop {
            let flights = dates::upcoming(&mut *self.db.read().await?, after, READ).await?;
            let Some(last) = flights.last() else { break };
            after = (last.departure_at, last.id);
            for flight in &flights {
                let date = self.reference.local_date(flight.origin, flight.scheduled_departure_at);
                found.flights += i32::from(date != flight.scheduled_date);
            }
        }
        let now = self.clock.now();
        retrying(|| async { in_own_tx!(self.db, |tx| dates::note(&mut tx, &found.version, found.flights, now)) })
            .await?;
        Ok(Some(found))
    }

    /// Finds the flights that a table gives at the instants at which they were scheduled, under names by former rules.
    pub(super) async fn former_names(&self, db: &mut PgSession, table: &Timetable) -> Result<FormerNames, DbError> {
        let mut names = FormerNames::default();
        // Usually nothing differs, and nothing is looked for.
        if dates::has_no_former_names(db, &zones::release().version).await? {
            return Ok(names);
        }
        for rows in table.0.chunks(BATCH) {
            let given: Vec<_> = rows.iter().map(|row| (row.name, row.flight.departure)).collect();
            for (place, date) in dates::former_dates(db, &given).await? {
                let (number, origin, _) = rows[place].name;
                names.by_row.insert(rows[place].row, (number, origin, date));
                names.taken.insert((number, origin, date));
            }
        }
        Ok(names)
    }
}
