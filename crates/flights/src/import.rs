use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightStatus, Space};
use loadmaster_kernel::{AircraftCode, Fault, FlightId, UserId};
use loadmaster_platform::{
    postgres::{PgSession, allow_long_statements, commit, limit_lock_waits, retrying},
    tables::{CellKind, Columns, Table, TableError, read_apart, read_table},
};
use loadmaster_reference::Reference;

use super::{
    Departure, Flight, FlightError, FlightService, Lane, NewFlight,
    aboard::other_aircraft,
    create::local_date,
    dates::FormerNames,
    dto::{CapacityShape, CreateFlight},
    repository,
    timetable::{
        BATCH, Dated, ImportListener, ImportProgress, ImportStep, Imported, Name, Plan, Step, Timetable, name_of,
        refusal,
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

const KINDS: &[(&str, CellKind)] = &[
    ("departure_datetime", CellKind::Instant),
    ("arrival_datetime", CellKind::Instant),
    ("weight_kg", CellKind::Number),
    ("volume_m3", CellKind::Number),
    ("positions", CellKind::Number),
    ("cutoff_minutes", CellKind::Number),
];

/// Longest wait for another import, or for a flight.
const LONGEST_WAIT: Duration = Duration::from_secs(100);

impl FlightService {
    /// Reads a table of flights.
    pub async fn read_timetable(&self, table: Table) -> Result<Timetable, FlightError> {
        let reference = self.reference.clone();
        read_apart(move || Timetable::read(&table, &reference)).await?
    }

    /// Schedules those of these flights that never existed; existing and cancelled ones stay as they are.
    pub async fn add_missing(&self, flights: Vec<NewFlight>) -> Result<u64, FlightError> {
        let mut rows = Vec::with_capacity(flights.len());
        for (row, flight) in (1..).zip(flights) {
            let name = (flight.number, flight.origin, local_date(&self.reference, &flight)?);
            rows.push(Dated { row, name, flight });
        }
        let (mut missing, mut known) = (Timetable(rows), HashSet::new());
        for batch in missing.0.chunks(BATCH) {
            let found =
                repository::find_named(&mut *self.db.read().await?, &names(batch, &FormerNames::default())).await?;
            known.extend(found.iter().map(name_of));
        }
        missing.0.retain(|row| !known.contains(&row.name));
        retrying(|| self.try_add(&missing)).await
    }

    async fn try_add(&self, missing: &Timetable) -> Result<u64, FlightError> {
        let mut tx = self.db.begin().await?;
        begin_import_in_tx(&mut tx).await?;
        // What was scheduled meanwhile stays as it is.
        let plan = self.plan_in_tx(&mut tx, missing, &|_| {}).await?.only_new();
        let imported = self.carry_out_in_tx(&mut tx, None, &plan, self.clock.now(), &|_| {}).await?;
        commit(tx).await?;
        self.imported(&imported.touched);
        Ok(imported.summary.created)
    }

    /// Invalidates cached data; to be called after the commit of an import, as [`Self::changed`] is after other
    /// changes.
    pub fn imported(&self, touched: &[(Lane, Departure)]) {
        if !touched.is_empty() {
            self.written.take_in(touched);
            self.network.invalidate(touched.iter().map(|(lane, _)| *lane));
            self.availability.invalidate(touched.iter().map(|(_, departure)| departure.flight_id));
        }
    }

    /// Applies the timetable to the schedule. A row names its flight by number, origin and scheduled local date; an
    /// existing flight is changed, others are created. Waits for imports under way, plans by the current state, locks only
    /// flights that change, and verifies under the lock that they are still as planned for. With `dry_run` nothing is
    /// locked or written. Joins the caller's transaction, which must then apply the new times of retimed flights to their bookings, and fit the
    /// holds on changed flights.
    pub async fn import_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Option<UserId>,
        timetable: &Timetable,
        dry_run: bool,
        now: DateTime<Utc>,
        listener: &ImportListener,
    ) -> Result<Imported, FlightError> {
        if dry_run {
            allow_long_statements(tx).await?;
            let summary = self.plan_in_tx(tx, timetable, listener).await?.summary();
            return Ok(Imported { summary, ..Imported::default() });
        }
        begin_import_in_tx(tx).await?;
        let plan = self.plan_in_tx(tx, timetable, listener).await?;
        self.carry_out_in_tx(tx, actor, &plan, now, listener).await
    }

    async fn plan_in_tx<'a>(
        &self,
        tx: &mut PgSession,
        timetable: &'a Timetable,
        listener: &ImportListener,
    ) -> Result<Plan<'a>, FlightError> {
        let (mut plan, mut done) = (Plan::default(), 0);
        let former = self.former_names(tx, timetable).await?;
        for batch in timetable.0.chunks(BATCH) {
            let existing = repository::find_named(tx, &names(batch, &former)).await?.into_iter();
            let existing = existing.filter(|flight| flight.space.status != FlightStatus::Cancelled);
            let existing: HashMap<Name, Flight> = existing.map(|flight| (name_of(&flight), flight)).collect();
            let other = |dated: &Dated| other_aircraft(existing.get(&former.name_of(dated))?, &dated.flight);
            let other: Vec<(FlightId, AircraftCode)> = batch.iter().filter_map(other).collect();
            let too_small = self.too_small_in_tx(tx, &other).await?;
            for dated in batch {
                let step = if former.is_taken(dated) {
                    Step::Refused(dated.fault_of_taken_name())
                } else {
                    dated.step(existing.get(&former.name_of(dated)), &too_small, &self.reference)
                };
                plan.add(dated, step);
            }
            done += batch.len();
            listener(ImportProgress { step: ImportStep::Comparing, done, of: timetable.0.len() });
        }
        if plan.faults.is_empty() { Ok(plan) } else { Err(TableError::Faults(plan.faults).into()) }
    }

    /// Returns the flights whose rows in the timetable are refused and on which holds keep space: what is held may be the
    /// obstacle.
    pub async fn refused_with_holds(&self, timetable: &Timetable) -> Result<Vec<FlightId>, FlightError> {
        let mut all = Vec::new();
        let former = self.former_names(&mut *self.db.read().await?, timetable).await?;
        for batch in timetable.0.chunks(BATCH) {
            let rows: HashMap<Name, &NewFlight> = batch.iter().map(|row| (former.name_of(row), &row.flight)).collect();
            let existing = repository::find_named(&mut *self.db.read().await?, &names(batch, &former)).await?;
            let held = existing.into_iter().filter(|flight| flight.space.held != Space::default());
            let refused =
                held.filter(|flight| rows.get(&name_of(flight)).is_some_and(|new| refusal(flight, new).is_some()));
            all.extend(refused.map(|flight| flight.id));
        }
        Ok(all)
    }
}

/// Has the transaction wait until imports under way have ended, and allows it to take long: two that write the same flights
/// in another order would stop each other.
pub(super) async fn begin_import_in_tx(tx: &mut PgSession) -> Result<(), FlightError> {
    allow_long_statements(tx).await?;
    limit_lock_waits(tx, LONGEST_WAIT).await?;
    Ok(repository::lock_imports(tx).await?)
}

fn names(rows: &[Dated], former: &FormerNames) -> Vec<Name> {
    rows.iter().map(|row| former.name_of(row)).collect()
}

impl Timetable {
    /// Reads a table whose airports, airlines and aircraft must be in `reference`. Fails with at most 100 faults.
    pub fn read(table: &Table, reference: &Reference) -> Result<Self, FlightError> {
        let mut seen = HashMap::<Name, u64>::new();
        let columns = Columns { required: &COLUMNS, optional: &[], kinds: KINDS };
        let rows = read_table(table, &columns, |fields, row| {
            let flight = CreateFlight::read(fields, reference, CapacityShape::Cells);
            let flight = flight.and_then(|flight| flight.complete(reference))?;
            if !fields.is_clean() {
                return None;
            }
            let name = match local_date(reference, &flight) {
                Ok(date) => (flight.number, flight.origin, date),
                Err(error) => return Some(Err(error)),
            };
            match seen.entry(name) {
                Entry::Vacant(free) => drop(free.insert(row)),
                Entry::Occupied(first) => {
                    let text = format!("names the same flight as row {}", first.get());
                    fields.fault("flight_number", &Fault::format(text));
                }
            }
            Some(Ok(Dated { row, name, flight }))
        });
        Ok(Self(rows?.into_iter().collect::<Result<_, _>>()?))
    }
}
