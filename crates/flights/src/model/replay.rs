//! Rebuilds a flight from its events and the sums of its ledger.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus, Overbooking, Space};
use loadmaster_kernel::{AircraftCode, AirportCode, FlightId, FlightNumber};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Flight, FlightEventType};

/// Version of the format of an event's data.
const DATA_VERSION: i32 = 1;

/// An event of a flight's history.
#[derive(Debug, Clone)]
pub struct PastEvent {
    pub sequence: i32,
    pub event_type: FlightEventType,
    pub data: Value,
    pub created_at: DateTime<Utc>,
}

/// The sums of a flight's ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerSum {
    pub entries: i64,
    pub booked: Space,
    pub held: Space,
}

/// A flight rebuilt from its history, with its two derived columns that are not members of `Flight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuiltFlight {
    pub flight: Flight,
    pub airline_code: String,
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// The number of an event, and its contradiction to the others.
pub type Contradiction = (i32, String);

/// Replays all events of one flight, in the order of their numbers. Returns `None` if the flight cannot be rebuilt.
pub fn replay(id: FlightId, events: &[PastEvent], ledger: LedgerSum) -> (Option<RebuiltFlight>, Vec<Contradiction>) {
    let mut rebuilt: Option<RebuiltFlight> = None;
    let mut wrong = Vec::new();
    for (number, event) in (1..).zip(events) {
        if event.sequence != number {
            wrong.push((event.sequence, format!("expected event {number} here")));
            return (None, wrong);
        }
        let data = match FlightData::read(&event.data) {
            Ok(data) => data,
            Err(text) => {
                wrong.push((event.sequence, text));
                return (None, wrong);
            }
        };
        let before = rebuilt.as_ref().map(|rebuilt| rebuilt.flight.space.status);
        if !follows(before, event.event_type, data.status) {
            wrong.push((
                event.sequence,
                format!(
                    "this event cannot follow the previous one, or does not result in the status {}",
                    data.status.as_str()
                ),
            ));
        }
        let created_at = rebuilt.as_ref().map_or(event.created_at, |rebuilt| rebuilt.flight.created_at);
        let unaware_of = rebuilt.as_ref().filter(|_| data.overbooking.is_none()).map(|rebuilt| rebuilt.flight.space);
        let sold_before = rebuilt.as_ref().and_then(|rebuilt| rebuilt.flight.also_sold_as.clone());
        let cancelled_at = rebuilt.and_then(|rebuilt| rebuilt.cancelled_at);
        let airline_code = data.flight_number.airline().as_str().to_owned();
        let mut flight = data.into_flight(id, event.sequence, created_at, event.created_at);
        flight.also_sold_as = flight.also_sold_as.or(sold_before);
        if let Some(before) = unaware_of {
            flight.space = flight.space.changed_unaware(&before);
        }
        (flight.space.booked, flight.space.held, flight.space.ledger_seq) =
            (ledger.booked, ledger.held, ledger.entries);
        rebuilt = Some(RebuiltFlight {
            airline_code,
            flight,
            cancelled_at: cancelled_at.or((event.event_type == FlightEventType::Cancelled).then_some(event.created_at)),
        });
    }
    (rebuilt, wrong)
}

/// Returns whether this event may change a flight's status from `before` to `after`.
fn follows(before: Option<FlightStatus>, event: FlightEventType, after: FlightStatus) -> bool {
    use FlightStatus::{Arrived, Cancelled, Departed, Scheduled};
    match (before, event) {
        (None, FlightEventType::Created) => after == Scheduled,
        (Some(before @ (Scheduled | Departed)), FlightEventType::Changed) => after == before,
        (Some(Scheduled), FlightEventType::Departed) => after == Departed,
        (Some(Departed), FlightEventType::Arrived) => after == Arrived,
        (Some(Scheduled), FlightEventType::Cancelled) => after == Cancelled,
        _ => false,
    }
}

/// All values of a flight in an event, except its id, the counters of its events, and its bookings. A member that this
/// build does not know is an error, since it would be lost.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = FlightMessage)]
#[serde(deny_unknown_fields)]
pub struct FlightData {
    /// The version of this form.
    version: i32,
    flight_number: FlightNumber,
    origin: AirportCode,
    destination: AirportCode,
    departure_at: DateTime<Utc>,
    arrival_at: DateTime<Utc>,
    scheduled_departure_at: DateTime<Utc>,
    scheduled_arrival_at: DateTime<Utc>,
    scheduled_date: NaiveDate,
    #[schema(required = true)]
    actual_departure_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    actual_arrival_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    aircraft_code: Option<AircraftCode>,
    is_freighter: bool,
    status: FlightStatus,
    /// In units of 0.1 kg: what may be sold.
    capacity_weight_hg: i64,
    /// In litres.
    capacity_volume_l: i64,
    capacity_positions: i64,
    /// Absent, as the three after it, if the event was written by a version without overbooking.
    overbooking: Option<Overbooking>,
    physical_weight_hg: Option<i64>,
    physical_volume_l: Option<i64>,
    physical_positions: Option<i64>,
    cutoff_at: DateTime<Utc>,
    /// The numbers under which other carriers sell the flight, in order. Absent if it has never been sold under another; also if
    /// the event was written by a version without it, which leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 50)]
    also_sold_as: Option<Vec<FlightNumber>>,
}

impl From<&Flight> for FlightData {
    fn from(flight: &Flight) -> Self {
        let [capacity_weight_hg, capacity_volume_l, capacity_positions] = flight.space.capacity.figures();
        let [physical_weight_hg, physical_volume_l, physical_positions] = flight.space.physical.figures().map(Some);
        Self {
            version: DATA_VERSION,
            flight_number: flight.number,
            origin: flight.origin,
            destination: flight.destination,
            departure_at: flight.departure,
            arrival_at: flight.arrival,
            scheduled_departure_at: flight.scheduled_departure,
            scheduled_arrival_at: flight.scheduled_arrival,
            scheduled_date: flight.scheduled_date,
            actual_departure_at: flight.actual_departure,
            actual_arrival_at: flight.actual_arrival,
            aircraft_code: flight.aircraft,
            is_freighter: flight.is_freighter,
            status: flight.space.status,
            capacity_weight_hg,
            capacity_volume_l,
            capacity_positions,
            overbooking: Some(flight.space.overbooking),
            physical_weight_hg,
            physical_volume_l,
            physical_positions,
            cutoff_at: flight.space.cutoff,
            also_sold_as: flight.also_sold_as.clone(),
        }
    }
}

impl FlightData {
    fn read(data: &Value) -> Result<Self, String> {
        let read =
            Self::deserialize(data).map_err(|error| format!("the data of this event cannot be read: {error}"))?;
        if read.version == DATA_VERSION {
            Ok(read)
        } else {
            Err(format!("the data of this event has version {}, which this build cannot read", read.version))
        }
    }

    /// Returns a flight of that version, with nothing booked on it.
    pub fn into_flight(
        self,
        id: FlightId,
        version: i32,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Flight {
        let capacity = Space::from_columns(self.capacity_weight_hg, self.capacity_volume_l, self.capacity_positions);
        let physical = [self.physical_weight_hg, self.physical_volume_l, self.physical_positions];
        let opened = FlightCapacity {
            physical: physical_of(physical).unwrap_or(capacity),
            overbooking: self.overbooking.unwrap_or_default(),
            ..FlightCapacity::opened(id, capacity, self.cutoff_at)
        };
        Flight {
            id,
            number: self.flight_number,
            origin: self.origin,
            destination: self.destination,
            departure: self.departure_at,
            arrival: self.arrival_at,
            scheduled_departure: self.scheduled_departure_at,
            scheduled_arrival: self.scheduled_arrival_at,
            scheduled_date: self.scheduled_date,
            actual_departure: self.actual_departure_at,
            actual_arrival: self.actual_arrival_at,
            aircraft: self.aircraft_code,
            is_freighter: self.is_freighter,
            also_sold_as: self.also_sold_as,
            created_at,
            updated_at,
            space: FlightCapacity { status: self.status, version, ledger_seq: 0, ..opened },
        }
    }
}

fn physical_of([weight_hg, volume_l, positions]: [Option<i64>; 3]) -> Option<Space> {
    Some(Space::from_columns(weight_hg?, volume_l?, positions?))
}

#[cfg(test)]
mod tests;
