use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::FlightStatus;
use loadmaster_kernel::{AirportCode, FlightNumber, UserId};
use loadmaster_platform::{
    postgres::{PgSession, allow_long_statements},
    tables::TableError,
};
use loadmaster_reference::Reference;

use super::{
    super::{
        FlightError, FlightService,
        import::begin_import_in_tx,
        model::Flight,
        repository,
        timetable::{Dated, ImportListener, Imported, Name, Plan, Step, name_of},
    },
    differences::{Differences, Effect, Gathering, Terms},
    model::{Periods, Season},
};

/// The flights on the schedule in the periods of a season.
struct ExistingFlights {
    periods: HashMap<AirportCode, HashMap<FlightNumber, Periods>>,
    existing: HashMap<Name, Flight>,
    cancelled: HashSet<Name>,
}

impl FlightService {
    /// Returns what the season does to the schedule as it is.
    pub async fn compare_season(&self, season: &Season) -> Result<Differences, FlightError> {
        let mut snapshot = self.db.snapshot().await?;
        allow_long_statements(&mut snapshot).await?;
        let found = find_in_tx(&mut snapshot, season).await?;
        Ok(compare(season, &found, &self.reference).0)
    }

    /// Applies the season, all or nothing, if its effect is still as `shown`; else fails with [`FlightError::NotAsShown`].
    /// Waits for imports under way, plans by the current state, locks only flights that change, and verifies under the lock that they are still as
    /// planned for. Joins the caller's transaction, which must then apply the new times of retimed flights to their
    /// bookings, and fit the holds on changed flights.
    pub async fn apply_season_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Option<UserId>,
        season: &Season,
        shown: &Differences,
        now: DateTime<Utc>,
        listener: &ImportListener,
    ) -> Result<Imported, FlightError> {
        if !season.is_of(now, &self.reference) {
            return Err(FlightError::NotAsShown);
        }
        begin_import_in_tx(tx).await?;
        let found = find_in_tx(tx, season).await?;
        let (differences, plan) = compare(season, &found, &self.reference);
        if differences != *shown {
            return Err(FlightError::NotAsShown);
        }
        if !plan.faults.is_empty() {
            return Err(TableError::Faults(plan.faults).into());
        }
        self.carry_out_in_tx(tx, actor, &plan, now, listener).await
    }
}

async fn find_in_tx(tx: &mut PgSession, season: &Season) -> Result<ExistingFlights, FlightError> {
    let periods = season.periods();
    let span = |origin: AirportCode, number: &FlightNumber, periods: &Periods| {
        let (first, last) = periods.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some((*number, origin, first, last))
    };
    let each = periods.iter().flat_map(|(origin, numbers)| numbers.iter().map(|(number, of)| (*origin, number, of)));
    let spans: Vec<_> = each.filter_map(|(origin, number, periods)| span(origin, number, periods)).collect();
    let mut found = ExistingFlights { periods, existing: HashMap::new(), cancelled: HashSet::new() };
    for flight in repository::find_within(tx, &spans).await? {
        if flight.room.status == FlightStatus::Cancelled {
            found.cancelled.insert(name_of(&flight));
        } else {
            found.existing.insert(name_of(&flight), flight);
        }
    }
    Ok(found)
}

/// Returns the differences, and how to carry them out.
fn compare<'a>(season: &'a Season, found: &'a ExistingFlights, reference: &Reference) -> (Differences, Plan<'a>) {
    let (mut gathering, mut plan, mut departed) = (Gathering::default(), Plan::default(), 0);
    for dated in &season.timetable.0 {
        let existing = found.existing.get(&dated.name);
        // What has left is no more to be changed than what left before today.
        if existing.is_some_and(|flight| flight.room.status != FlightStatus::Scheduled) {
            departed += 1;
            continue;
        }
        let step = dated.step(existing, reference);
        let (number, origin, date) = &dated.name;
        if let Some(effect) = effect(dated, &step, found, reference) {
            gathering.add(*number, *origin, *date, effect);
        }
        plan.add(dated, step);
    }
    let given: HashSet<&Name> = season.timetable.0.iter().map(|dated| &dated.name).collect();
    for (name, flight) in found.existing.iter().filter(|(name, _)| found.covers(name) && !given.contains(name)) {
        gathering.add(name.0, name.1, name.2, Effect::NotInFile(Terms::of(flight, reference)));
    }
    let unchanged = plan.summary().unchanged;
    (Differences { groups: gathering.finish(), unchanged, departed, past: season.past }, plan)
}

/// Returns what happens to a flight of the season, if anything.
fn effect(dated: &Dated, step: &Step<'_>, found: &ExistingFlights, reference: &Reference) -> Option<Effect> {
    let terms = Terms::of_new(&dated.flight, dated.name.2, reference);
    match step {
        Step::Create => Some(Effect::New { terms, was_cancelled: found.cancelled.contains(&dated.name) }),
        Step::Update(flight) => Some(Effect::Changed { from: Terms::of(flight, reference), to: terms }),
        Step::Unchanged => None,
        Step::Refused(faults) => {
            Some(Effect::Refused(terms, faults.iter().map(|fault| fault.message.clone()).collect()))
        }
    }
}

impl ExistingFlights {
    /// Returns whether one of the season's periods has this date.
    fn covers(&self, (number, origin, date): &(FlightNumber, AirportCode, NaiveDate)) -> bool {
        let periods = self.periods.get(origin).and_then(|numbers| numbers.get(number));
        periods.is_some_and(|periods| {
            let begun = &periods[..periods.partition_point(|(from, _)| from <= date)];
            begun.last().is_some_and(|(_, to)| date <= to)
        })
    }
}
