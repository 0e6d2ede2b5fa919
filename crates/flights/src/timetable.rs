//! Dated flights of a table, and what becomes of each on the schedule.
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{self as capacity, FlightStatus, Space};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId, FlightNumber, UserId, Volume, Weight};
use loadmaster_platform::{
    postgres::PgSession,
    tables::{ImportSummary, TableFaults},
    web::{Fields, InputFault},
};
use loadmaster_reference::Reference;
use serde_json::json;

use super::{
    Departure, Flight, FlightError, FlightService, Lane, NewFlight, repository,
    save::{Insertion, change_all_in_tx},
};

/// Rows that are compared, and flights that are written, by one statement.
pub(super) const BATCH: usize = 500;

/// New flights after which an import has the database count them, and again at its end.
const MANY: usize = 10_000;

/// The name of a flight: its number leaves an origin once a local calendar day.
pub(super) type Name = (FlightNumber, AirportCode, NaiveDate);

/// The dated flights of a table without faults.
#[derive(Debug)]
pub struct Timetable(pub(super) Vec<Dated>);

/// A dated flight, and the row that gives it.
#[derive(Debug)]
pub(super) struct Dated {
    pub row: u64,
    pub name: Name,
    pub flight: NewFlight,
}

/// What becomes of a dated flight; `existing` is the flight of its name, if it is on the schedule.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Create,
    Update(&'a Flight),
    Unchanged,
    Refused(Vec<InputFault>),
}

/// The actions to take for a timetable.
#[derive(Default)]
pub(super) struct Plan<'a> {
    create: Vec<&'a Dated>,
    update: Vec<Update<'a>>,
    unchanged: u64,
    pub faults: TableFaults,
}

/// A flight that changes, as it was planned for, and the new values from its row.
#[derive(Debug, Clone, Copy)]
struct Update<'a> {
    flight: FlightId,
    version: i32,
    new: &'a NewFlight,
}

/// How far an import is: the number of rows compared with the schedule, or of flights written, and the number of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    pub step: ImportStep,
    pub done: usize,
    pub of: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportStep {
    Comparing,
    Writing,
}

/// Receives the progress of an import.
pub type ImportListener = dyn Fn(ImportProgress) + Send + Sync;

/// The effect of a timetable on the schedule.
#[derive(Debug, Default)]
pub struct Imported {
    pub summary: ImportSummary,
    /// Flights with a changed departure or arrival time, as they are now.
    pub retimed: Vec<Flight>,
    /// Flights with other times than before, that close earlier or have fewer positions: holds on them are to be fitted.
    pub to_fit: Vec<FlightId>,
    /// All new and changed flights, on their lanes.
    pub touched: Vec<(Lane, Departure)>,
}

impl Dated {
    /// `too_small`: flights on which pieces that are booked would not fit on the aircraft of their rows.
    pub fn step<'a>(
        &self,
        existing: Option<&'a Flight>,
        too_small: &HashSet<FlightId>,
        reference: &Reference,
    ) -> Step<'a> {
        let Some(existing) = existing else {
            let inactive = self.flight.faults_of_inactive(reference);
            let faults = inactive.iter().flat_map(|(member, fault)| self.fault(member.trim_start_matches('/'), fault));
            let faults: Vec<_> = faults.collect();
            return if faults.is_empty() { Step::Create } else { Step::Refused(faults) };
        };
        if self.flight.is_same_as(existing) {
            return Step::Unchanged;
        }
        let oversize = || {
            let text = "has no opening for pieces that are booked on the flight";
            too_small.contains(&existing.id).then(|| ("aircraft_code", Fault::new(FaultCode::TooSmall, text)))
        };
        match refusal(existing, &self.flight).or_else(oversize) {
            None => Step::Update(existing),
            Some((column, fault)) => Step::Refused(self.fault(column, &fault)),
        }
    }

    /// Returns the fault of a row whose name another flight has, which the table gives too.
    pub fn fault_of_taken_name(&self) -> Vec<InputFault> {
        let text = "leaves on the local date by which the schedule names another flight of this table: the rules of time zones were \
                    others when that flight was scheduled";
        self.fault("flight_number", &Fault::format(text))
    }

    /// Returns a fault of the row that the schedule, or what the table is for, causes.
    pub fn fault(&self, column: &str, fault: &Fault) -> Vec<InputFault> {
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

impl<'a> Plan<'a> {
    pub fn add(&mut self, dated: &'a Dated, step: Step<'_>) {
        match step {
            Step::Create => self.create.push(dated),
            Step::Update(flight) => {
                self.update.push(Update { flight: flight.id, version: flight.space.version, new: &dated.flight });
            }
            Step::Unchanged => self.unchanged += 1,
            Step::Refused(faults) => self.faults.add(faults),
        }
    }

    /// Returns the flights on the schedule that are to be changed.
    pub fn changing(&self) -> Vec<FlightId> {
        self.update.iter().map(|update| update.flight).collect()
    }

    /// Returns the same with new flights in the order of their rows.
    pub fn in_order_of_rows(mut self) -> Self {
        self.create.sort_by_key(|dated| dated.row);
        self
    }

    /// Returns the same without changes of existing flights.
    pub fn only_new(self) -> Self {
        Self { update: Vec::new(), ..self }
    }

    pub fn summary(&self) -> ImportSummary {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        ImportSummary {
            created: count(self.create.len()),
            updated: count(self.update.len()),
            unchanged: self.unchanged,
        }
    }
}

impl FlightService {
    /// Writes what the plan says, or fails with [`FlightError::Raced`] if a flight is no longer as planned for. Locks only
    /// flights that change, and these last: bookings on them wait until the commit.
    pub(super) async fn carry_out_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Option<UserId>,
        plan: &Plan<'_>,
        now: DateTime<Utc>,
        listener: &ImportListener,
    ) -> Result<Imported, FlightError> {
        let mut done = Imported { summary: plan.summary(), ..Imported::default() };
        let of = plan.create.len() + plan.update.len();
        let report =
            |done: &Imported| listener(ImportProgress { step: ImportStep::Writing, done: done.touched.len(), of });
        let as_new = |dated: &&Dated| dated.flight.as_flight(self.ids.next(now), dated.name.2, now);
        let mut batches = plan.create.chunks(BATCH).map(|batch| {
            let new: Vec<Flight> = batch.iter().map(as_new).collect();
            (Insertion::of(&new, actor, now), new)
        });
        let mut next = batches.next();
        while let Some((insertion, new)) = next {
            // The next batch is drawn up while the database writes this one.
            let (inserted, following) = tokio::join!(insertion.run_in_tx(tx), async { batches.next() });
            inserted.map_err(|error| match error {
                FlightError::AlreadyExists => FlightError::Raced,
                error => error,
            })?;
            let before = done.touched.len();
            done.touched.extend(new.iter().map(touched));
            let is_last = following.is_none() && done.touched.len() > MANY;
            if is_last || (before < MANY && done.touched.len() >= MANY) {
                repository::refresh_statistics(tx).await?;
            }
            report(&done);
            next = following;
        }
        lock_all_in_tx(tx, &plan.update).await?;
        for batch in plan.update.chunks(BATCH) {
            update_in_tx(tx, batch, actor, now, &mut done).await?;
            report(&done);
        }
        Ok(done)
    }
}

pub(super) fn name_of(flight: &Flight) -> Name {
    (flight.number, flight.origin, flight.scheduled_date)
}

fn touched(flight: &Flight) -> (Lane, Departure) {
    let departure = Departure::new(flight.id, flight.number, flight.departure, flight.arrival);
    let departure = departure.with(flight.space.version, flight.aircraft, flight.is_freighter);
    ((flight.origin, flight.destination), departure)
}

/// Locks the flights that change, in ascending order. If one is no longer of the version planned for, the whole import
/// starts over.
async fn lock_all_in_tx(tx: &mut PgSession, planned: &[Update<'_>]) -> Result<(), FlightError> {
    let mut flights: Vec<(FlightId, i32)> = planned.iter().map(|update| (update.flight, update.version)).collect();
    flights.sort_unstable();
    for batch in flights.chunks(BATCH) {
        let ids: Vec<FlightId> = batch.iter().map(|(flight, _)| *flight).collect();
        let spaces = capacity::lock_in_tx(tx, &ids).await?;
        let spaces: HashMap<FlightId, i32> = spaces.into_iter().map(|space| (space.flight_id, space.version)).collect();
        if batch.iter().any(|(flight, version)| spaces.get(flight) != Some(version)) {
            return Err(FlightError::Raced);
        }
    }
    Ok(())
}

/// Changes flights, which the caller has locked, as their rows say. If bookings made meanwhile forbid it, the whole import
/// starts over.
async fn update_in_tx(
    tx: &mut PgSession,
    planned: &[Update<'_>],
    actor: Option<UserId>,
    now: DateTime<Utc>,
    done: &mut Imported,
) -> Result<(), FlightError> {
    let ids: Vec<_> = planned.iter().map(|update| update.flight.uuid()).collect();
    let found = repository::find(tx, &ids).await?;
    let mut before: HashMap<FlightId, Flight> = found.into_iter().map(|flight| (flight.id, flight)).collect();
    let mut changed = Vec::with_capacity(planned.len());
    for Update { flight, new, .. } in planned {
        let flight = before.get(flight).ok_or(FlightError::Raced)?;
        if refusal(flight, new).is_some() {
            return Err(FlightError::Raced);
        }
        changed.push(new.over(flight));
    }
    for saved in change_all_in_tx(tx, changed, actor, now).await? {
        let Some(flight) = before.remove(&saved.id) else { continue };
        let is_retimed = (saved.departure, saved.arrival) != (flight.departure, flight.arrival);
        let has_fewer = saved.space.physical.positions < flight.space.physical.positions;
        if is_retimed || has_fewer || saved.space.cutoff < flight.space.cutoff {
            done.to_fit.push(saved.id);
        }
        done.touched.push(touched(&saved));
        if is_retimed {
            done.retimed.push(saved);
        }
    }
    Ok(())
}

/// Returns why an existing flight may not be changed as the row says, and the column at fault.
pub(super) fn refusal(flight: &Flight, new: &NewFlight) -> Option<(&'static str, Fault)> {
    if flight.space.status != FlightStatus::Scheduled {
        let fault = Fault::new(FaultCode::OutOfOrder, "names a flight that has departed and can no longer be changed");
        return Some(("flight_number", fault));
    }
    let taken = flight.space.taken();
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
    let short = taken.exceeds(flight.space.overbooking.authorized(new.capacity)).next()?;
    Some((short.as_str(), Fault::new(FaultCode::TooSmall, "must not be less than what is booked and held")))
}
