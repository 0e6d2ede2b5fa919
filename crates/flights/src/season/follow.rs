//! What the file of a feed does to the schedule: a season that leaves what persons keep from it, and whose missing flights count.
use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity::{self as capacity, FlightStatus, Space};
use loadmaster_kernel::{AirlineCode, AirportCode, Fault, FaultCode, FeedId, FlightId, FlightNumber, UserId};
use loadmaster_platform::{
    postgres::{PgSession, allow_long_statements},
    tables::TableFaults,
};

use super::{
    super::{
        Flight, FlightError, FlightEventType, FlightService,
        import::begin_import_in_tx,
        repository::feeds,
        save::{find_all_in_tx, save_in_tx},
        timetable::{BATCH, Dated, ImportListener, Imported, Name, Plan},
    },
    compare::Compared,
    differences::{Differences, Effect, Group},
    model::Season,
};

/// Flights that one statement notes as a feed's.
const NOTED: usize = 5000;

/// How a feed changes the schedule.
#[derive(Debug, Clone, Copy)]
pub struct FeedRule {
    pub feed: FeedId,
    /// A flight with bookings or holds that moves further counts as one that moves far.
    pub far: TimeDelta,
    /// Whether flights of the feed that the file does not give are cancelled, if they have neither bookings nor holds.
    pub cancels_absent: bool,
}

/// What the file of a feed does to the schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedDifferences {
    /// Without flights that the file does not give.
    pub season: Differences,
    /// Flights of the file that persons keep from feeds: they stay as they are.
    pub kept: u64,
    /// Flights with bookings or holds that move far, in the order of the file.
    pub far: Vec<FarFlight>,
    /// Scheduled flights of the feed within the dates of the file that are still to leave, without those that are kept.
    pub of_feed: u64,
    /// Those of them that the file does not give.
    pub absent: Vec<AbsentFlight>,
    /// Flights of the file that were not the feed's before.
    pub adopted: u64,
}

/// A flight of a feed that its file does not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsentFlight {
    pub id: FlightId,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub date: NaiveDate,
    /// It has bookings or holds.
    pub has_freight: bool,
}

/// A flight with bookings or holds that moves far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FarFlight {
    pub id: FlightId,
    /// Its local date.
    pub date: NaiveDate,
}

/// The effect of a feed's file on the schedule.
#[derive(Debug, Default)]
pub struct Followed {
    pub imported: Imported,
    pub cancelled: Vec<Flight>,
}

/// What applying the file of a feed does, of its differences: what becomes of flights, which of those with bookings or holds move
/// far, and which are cancelled. That others leave meanwhile changes none of it.
#[derive(Debug, PartialEq, Eq)]
pub struct FeedEffect<'a> {
    pub groups: &'a [Group],
    pub far: &'a [FarFlight],
    pub cancels: Vec<AbsentFlight>,
}

impl FeedDifferences {
    pub fn effect(&self, rule: &FeedRule) -> FeedEffect<'_> {
        let empty = self.absent.iter().filter(|flight| rule.cancels_absent && !flight.has_freight);
        FeedEffect { groups: &self.season.groups, far: &self.far, cancels: empty.copied().collect() }
    }

    /// Returns whether applying would write anything.
    pub fn has_changes(&self, rule: &FeedRule) -> bool {
        let cancels = rule.cancels_absent && self.absent.iter().any(|flight| !flight.has_freight);
        self.season.has_changes() || self.adopted > 0 || cancels
    }

    /// Returns the number of flights that the file may not change as it says.
    pub fn refused(&self) -> usize {
        self.season.count(|effect| matches!(effect, Effect::Refused(..)))
    }
}

impl Season {
    /// Returns whether it gives no flight from today on.
    pub const fn is_empty(&self) -> bool {
        self.timetable.0.is_empty()
    }

    /// Returns the faults of flights that are not these airlines'.
    pub fn faults_of_airlines(&self, airlines: &BTreeSet<AirlineCode>) -> TableFaults {
        let mut faults = TableFaults::default();
        let fault = || Fault::new(FaultCode::NotAllowed, "is not a flight of an airline of this feed");
        for dated in self.timetable.0.iter().filter(|dated| !airlines.contains(&dated.flight.number.airline())) {
            faults.add(dated.fault("flight_number", &fault()));
        }
        faults
    }

    /// Returns the first and the last local date of its flights.
    fn dates(&self) -> Option<(NaiveDate, NaiveDate)> {
        let dates = self.timetable.0.iter().map(|dated| (dated.name.2, dated.name.2));
        dates.reduce(|(first, last), (date, _)| (first.min(date), last.max(date)))
    }
}

/// What the file of a feed does to the schedule, and how.
struct FeedCompared<'a> {
    differences: FeedDifferences,
    plan: Plan<'a>,
    /// Flights of the file that are scheduled, and that no person keeps.
    given: Vec<FlightId>,
    /// Those that move far, and have neither bookings nor holds.
    empty_far: HashSet<FlightId>,
}

impl FlightService {
    /// Returns what the file of a feed does to the schedule as it is.
    pub async fn compare_feed(&self, season: &Season, rule: &FeedRule) -> Result<FeedDifferences, FlightError> {
        let mut snapshot = self.db.snapshot().await?;
        allow_long_statements(&mut snapshot).await?;
        Ok(self.compared_in_tx(&mut snapshot, season, rule).await?.differences)
    }

    /// Applies the file of a feed, all of it or nothing, if its effect is still as `shown`; else fails with
    /// [`FlightError::NotAsShown`]. Flights that may not become what the file says stay as they are. Else as
    /// [`Self::apply_season_in_tx`], with the same duties of the caller.
    pub async fn apply_feed_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Option<UserId>,
        (season, shown): (&Season, &FeedDifferences),
        rule: &FeedRule,
        now: DateTime<Utc>,
        listener: &ImportListener,
    ) -> Result<Followed, FlightError> {
        if !season.is_of(now, &self.reference) {
            return Err(FlightError::NotAsShown);
        }
        begin_import_in_tx(tx).await?;
        let FeedCompared { differences, plan, given, empty_far } = self.compared_in_tx(tx, season, rule).await?;
        if differences.effect(rule) != shown.effect(rule) {
            return Err(FlightError::NotAsShown);
        }
        let imported = self.carry_out_in_tx(tx, actor, &plan, now, listener).await?;
        // What changes is locked by now. What persons have decided before that, and what was booked, counts.
        let is_filled = |flight: &Flight| empty_far.contains(&flight.id) && has_freight(flight);
        if imported.retimed.iter().any(is_filled) {
            return Err(FlightError::NotAsShown);
        }
        for batch in plan.changing().chunks(NOTED) {
            if !kept_in_tx(tx, batch).await?.is_empty() {
                return Err(FlightError::NotAsShown);
            }
        }
        let mut given: HashSet<FlightId> = given.into_iter().collect();
        given.extend(imported.touched.iter().map(|(_, departure)| departure.flight_id));
        let mut given: Vec<FlightId> = given.into_iter().collect();
        given.sort_unstable();
        for batch in given.chunks(NOTED) {
            feeds::note(tx, rule.feed, batch, now).await?;
        }
        let cancelled =
            if rule.cancels_absent { cancel_in_tx(tx, &differences.absent, actor, now).await? } else { Vec::new() };
        Ok(Followed { imported, cancelled })
    }

    async fn compared_in_tx<'a>(
        &self,
        tx: &mut PgSession,
        season: &'a Season,
        rule: &FeedRule,
    ) -> Result<FeedCompared<'a>, FlightError> {
        let (mut kept, mut of_feed) = (HashSet::new(), Vec::new());
        if let Some(dates) = season.dates() {
            kept.extend(feeds::kept(tx, dates.0).await?);
            of_feed = feeds::of_feed(tx, rule.feed, dates).await?;
        }
        let followed: HashSet<FlightId> = of_feed.iter().map(|flight| flight.id).collect();
        let (mut far, mut adopted, mut given, mut empty_far) = (Vec::new(), 0, Vec::new(), HashSet::new());
        let mut note = |dated: &Dated, flight: &Flight| {
            let by = |before: DateTime<Utc>, after: DateTime<Utc>| (after - before).abs();
            let moves = by(flight.departure, dated.flight.departure).max(by(flight.arrival, dated.flight.arrival));
            if moves > rule.far && has_freight(flight) {
                far.push(FarFlight { id: flight.id, date: dated.name.2 });
            } else if moves > rule.far {
                empty_far.insert(flight.id);
            }
            adopted += u64::from(!followed.contains(&flight.id));
            given.push(flight.id);
        };
        let compared = self.compare_in_tx(tx, season, &kept, &mut note).await?;
        let Compared { differences: mut of_season, plan, kept } = compared;
        of_season.groups.retain(|group| !matches!(group.effect, Effect::NotInFile(_)));
        let names: HashSet<Name> = season.timetable.0.iter().map(|dated| dated.name).collect();
        // A file of what is still to leave lacks none of those that have left today.
        let now = self.clock.now();
        let free = || of_feed.iter().filter(|flight| !flight.is_kept && flight.departure > now);
        let absent = free().filter(|flight| !names.contains(&(flight.number, flight.origin, flight.date)));
        let absent = absent.map(|flight| AbsentFlight {
            id: flight.id,
            number: flight.number,
            origin: flight.origin,
            date: flight.date,
            has_freight: flight.has_freight,
        });
        let differences = FeedDifferences {
            season: of_season,
            kept,
            far,
            of_feed: u64::try_from(free().count()).unwrap_or(u64::MAX),
            absent: absent.collect(),
            adopted,
        };
        Ok(FeedCompared { differences, plan, given, empty_far })
    }
}

/// Returns whether it has bookings or holds.
fn has_freight(flight: &Flight) -> bool {
    flight.space.taken() != Space::default()
}

/// Returns those of these flights that persons keep from feeds.
async fn kept_in_tx(tx: &mut PgSession, flights: &[FlightId]) -> Result<HashSet<FlightId>, FlightError> {
    let found = feeds::find(tx, flights).await?.into_iter();
    Ok(found.filter(|(_, feed)| feed.is_kept).map(|(flight, _)| flight).collect())
}

/// Cancels those of these flights that have neither bookings nor holds, and that no person keeps, under their locks. Returns them.
async fn cancel_in_tx(
    tx: &mut PgSession,
    absent: &[AbsentFlight],
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<Flight>, FlightError> {
    let mut empty: Vec<FlightId> = absent.iter().filter(|flight| !flight.has_freight).map(|flight| flight.id).collect();
    empty.sort_unstable();
    let mut cancelled = Vec::new();
    for batch in empty.chunks(BATCH) {
        let spaces = capacity::lock_in_tx(tx, batch).await?;
        let kept = kept_in_tx(tx, batch).await?;
        let is_empty = |flight: &Flight| {
            let space = spaces.iter().find(|space| space.flight_id == flight.id);
            space.is_some_and(|space| {
                space.status == FlightStatus::Scheduled && space.booked + space.held == Space::default()
            })
        };
        let mut flights = find_all_in_tx(tx, batch).await?;
        flights.sort_unstable_by_key(|flight| flight.id);
        for mut flight in flights.into_iter().filter(|flight| is_empty(flight) && !kept.contains(&flight.id)) {
            flight.space.status = FlightStatus::Cancelled;
            cancelled.push(save_in_tx(tx, flight, FlightEventType::Cancelled, actor, now).await?);
        }
    }
    Ok(cancelled)
}
