use std::collections::{HashMap, HashSet, hash_map::Entry};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::{
    Flight, FlightError, FlightEventType, FlightService, Lane, NewFlight,
    create::local_date,
    dto::{CapacityShape, CreateFlight},
    repository,
    save::{insert_in_tx, save_in_tx},
};
use crate::{
    features::{
        capacity::{self, FlightCapacity, FlightStatus, Space},
        reference::Reference,
    },
    kernel::{AirportCode, Fault, FaultCode, FlightId, FlightNumber, UserId, Volume, Weight},
    platform::{
        postgres::{PgSession, allow_long_statements, commit, retrying},
        tables::{Columns, ImportSummary, Table, TableError, TableFaults, read_table},
        web::{Fields, InputFault},
    },
};

/// The columns of an import, in the order of the documented header; also those of an export.
pub(super) const COLUMNS: [&str; 10] = [
    "flight_number",
    "origin",
    "destination",
    "departure_datetime",
    "arrival_datetime",
    "aircraft_code",
    "weight_kg",
    "volume_m3",
    "positions",
    "cutoff_minutes",
];

/// The name of a flight: its number leaves an origin once a local calendar day.
type Name = (FlightNumber, AirportCode, NaiveDate);

/// The rows of a table without faults.
#[derive(Debug)]
pub struct Timetable(Vec<ImportRow>);

#[derive(Debug)]
struct ImportRow {
    row: u64,
    name: Name,
    flight: NewFlight,
}

/// The effect of a timetable on the schedule.
#[derive(Debug, Default)]
pub struct Imported {
    pub summary: ImportSummary,
    /// Flights with a changed departure or arrival time, as they are now.
    pub retimed: Vec<Flight>,
    /// Flights with other times than before, that close earlier or have fewer positions: holds on them are to be fitted.
    pub to_fit: Vec<FlightId>,
    /// All new and changed flights, and their current lanes.
    pub touched: Vec<(FlightId, Lane)>,
}

/// The actions to take for the rows.
#[derive(Default)]
struct Plan<'a> {
    create: Vec<Flight>,
    /// Each flight that changes, and the new values from its row.
    update: Vec<(&'a Flight, &'a NewFlight)>,
    unchanged: u64,
    faults: TableFaults,
}

impl FlightService {
    /// Reads a table of flights of up to 32 MiB, on a blocking thread so that other requests are not delayed.
    pub async fn read_timetable(&self, table: Table) -> Result<Timetable, FlightError> {
        let reference = self.reference.clone();
        let read = tokio::task::spawn_blocking(move || Timetable::read(&table, &reference)).await;
        read.map_err(|_| FlightError::Database(sqlx::Error::WorkerCrashed.into()))?
    }

    /// Schedules those of these flights that never existed; existing and cancelled ones stay as they are.
    pub async fn add_missing(&self, flights: Vec<NewFlight>) -> Result<u64, FlightError> {
        let mut rows = Vec::with_capacity(flights.len());
        for (row, flight) in (1..).zip(flights) {
            let name = (flight.number.clone(), flight.origin, local_date(&self.reference, &flight)?);
            rows.push(ImportRow { row, name, flight });
        }
        let names: Vec<Name> = rows.iter().map(|row| row.name.clone()).collect();
        let known = repository::find_named(&mut *self.db.read().await?, &names).await?;
        let known: HashSet<Name> = known.into_iter().map(name_of).collect();
        rows.retain(|row| !known.contains(&row.name));
        let missing = Timetable(rows);
        retrying(|| self.try_add(&missing)).await
    }

    async fn try_add(&self, missing: &Timetable) -> Result<u64, FlightError> {
        let mut tx = self.db.begin().await?;
        // All of these flights are new: none is retimed.
        let imported = self.import_in_tx(&mut tx, None, missing, false, self.clock.now()).await?;
        commit(tx).await?;
        self.imported(&imported.touched);
        Ok(imported.summary.created)
    }

    /// Invalidates cached data; to be called after the commit of an import, as [`Self::changed`] is after other
    /// changes.
    pub fn imported(&self, touched: &[(FlightId, Lane)]) {
        if !touched.is_empty() {
            self.network.invalidate(touched.iter().map(|(_, lane)| *lane));
            self.availability.invalidate(touched.iter().map(|(flight, _)| *flight));
        }
    }

    /// Applies the timetable to the schedule. A row names its flight by number, origin and scheduled local date; an
    /// existing flight is changed, others are created. Plans by the current state, locks only flights that change, and
    /// verifies under the lock that they are still as planned for. With `dry_run` nothing is locked or written. Joins
    /// the caller's transaction, which must then apply the new times of retimed flights to their bookings, and fit the
    /// holds on changed flights.
    pub async fn import_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Option<UserId>,
        timetable: &Timetable,
        dry_run: bool,
        now: DateTime<Utc>,
    ) -> Result<Imported, FlightError> {
        allow_long_statements(tx).await?;
        let names: Vec<Name> = timetable.0.iter().map(|row| row.name.clone()).collect();
        let existing = repository::find_named(tx, &names).await?.into_iter();
        let existing = existing.filter(|flight| flight.room.status != FlightStatus::Cancelled);
        let existing: HashMap<Name, Flight> = existing.map(|flight| (name_of(flight.clone()), flight)).collect();
        let plan = self.plan(&timetable.0, &existing, now);
        if !plan.faults.is_empty() {
            return Err(TableError::Faults(plan.faults).into());
        }
        let mut done = Imported { summary: plan.summary(), ..Imported::default() };
        if dry_run {
            return Ok(done);
        }
        done.touched = plan.touched();
        lock_planned(tx, &plan.update).await?;
        for batch in plan.create.chunks(2000) {
            insert_in_tx(tx, batch, actor, now).await.map_err(|error| match error {
                FlightError::AlreadyExists => FlightError::Raced,
                error => error,
            })?;
        }
        for (flight, new) in plan.update {
            let saved = save_in_tx(tx, new.over(flight), FlightEventType::Changed, actor, now).await?;
            let is_retimed = (saved.departure, saved.arrival) != (flight.departure, flight.arrival);
            let has_fewer = saved.room.physical.positions < flight.room.physical.positions;
            if is_retimed || has_fewer || saved.room.cutoff < flight.room.cutoff {
                done.to_fit.push(saved.id);
            }
            if is_retimed {
                done.retimed.push(saved);
            }
        }
        Ok(done)
    }

    /// Returns the flights whose rows in the timetable are refused and on which holds keep room: what is held may be the
    /// obstacle.
    pub async fn refused_with_holds(&self, timetable: &Timetable) -> Result<Vec<FlightId>, FlightError> {
        let rows: HashMap<&Name, &NewFlight> = timetable.0.iter().map(|row| (&row.name, &row.flight)).collect();
        let names: Vec<Name> = timetable.0.iter().map(|row| row.name.clone()).collect();
        let existing = repository::find_named(&mut *self.db.read().await?, &names).await?;
        let held = existing.into_iter().filter(|flight| flight.room.held != Space::default());
        let refused =
            held.filter(|flight| rows.get(&name_of(flight.clone())).is_some_and(|new| refusal(flight, new).is_some()));
        Ok(refused.map(|flight| flight.id).collect())
    }

    fn plan<'a>(&self, rows: &'a [ImportRow], existing: &'a HashMap<Name, Flight>, now: DateTime<Utc>) -> Plan<'a> {
        let mut plan = Plan::default();
        for row in rows {
            match existing.get(&row.name) {
                None => {
                    let flight = &row.flight;
                    let inactive = flight.faults_of_inactive(&self.reference);
                    plan.faults.add(
                        inactive.iter().flat_map(|(column, fault)| row.fault(column.trim_start_matches('/'), fault)),
                    );
                    plan.create.push(flight.as_flight(self.ids.next(now), row.name.2, now));
                }
                Some(flight) if row.flight.is_same_as(flight) => plan.unchanged += 1,
                Some(flight) => match refusal(flight, &row.flight) {
                    None => plan.update.push((flight, &row.flight)),
                    Some((column, fault)) => plan.faults.add(row.fault(column, &fault)),
                },
            }
        }
        plan
    }
}

impl Timetable {
    /// Reads a table whose airports, airlines and aircraft must be in `reference`. Fails with at most 100 faults.
    pub fn read(table: &Table, reference: &Reference) -> Result<Self, FlightError> {
        let mut seen = HashMap::<Name, u64>::new();
        let columns = Columns { required: &COLUMNS, optional: &[] };
        let rows = read_table(table, &columns, |fields, row| {
            let flight = CreateFlight::read(fields, reference, CapacityShape::Cells);
            let flight = flight.and_then(|flight| flight.complete(reference))?;
            if !fields.is_clean() {
                return None;
            }
            let name = match local_date(reference, &flight) {
                Ok(date) => (flight.number.clone(), flight.origin, date),
                Err(error) => return Some(Err(error)),
            };
            match seen.entry(name.clone()) {
                Entry::Vacant(free) => drop(free.insert(row)),
                Entry::Occupied(first) => {
                    let text = format!("names the same flight as row {}", first.get());
                    fields.fault("flight_number", &Fault::format(text));
                }
            }
            Some(Ok(ImportRow { row, name, flight }))
        });
        Ok(Self(rows?.into_iter().collect::<Result<_, _>>()?))
    }
}

impl ImportRow {
    /// Returns a fault of this row that the schedule causes.
    fn fault(&self, column: &str, fault: &Fault) -> Vec<InputFault> {
        let NewFlight { number, origin, destination, aircraft, capacity, .. } = &self.flight;
        let [hectograms, litres, positions] = capacity.figures();
        let value = match column {
            "flight_number" => number.to_string(),
            "origin" => origin.to_string(),
            "destination" => destination.to_string(),
            "aircraft_code" => aircraft.map(|code| code.to_string()).unwrap_or_default(),
            "weight_kg" => json!(Weight::from_hectograms(hectograms)).to_string(),
            "volume_m3" => json!(Volume::from_litres(litres)).to_string(),
            _ => positions.to_string(),
        };
        let mut fields = Fields::of_row(self.row, std::iter::once((column, value.as_str())));
        fields.fault(column, fault);
        fields.finish().into_iter().take(1).collect()
    }
}

impl Plan<'_> {
    fn touched(&self) -> Vec<(FlightId, Lane)> {
        let created = self.create.iter().map(|flight| (flight.id, (flight.origin, flight.destination)));
        let updated = self.update.iter().map(|(flight, new)| (flight.id, (flight.origin, new.destination)));
        created.chain(updated).collect()
    }

    fn summary(&self) -> ImportSummary {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        ImportSummary {
            created: count(self.create.len()),
            updated: count(self.update.len()),
            unchanged: self.unchanged,
        }
    }
}

fn name_of(flight: Flight) -> Name {
    (flight.number, flight.origin, flight.scheduled_date)
}

/// Locks the flights that change, in ascending order. If one no longer matches the plan (another version, or bookings
/// that forbid the change), the whole import starts over.
async fn lock_planned(tx: &mut PgSession, planned: &[(&Flight, &NewFlight)]) -> Result<(), FlightError> {
    let mut ids: Vec<FlightId> = planned.iter().map(|(flight, _)| flight.id).collect();
    ids.sort_unstable();
    let locked = capacity::lock_in_tx(tx, &ids).await?;
    let locked: HashMap<FlightId, FlightCapacity> = locked.into_iter().map(|room| (room.flight_id, room)).collect();
    let as_planned = |flight: &Flight, new: &NewFlight| {
        let room = locked.get(&flight.id).copied().filter(|room| room.version == flight.room.version);
        room.is_some_and(|room| refusal(&Flight { room, ..flight.clone() }, new).is_none())
    };
    let all = planned.iter().all(|(flight, new)| as_planned(flight, new));
    if all { Ok(()) } else { Err(FlightError::Raced) }
}

/// Returns why an existing flight may not be changed as the row says, and the column at fault.
fn refusal(flight: &Flight, new: &NewFlight) -> Option<(&'static str, Fault)> {
    if flight.room.status != FlightStatus::Scheduled {
        let fault = Fault::new(FaultCode::OutOfOrder, "names a flight that has departed and can no longer be changed");
        return Some(("flight_number", fault));
    }
    let taken = flight.room.booked + flight.room.kept();
    if taken != Space::default() && new.destination != flight.destination {
        let fault = Fault::new(FaultCode::OutOfOrder, "cannot be changed: the flight has bookings or holds");
        return Some(("destination", fault));
    }
    if taken != Space::default() && flight.is_freighter && !new.is_freighter {
        let fault = Fault::new(
            FaultCode::OutOfOrder,
            "names a freighter with bookings or holds, which must remain a freighter",
        );
        return Some(("aircraft_code", fault));
    }
    let short = taken.exceeds(flight.room.overbooking.authorized(new.capacity)).next()?;
    Some((short.as_str(), Fault::new(FaultCode::TooSmall, "must not be less than what is booked and held")))
}
