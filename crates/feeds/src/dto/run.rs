use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use loadmaster_flights::{AbsentFlight, Effect, FeedDifferences, Group, LocalTime, Terms};
use loadmaster_kernel::{AircraftCode, AirportCode, FeedId, FeedRunId, FlightNumber, UserId, Volume, Weight, words};
use loadmaster_platform::web::{read, request};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{FileFault, Run, RunStatus, RunTrigger};

/// Most differences of a run that are kept.
const MOST_DIFFERENCES: usize = 10_000;
/// Most characters that differences are searched for.
const LONGEST_SEARCH: usize = 20;

/// A run of a feed: what its file does, or did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedRun)]
pub struct RunBody {
    pub id: FeedRunId,
    pub feed_id: FeedId,
    pub trigger: RunTrigger,
    pub status: RunStatus,
    /// The user who started, applied or rejected the run. Null: it ran on schedule, and no user has decided on it.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// The name of the file in its folder; null for others.
    #[schema(required = true)]
    pub file_name: Option<String>,
    /// Bytes of the file as it came; null if there was none.
    #[schema(required = true)]
    pub bytes: Option<i64>,
    /// Flights, tariffs or rates that are new.
    pub created: i64,
    /// Those that change.
    pub updated: i64,
    /// Those that are as they were.
    pub unchanged: i64,
    /// Flights that persons keep from the feed: they stay as they are.
    pub kept: i64,
    /// Scheduled flights of the feed within the dates of the file that it does not give.
    pub absent: i64,
    /// Flights that may not become what the file says: they stay as they are.
    pub refused: i64,
    /// Absent flights that were cancelled.
    pub cancelled: i64,
    /// Faults of the file, of which `…/faults` shows the first 100.
    pub faults: i64,
    /// Legs of SSIM that state another offset from UTC than their airport has on their first day; the airport's counts.
    pub other_offsets: i64,
    /// Why it waits, failed or was rejected, and what to do; null otherwise.
    #[schema(required = true)]
    pub because: Option<String>,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended, or began to wait for a person; null before.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<&Run> for RunBody {
    fn from(run: &Run) -> Self {
        let counts = run.counts;
        Self {
            id: run.id,
            feed_id: run.feed,
            trigger: run.trigger,
            status: run.status,
            actor_id: run.actor,
            file_name: run.file_name.clone(),
            bytes: run.bytes,
            created: counts.created,
            updated: counts.updated,
            unchanged: counts.unchanged,
            kept: counts.kept,
            absent: counts.absent,
            refused: counts.refused,
            cancelled: counts.cancelled,
            faults: counts.faults,
            other_offsets: counts.other_offsets,
            because: run.because.clone(),
            started_at: run.started_at,
            ended_at: run.ended_at,
        }
    }
}

/// A fault of the file of a run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedFault)]
pub struct FaultBody {
    /// The row of a table, counted from 1 without the header, which is row 0; of SSIM the line.
    pub row: i64,
    /// The column of the table, by its heading; null: the whole row.
    #[schema(required = true)]
    pub column: Option<String>,
    /// A stable code for use in programs.
    #[schema(example = "unknown_value")]
    pub code: String,
    /// A sentence that can be shown to a user.
    pub message: String,
}

impl From<FileFault> for FaultBody {
    fn from(FileFault { row, column, code, message }: FileFault) -> Self {
        Self { row: row.unwrap_or_default(), column, code, message }
    }
}

words! {
    /// What becomes of flights.
    pub enum DifferenceEffect {
        New = "NEW",
        Changed = "CHANGED",
        /// They may not become what the file says, and stay as they are.
        Refused = "REFUSED",
        /// The file does not give them.
        Absent = "ABSENT",
    }
}

/// The dates of one flight number out of one origin to which the same happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedDifference)]
pub struct DifferenceBody {
    pub effect: DifferenceEffect,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    /// Local dates of departure, in order.
    #[schema(min_items = 1)]
    pub dates: Vec<NaiveDate>,
    /// What the flights are; null for new and absent ones.
    #[schema(required = true)]
    pub from: Option<FlightTerms>,
    /// What the file says; null for absent ones.
    #[schema(required = true)]
    pub to: Option<FlightTerms>,
    /// A flight of this name was cancelled before.
    pub was_cancelled: bool,
    /// Absent flights have bookings or holds.
    pub has_freight: bool,
    /// Why they may not become what the file says, in sentences.
    pub refused_because: Vec<String>,
}

/// What a flight is, whatever its date.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightTerms {
    pub destination: AirportCode,
    /// Local time of departure.
    #[schema(value_type = String, example = "10:00:00")]
    pub departure_time: NaiveTime,
    /// Days from the date of the flight to the departure.
    pub departure_day_offset: i64,
    /// Local time of arrival.
    #[schema(value_type = String, example = "14:30:00")]
    pub arrival_time: NaiveTime,
    /// Days from the date of the flight to the arrival.
    pub arrival_day_offset: i64,
    #[schema(required = true)]
    pub aircraft_code: Option<AircraftCode>,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// Number of whole ULD positions, of any type.
    pub positions: i64,
    /// Minutes before departure at which booking closes.
    pub cutoff_minutes: i64,
    /// The numbers under which other carriers sell them (codeshares), in order. Absent if none does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 50)]
    pub also_sold_as: Vec<FlightNumber>,
}

impl From<&Terms> for FlightTerms {
    fn from(terms: &Terms) -> Self {
        let at = |LocalTime { time, days, .. }: LocalTime| (time, days);
        let (departure_time, departure_day_offset) = at(terms.departure);
        let (arrival_time, arrival_day_offset) = at(terms.arrival);
        let [hectograms, litres, positions] = terms.capacity.figures();
        Self {
            destination: terms.destination,
            departure_time,
            departure_day_offset,
            arrival_time,
            arrival_day_offset,
            aircraft_code: terms.aircraft,
            weight_kg: Weight::from_hectograms(hectograms),
            volume_m3: Volume::from_litres(litres),
            positions,
            cutoff_minutes: terms.cutoff_minutes,
            also_sold_as: terms.also_sold_as.clone(),
        }
    }
}

impl DifferenceBody {
    fn of_group(group: &Group) -> Option<Self> {
        let (effect, from, to, was_cancelled, refused_because) = match &group.effect {
            Effect::New { terms, was_cancelled } => {
                (DifferenceEffect::New, None, Some(terms), *was_cancelled, Vec::new())
            }
            Effect::Changed { from, to } => (DifferenceEffect::Changed, Some(from), Some(to), false, Vec::new()),
            Effect::Refused(terms, because) => (DifferenceEffect::Refused, None, Some(terms), false, because.clone()),
            Effect::NotInFile(_) => return None,
        };
        Some(Self {
            effect,
            flight_number: group.number,
            origin: group.origin,
            dates: group.dates.clone(),
            from: from.map(FlightTerms::from),
            to: to.map(FlightTerms::from),
            was_cancelled,
            has_freight: false,
            refused_because,
        })
    }

    fn of_absent(flights: &[AbsentFlight]) -> Option<Self> {
        let first = flights.first()?;
        Some(Self {
            effect: DifferenceEffect::Absent,
            flight_number: first.number,
            origin: first.origin,
            dates: flights.iter().map(|flight| flight.date).collect(),
            from: None,
            to: None,
            was_cancelled: false,
            has_freight: first.has_freight,
            refused_because: Vec::new(),
        })
    }
}

/// Returns the first differences of a file as they are kept: what is refused, absent, changed and new.
pub fn documents(differences: &FeedDifferences) -> Vec<Value> {
    let mut absent = differences.absent.clone();
    absent.sort_unstable_by_key(|flight| (flight.has_freight, flight.number, flight.origin, flight.date));
    let together = |one: &AbsentFlight, other: &AbsentFlight| {
        (one.has_freight, one.number, one.origin) == (other.has_freight, other.number, other.origin)
    };
    let groups = &differences.season.groups;
    let refused = groups.partition_point(|group| matches!(group.effect, Effect::Refused(..)));
    let (refused, others) = groups.split_at(refused);
    let bodies = refused.iter().filter_map(DifferenceBody::of_group);
    let bodies = bodies.chain(absent.chunk_by(together).filter_map(DifferenceBody::of_absent));
    let bodies = bodies.chain(others.iter().filter_map(DifferenceBody::of_group));
    bodies.take(MOST_DIFFERENCES).filter_map(|body| serde_json::to_value(body).ok()).collect()
}

request! {
    /// Which differences of a run a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct DifferenceFilter in query {
        /// Only those with this effect.
        effect: Option<DifferenceEffect> = read::word(DifferenceEffect::WORDS),
        /// Part of the flight number, or the code of an airport from or to which the flights fly; case is ignored.
        #[param(max_length = 20, example = "AI101")]
        q: Option<String> = read::line(LONGEST_SEARCH),
    }
}

request! {
    /// Which runs a list shows.
    #[derive(Copy, Default)]
    pub struct RunFilter in query {
        /// Only those in this state.
        status: Option<RunStatus> = read::word(RunStatus::WORDS),
    }
}
