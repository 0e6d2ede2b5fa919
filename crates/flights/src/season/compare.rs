use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::FlightStatus;
use loadmaster_kernel::{AircraftCode, AirportCode, FlightId, FlightNumber, UserId};
use loadmaster_platform::{
    postgres::{PgSession, allow_long_statements},
    tables::TableError,
};
use loadmaster_reference::Reference;

use super::{
    super::{
        FlightError, FlightService,
        aboard::other_aircraft,
        import::begin_import_in_tx,
        model::Flight,
        repository,
        timetable::{Dated, ImportListener, Imported, Name, Plan, Step, name_of},
    },
    differences::{Differences, Effect, Gathering, Terms},
    model::{Periods, Season},
};

/// Flights of the season, and their numbers, that are compared at a time: what is on the schedule for all would take much memory.
const FLIGHTS: usize = 5_000;
const NUMBERS: usize = 1_000;

/// What a season does to the schedule, and how.
pub(super) struct Compared<'a> {
    pub differences: Differences,
    pub plan: Plan<'a>,
    /// Flights of the season that persons keep from it.
    pub kept: u64,
}

/// Receives each flight of the season that is scheduled, and that no person keeps.
pub(super) type Given<'a> = dyn FnMut(&Dated, &Flight) + Send + 'a;

impl FlightService {
    /// Returns what the season does to the schedule as it is.
    pub async fn compare_season(&self, season: &Season) -> Result<Differences, FlightError> {
        let mut snapshot = self.db.snapshot().await?;
        allow_long_statements(&mut snapshot).await?;
        let kept = HashSet::new();
        Ok(self.compare_in_tx(&mut snapshot, season, &kept, &mut |_, _| {}).await?.differences)
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
        let kept = HashSet::new();
        let Compared { differences, plan, .. } = self.compare_in_tx(tx, season, &kept, &mut |_, _| {}).await?;
        if differences != *shown {
            return Err(FlightError::NotAsShown);
        }
        if !plan.faults.is_empty() {
            return Err(TableError::Faults(plan.faults).into());
        }
        self.carry_out_in_tx(tx, actor, &plan, now, listener).await
    }

    /// Compares the season with the schedule, a part at a time; `kept` are flights that persons keep from it.
    pub(super) async fn compare_in_tx<'a>(
        &self,
        tx: &mut PgSession,
        season: &'a Season,
        kept: &HashSet<FlightId>,
        given: &mut Given<'_>,
    ) -> Result<Compared<'a>, FlightError> {
        let (gathering, plan) = (Gathering::default(), Plan::default());
        let mut comparing = Comparing { reference: &self.reference, gathering, plan, departed: 0, kept: 0 };
        for part in parts(season) {
            let found = self.existing_in_tx(tx, &part, kept).await?;
            comparing.add(&part, &found, given);
        }
        let Comparing { gathering, plan, departed, kept, .. } = comparing;
        let unchanged = plan.summary().unchanged;
        let Season { past, other_offsets, .. } = *season;
        let differences = Differences { groups: gathering.finish(), unchanged, departed, past, other_offsets };
        Ok(Compared { differences, plan: plan.in_order_of_rows(), kept })
    }

    /// Returns the flights in the periods of the part; `kept` are those that persons keep from it.
    async fn existing_in_tx(
        &self,
        tx: &mut PgSession,
        part: &Part<'_>,
        kept: &HashSet<FlightId>,
    ) -> Result<ExistingFlights, FlightError> {
        let mut found = find_in_tx(tx, part, kept).await?;
        let other = |dated: &&Dated| other_aircraft(found.existing.get(&dated.name)?, &dated.flight);
        let other: Vec<(FlightId, AircraftCode)> = part.dated.iter().filter_map(other).collect();
        found.too_small = self.too_small_in_tx(tx, &other).await?;
        Ok(found)
    }
}

/// Some numbers of a season, each out of one origin, with their periods and flights.
#[derive(Default)]
struct Part<'a> {
    periods: HashMap<(FlightNumber, AirportCode), Periods>,
    dated: Vec<&'a Dated>,
}

fn parts(season: &Season) -> Vec<Part<'_>> {
    let mut numbers = BTreeMap::<(FlightNumber, AirportCode), (Periods, Vec<&Dated>)>::new();
    for (origin, of_origin) in season.periods() {
        for (number, periods) in of_origin {
            numbers.entry((number, origin)).or_default().0 = periods;
        }
    }
    for dated in &season.timetable.0 {
        numbers.entry((dated.name.0, dated.name.1)).or_default().1.push(dated);
    }
    let mut parts = Vec::<Part<'_>>::new();
    for (number, (periods, dated)) in numbers {
        let is_full = |part: &Part<'_>| part.dated.len() >= FLIGHTS || part.periods.len() >= NUMBERS;
        if parts.last().is_none_or(is_full) {
            parts.push(Part::default());
        }
        if let Some(part) = parts.last_mut() {
            part.periods.insert(number, periods);
            part.dated.extend(dated);
        }
    }
    parts
}

impl Part<'_> {
    /// Returns whether one of its periods has this date.
    fn covers(&self, (number, origin, date): &Name) -> bool {
        self.periods.get(&(*number, *origin)).is_some_and(|periods| {
            let begun = &periods[..periods.partition_point(|(from, _)| from <= date)];
            begun.last().is_some_and(|(_, to)| date <= to)
        })
    }
}

/// The flights on the schedule in the periods of a part.
#[derive(Default)]
struct ExistingFlights {
    existing: HashMap<Name, Flight>,
    cancelled: HashSet<Name>,
    /// Those that persons keep from the feed whose season it is, cancelled ones too.
    kept: HashSet<Name>,
    /// Those on which pieces that are booked would not fit on the aircraft that the season gives them.
    too_small: HashSet<FlightId>,
}

async fn find_in_tx(
    tx: &mut PgSession,
    part: &Part<'_>,
    kept: &HashSet<FlightId>,
) -> Result<ExistingFlights, FlightError> {
    let span = |(number, origin): &(FlightNumber, AirportCode), periods: &Periods| {
        let (first, last): (NaiveDate, NaiveDate) =
            periods.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some((*number, *origin, first, last))
    };
    let spans: Vec<_> = part.periods.iter().filter_map(|(number, periods)| span(number, periods)).collect();
    let (mut found, mut kept_cancelled) = (ExistingFlights::default(), Vec::new());
    for flight in repository::find_within(tx, &spans).await? {
        let (name, is_kept) = (name_of(&flight), kept.contains(&flight.id));
        if flight.space.status == FlightStatus::Cancelled {
            kept_cancelled.extend(is_kept.then_some(name));
            found.cancelled.insert(name);
        } else {
            if is_kept {
                found.kept.insert(name);
            }
            found.existing.insert(name, flight);
        }
    }
    // One that was put on the schedule again in the place of one that was cancelled is as any other.
    found.kept.extend(kept_cancelled.into_iter().filter(|name| !found.existing.contains_key(name)));
    Ok(found)
}

/// The differences so far, and how to carry them out.
struct Comparing<'a, 'r> {
    reference: &'r Reference,
    gathering: Gathering,
    plan: Plan<'a>,
    departed: u64,
    kept: u64,
}

impl<'a> Comparing<'a, '_> {
    fn add(&mut self, part: &Part<'a>, found: &ExistingFlights, given: &mut Given<'_>) {
        for dated in part.dated.iter().copied() {
            if found.kept.contains(&dated.name) {
                self.kept += 1;
                continue;
            }
            let existing = found.existing.get(&dated.name);
            if let Some(flight) = existing {
                // What has left is no more to be changed than what left before today.
                if flight.space.status != FlightStatus::Scheduled {
                    self.departed += 1;
                    continue;
                }
                given(dated, flight);
            }
            let step = dated.step(existing, &found.too_small, self.reference);
            let (number, origin, date) = dated.name;
            if let Some(effect) = effect(dated, &step, found, self.reference) {
                self.gathering.add(number, origin, date, effect);
            }
            self.plan.add(dated, step);
        }
        let names: HashSet<&Name> = part.dated.iter().map(|dated| &dated.name).collect();
        let is_absent = |name: &Name| part.covers(name) && !names.contains(name) && !found.kept.contains(name);
        for (name, flight) in found.existing.iter().filter(|(name, _)| is_absent(name)) {
            self.gathering.add(name.0, name.1, name.2, Effect::NotInFile(Terms::of(flight, self.reference)));
        }
    }
}

/// Returns what happens to a flight of the season, if anything.
fn effect(dated: &Dated, step: &Step<'_>, found: &ExistingFlights, reference: &Reference) -> Option<Effect> {
    let existing = found.existing.get(&dated.name);
    let terms = || Terms::of_new(&dated.flight, existing, dated.name.2, reference);
    match step {
        Step::Create => Some(Effect::New { terms: terms(), was_cancelled: found.cancelled.contains(&dated.name) }),
        Step::Update(flight) => Some(Effect::Changed { from: Terms::of(flight, reference), to: terms() }),
        Step::Unchanged => None,
        Step::Refused(faults) => {
            Some(Effect::Refused(terms(), faults.iter().map(|fault| fault.message.clone()).collect()))
        }
    }
}
