//! Rebuilds a booking from its events, and notices where they tell no possible story.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Action, Booking, BookingStatus, Leg, LegStatus, OffloadReason, Texts};
use crate::{
    features::{
        bookings::event::{DATA_VERSION, EventType},
        capacity::Space,
    },
    kernel::{
        AirportCode, AwbNumber, BookingId, BookingRef, Fault, FlightId, FlightNumber, HandlingCode, LegId,
        OrganizationId, Pieces, UserId,
    },
    platform::web::Patch,
};

/// What the history keeps of an event: all but what anybody may forget.
#[derive(Debug, Clone)]
pub struct PastEvent {
    pub sequence: i32,
    pub event_type: EventType,
    /// The status that it says the booking has after it.
    pub status: BookingStatus,
    pub data_version: i32,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// Which rule an event contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// All legs take room or none does.
    AllLegs,
    /// Events follow one another as steps of a journey do.
    Steps,
}

/// What cannot be, and the number of the event that tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    pub sequence: i32,
    pub rule: Rule,
    pub text: String,
}

/// A booking as its events tell it.
#[derive(Debug, Default)]
pub struct Replay {
    /// Without its free text, which is not part of the history. `None` if there is no telling what it was.
    pub booking: Option<Booking>,
    pub contradictions: Vec<Contradiction>,
}

impl Replay {
    /// All events of one booking, in the order of their numbers.
    pub fn of(id: BookingId, events: &[PastEvent]) -> Self {
        let mut replay = Self::default();
        let mut last = 0;
        for event in events {
            if event.sequence != last + 1 {
                replay.contradict(event, Rule::Steps, format!("number {} is missing before it", last + 1));
            }
            last = event.sequence;
            if let Err(text) = replay.step(id, event) {
                replay.contradict(event, Rule::Steps, text);
                replay.booking = None;
                return replay;
            }
        }
        if let Some((event, booking)) = events.last().zip(replay.booking.as_ref())
            && booking.undeparted_legs().any(|leg| leg.space != booking.space)
        {
            replay.contradict(event, Rule::AllLegs, "a leg ahead does not take what the booking needs".to_owned());
        }
        replay
    }

    fn contradict(&mut self, event: &PastEvent, rule: Rule, text: String) {
        self.contradictions.push(Contradiction { sequence: event.sequence, rule, text });
    }

    /// Why the event cannot be replayed at all, if so.
    fn step(&mut self, id: BookingId, event: &PastEvent) -> Result<(), String> {
        if event.data_version != DATA_VERSION {
            return Err(format!("its data has version {}, which this build does not read", event.data_version));
        }
        let data =
            BookingData::deserialize(&event.data).map_err(|error| format!("its data cannot be read: {error}"))?;
        let mut now = match (self.booking.take(), event.event_type) {
            (None, EventType::Booked) => {
                data.into_booking(id, event).ok_or("its data lacks members of a new booking")?
            }
            (None, _) => return Err("a history does not begin with it".to_owned()),
            (Some(_), EventType::Booked) => return Err("the booking is there already".to_owned()),
            (Some(before), _) => {
                let mut now = before.clone();
                data.apply(&mut now).ok_or("its data lacks members of a new leg")?;
                self.judge(&before, &now, event);
                now.version += 1;
                now
            }
        };
        now.status = event.event_type.status().unwrap_or(now.status);
        if event.status != now.status {
            let (said, is) = (event.status.as_str(), now.status.as_str());
            self.contradict(event, Rule::Steps, format!("it says that the booking is {said} then, and it is {is}"));
        }
        if event.event_type.is_movement() {
            now.moved_at = Some(event.occurred_at);
        }
        now.event_sequence = event.sequence;
        now.updated_at = event.created_at;
        if !takes_all_or_none(event.event_type, &now) {
            self.contradict(event, Rule::AllLegs, "not every leg takes the room that the booking needs".to_owned());
        }
        self.booking = Some(now);
        Ok(())
    }

    /// A step must be one that could follow, and a movement is not told before the one it follows.
    fn judge(&mut self, before: &Booking, now: &Booking, event: &PastEvent) {
        if let Some(action) = event.event_type.action()
            && !before.next_actions().contains(&action)
        {
            let text = format!("{} cannot follow while the booking is {}", action.as_str(), before.status.as_str());
            self.contradict(event, Rule::Steps, text);
        }
        if event.event_type.is_movement() && before.moved_at.is_some_and(|moved| event.occurred_at < moved) {
            self.contradict(event, Rule::Steps, "it happened before the movement that it follows".to_owned());
        }
        // A leg that was told as off can hold no room again.
        let revived = now.legs.iter().any(|leg| {
            let was = before.legs.iter().find(|was| was.id == leg.id);
            leg.status.is_in_force() && was.is_some_and(|was| !was.status.is_in_force())
        });
        if revived {
            self.contradict(event, Rule::Steps, "a leg that was given up is in force again".to_owned());
        }
    }
}

/// What takes room takes it on every leg that has not departed.
fn takes_all_or_none(event_type: EventType, now: &Booking) -> bool {
    match event_type {
        EventType::Booked | EventType::Rerouted => {
            now.undeparted_legs().next().is_some() && now.undeparted_legs().all(|leg| leg.space == now.space)
        }
        // Whoever amends the freight and the way at once tells of the freight first: the legs are replaced next.
        EventType::Amended => {
            let mut legs = now.undeparted_legs();
            let first = legs.next().map(|leg| leg.space);
            legs.all(|leg| Some(leg.space) == first)
        }
        _ => true,
    }
}

impl EventType {
    /// The status that it gives the booking; the others leave it as it is.
    const fn status(self) -> Option<BookingStatus> {
        match self {
            Self::Booked => Some(BookingStatus::Booked),
            Self::Departed => Some(BookingStatus::Departed),
            Self::Arrived => Some(BookingStatus::Arrived),
            Self::Delivered => Some(BookingStatus::Delivered),
            Self::Cancelled => Some(BookingStatus::Cancelled),
            Self::Amended | Self::Rerouted | Self::Offloaded | Self::FlightRetimed | Self::FlightCancelled => None,
        }
    }

    /// The step of the journey that it tells.
    const fn action(self) -> Option<Action> {
        match self {
            Self::Departed => Some(Action::Depart),
            Self::Arrived => Some(Action::Arrive),
            Self::Delivered => Some(Action::Deliver),
            Self::Cancelled => Some(Action::Cancel),
            _ => None,
        }
    }

    const fn is_movement(self) -> bool {
        matches!(self, Self::Departed | Self::Arrived | Self::Delivered)
    }
}

/// What an event says of a booking: of the first event everything, of others what they changed. A member that this build
/// does not know would be lost: it is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BookingData {
    ref_id: Option<BookingRef>,
    organization_id: Option<OrganizationId>,
    created_by: Option<UserId>,
    origin: Option<AirportCode>,
    destination: Option<AirportCode>,
    #[serde(default, deserialize_with = "pieces")]
    pieces: Option<Pieces>,
    weight_hg: Option<i64>,
    volume_l: Option<i64>,
    volume_defaulted: Option<bool>,
    positions: Option<i64>,
    special_handling_codes: Option<Vec<HandlingCode>>,
    #[serde(default, deserialize_with = "nullable")]
    awb_number: Patch<AwbNumber>,
    needs_rerouting: Option<bool>,
    #[serde(default)]
    legs: Vec<LegData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegData {
    id: LegId,
    sequence: Option<i32>,
    flight_id: Option<FlightId>,
    flight_number: Option<FlightNumber>,
    origin: Option<AirportCode>,
    destination: Option<AirportCode>,
    departure_at: Option<DateTime<Utc>>,
    arrival_at: Option<DateTime<Utc>>,
    status: Option<LegStatus>,
    #[serde(default, deserialize_with = "nullable")]
    offload_reason: Patch<OffloadReason>,
    space_code: Option<String>,
    #[serde(default, deserialize_with = "pieces")]
    pieces: Option<Pieces>,
    weight_hg: Option<i64>,
    volume_l: Option<i64>,
    positions: Option<i64>,
}

/// A member that is null was cleared; one that is not there stays.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Patch<T>, D::Error> {
    Option::deserialize(deserializer).map(|told| told.map_or(Patch::Clear, Patch::Set))
}

fn pieces<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pieces>, D::Error> {
    let count = i32::deserialize(deserializer)?;
    let read = Pieces::from_count(&count.to_string());
    read.map(Some).map_err(|fault: Fault| serde::de::Error::custom(fault))
}

fn set<T>(place: &mut T, told: Option<T>) {
    if let Some(told) = told {
        *place = told;
    }
}

fn resize(space: &mut Space, weight_hg: Option<i64>, volume_l: Option<i64>, positions: Option<i64>) {
    let [weight, volume, count] = space.figures();
    *space = Space::from_columns(weight_hg.unwrap_or(weight), volume_l.unwrap_or(volume), positions.unwrap_or(count));
}

impl BookingData {
    /// `None` if it does not tell everything.
    fn into_booking(self, id: BookingId, event: &PastEvent) -> Option<Booking> {
        Some(Booking {
            id,
            ref_id: self.ref_id?,
            organization_id: self.organization_id?,
            created_by: self.created_by?,
            status: BookingStatus::Booked,
            origin: self.origin?,
            destination: self.destination?,
            pieces: self.pieces?,
            space: Space::from_columns(self.weight_hg?, self.volume_l?, self.positions?),
            volume_defaulted: self.volume_defaulted?,
            special_handling_codes: self.special_handling_codes?,
            awb_number: (!self.awb_number.is_keep()).then(|| self.awb_number.or(None))?,
            needs_rerouting: self.needs_rerouting?,
            event_sequence: event.sequence,
            moved_at: None,
            version: 1,
            created_at: event.created_at,
            updated_at: event.created_at,
            texts: Texts::default(),
            legs: self.legs.into_iter().map(LegData::into_leg).collect::<Option<_>>()?,
        })
    }

    /// `None` if it tells of a leg that was not there before, and not everything of it.
    fn apply(self, booking: &mut Booking) -> Option<()> {
        set(&mut booking.ref_id, self.ref_id);
        set(&mut booking.organization_id, self.organization_id);
        set(&mut booking.created_by, self.created_by);
        set(&mut booking.origin, self.origin);
        set(&mut booking.destination, self.destination);
        set(&mut booking.pieces, self.pieces);
        resize(&mut booking.space, self.weight_hg, self.volume_l, self.positions);
        set(&mut booking.volume_defaulted, self.volume_defaulted);
        set(&mut booking.special_handling_codes, self.special_handling_codes);
        booking.awb_number = self.awb_number.or(booking.awb_number.take());
        set(&mut booking.needs_rerouting, self.needs_rerouting);
        for told in self.legs {
            match booking.legs.iter_mut().find(|leg| leg.id == told.id) {
                Some(leg) => told.apply(leg),
                None => booking.legs.push(told.into_leg()?),
            }
        }
        booking.legs.sort_by_key(|leg| (leg.sequence, leg.id));
        Some(())
    }
}

impl LegData {
    fn into_leg(self) -> Option<Leg> {
        Some(Leg {
            id: self.id,
            sequence: self.sequence?,
            flight_id: self.flight_id?,
            flight_number: self.flight_number?,
            origin: self.origin?,
            destination: self.destination?,
            departure: self.departure_at?,
            arrival: self.arrival_at?,
            status: self.status?,
            offload_reason: (!self.offload_reason.is_keep()).then(|| self.offload_reason.or(None))?,
            space_code: self.space_code?,
            pieces: self.pieces?,
            space: Space::from_columns(self.weight_hg?, self.volume_l?, self.positions?),
        })
    }

    fn apply(self, leg: &mut Leg) {
        set(&mut leg.sequence, self.sequence);
        set(&mut leg.flight_id, self.flight_id);
        set(&mut leg.flight_number, self.flight_number);
        set(&mut leg.origin, self.origin);
        set(&mut leg.destination, self.destination);
        set(&mut leg.departure, self.departure_at);
        set(&mut leg.arrival, self.arrival_at);
        set(&mut leg.status, self.status);
        leg.offload_reason = self.offload_reason.or(leg.offload_reason);
        set(&mut leg.space_code, self.space_code);
        set(&mut leg.pieces, self.pieces);
        resize(&mut leg.space, self.weight_hg, self.volume_l, self.positions);
    }
}

#[cfg(test)]
mod tests;
