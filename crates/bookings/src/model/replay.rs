//! Rebuilds a booking from its events, and detects contradictions between them.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, EventId, LegId};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Action, Booking, BookingStatus, CORRECTED_WITHIN, Correction, EventType, LegStatus,
    data::{BookingData, DATA_VERSION, folded},
};

/// The permanent part of an event: everything except erasable text.
#[derive(Debug, Clone)]
pub struct PastEvent {
    pub id: EventId,
    pub sequence: i32,
    pub event_type: EventType,
    /// The booking's status after it, as recorded.
    pub status: BookingStatus,
    pub data_version: i32,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// The rule that an event contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// All legs take space or none does.
    AllLegs,
    /// Events follow one another in a possible order.
    Steps,
}

/// A contradiction and the number of the event with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    pub sequence: i32,
    pub rule: Rule,
    pub text: String,
}

/// A booking rebuilt from its events.
#[derive(Debug, Default)]
pub struct Replay {
    /// Without its free text, which is not part of the history. `None` if it cannot be rebuilt.
    pub booking: Option<Booking>,
    pub contradictions: Vec<Contradiction>,
    /// The data of all events so far, each merged over those before it.
    data: Map<String, Value>,
    /// The last event, if it records a movement: only that one can be taken back.
    last: Option<Movement>,
}

/// A movement, and what it has changed.
#[derive(Debug)]
struct Movement {
    step: Correction,
    recorded_at: DateTime<Utc>,
    /// As before the movement.
    status: BookingStatus,
    moved_at: Option<DateTime<Utc>>,
    needs_rerouting: bool,
    legs: Vec<(LegId, LegStatus)>,
}

impl Movement {
    fn new(before: &Booking, event: &PastEvent) -> Self {
        Self {
            step: Correction { event_id: event.id, sequence: event.sequence, status: event.status },
            recorded_at: event.created_at,
            status: before.status,
            moved_at: before.moved_at,
            needs_rerouting: before.needs_rerouting,
            legs: legs_of(before),
        }
    }
}

fn legs_of(booking: &Booking) -> Vec<(LegId, LegStatus)> {
    booking.legs.iter().map(|leg| (leg.id, leg.status)).collect()
}

impl Replay {
    /// Replays all events of one booking, given in the order of their numbers.
    pub fn of(id: BookingId, events: &[PastEvent]) -> Self {
        let mut replay = Self::default();
        let mut last = 0;
        for event in events {
            if event.sequence != last + 1 {
                replay.contradict(event, Rule::Steps, format!("expected event {} here", last + 1));
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
            replay.contradict(
                event,
                Rule::AllLegs,
                "a leg that has not departed does not take the capacity that the booking needs".to_owned(),
            );
        }
        replay
    }

    fn contradict(&mut self, event: &PastEvent, rule: Rule, text: String) {
        self.contradictions.push(Contradiction { sequence: event.sequence, rule, text });
    }

    /// Applies an event; returns the reason if it cannot be replayed at all.
    fn step(&mut self, id: BookingId, event: &PastEvent) -> Result<(), String> {
        if event.data_version != DATA_VERSION {
            return Err(format!(
                "the data of this event has version {}, which this build cannot read",
                event.data_version
            ));
        }
        let before = match (self.booking.take(), event.event_type) {
            (None, EventType::Booked) => None,
            (None, _) => return Err("a history cannot begin with this event".to_owned()),
            (Some(_), EventType::Booked) => return Err("the booking was created by an earlier event".to_owned()),
            (before, _) => before,
        };
        let unreadable = |error| format!("the data of this event cannot be read: {error}");
        self.data = folded(std::mem::take(&mut self.data), &event.data)?;
        let data = BookingData::deserialize(&self.data).map_err(unreadable)?;
        let created_at = before.as_ref().map_or(event.created_at, |before| before.created_at);
        let mut now = data.into_booking(id, created_at);
        let last = self.last.take();
        if let Some(before) = before {
            (now.status, now.moved_at, now.version) = (before.status, before.moved_at, before.version + 1);
            self.judge(&before, &now, event);
            self.last = event.event_type.is_movement().then(|| Movement::new(&before, event));
        }
        if event.event_type == EventType::Corrected {
            self.take_back(last, &mut now, event)?;
        }
        now.status = event.event_type.status().unwrap_or(now.status);
        if event.status != now.status {
            let (said, is) = (event.status.as_str(), now.status.as_str());
            self.contradict(
                event,
                Rule::Steps,
                format!("this event records the status {said}, and the replay results in {is}"),
            );
        }
        if event.event_type.is_movement() {
            now.moved_at = Some(event.occurred_at);
        }
        now.event_sequence = event.sequence;
        now.updated_at = event.created_at;
        if !takes_all_or_none(event.event_type, &now) {
            self.contradict(event, Rule::AllLegs, "not every leg takes the capacity that the booking needs".to_owned());
        }
        self.booking = Some(now);
        Ok(())
    }

    /// Takes the last movement back, and checks that the event has restored what the movement had changed.
    fn take_back(&mut self, last: Option<Movement>, now: &mut Booking, event: &PastEvent) -> Result<(), String> {
        let Some(last) = last else { return Err("the event before this correction is not a movement".to_owned()) };
        if Correction::of(&event.data) != Some(last.step) {
            self.contradict(event, Rule::Steps, "this correction names another step than the last one".to_owned());
        }
        if event.created_at > last.recorded_at + CORRECTED_WITHIN {
            self.contradict(event, Rule::Steps, "this correction came later than an hour after the step".to_owned());
        }
        if legs_of(now) != last.legs || now.needs_rerouting != last.needs_rerouting {
            let text = "this correction does not restore the legs, or the need of rerouting, of before the step";
            self.contradict(event, Rule::Steps, text.to_owned());
        }
        (now.status, now.moved_at) = (last.status, last.moved_at);
        Ok(())
    }

    /// Checks that the step can follow, and that a movement is not earlier than the previous one.
    fn judge(&mut self, before: &Booking, now: &Booking, event: &PastEvent) {
        if let Some(action) = event.event_type.action()
            && !before.next_actions().contains(&action)
        {
            let text = format!("{} is not possible while the booking is {}", action.as_str(), before.status.as_str());
            self.contradict(event, Rule::Steps, text);
        }
        if event.event_type.is_movement() && before.moved_at.is_some_and(|moved| event.occurred_at < moved) {
            self.contradict(event, Rule::Steps, "this movement happened before the previous movement".to_owned());
        }
        // Only a claim moves a booking to another organization, and nothing else does a claim do.
        if (event.event_type == EventType::Claimed) != (now.organization_id != before.organization_id) {
            let text = "the booking changes its organization if and only if it is claimed";
            self.contradict(event, Rule::Steps, text.to_owned());
        }
        // A leg that was taken out of force cannot hold space again.
        let revived = now.legs.iter().any(|leg| {
            let was = before.legs.iter().find(|was| was.id == leg.id);
            leg.status.is_in_force() && was.is_some_and(|was| !was.status.is_in_force())
        });
        if revived {
            self.contradict(event, Rule::Steps, "a leg that was taken out of force is in force again".to_owned());
        }
    }
}

/// Returns whether an event that takes space takes it on every leg that has not departed.
fn takes_all_or_none(event_type: EventType, now: &Booking) -> bool {
    match event_type {
        EventType::Booked | EventType::Rerouted => {
            now.undeparted_legs().next().is_some() && now.undeparted_legs().all(|leg| leg.space == now.space)
        }
        // An amendment of freight and route records the freight first: the next event replaces the legs.
        EventType::Amended => {
            let mut legs = now.undeparted_legs();
            let first = legs.next().map(|leg| leg.space);
            legs.all(|leg| Some(leg.space) == first)
        }
        _ => true,
    }
}

impl EventType {
    /// Returns the status that it gives the booking; `None` leaves the status unchanged, or restores an earlier one.
    const fn status(self) -> Option<BookingStatus> {
        match self {
            Self::Booked => Some(BookingStatus::Booked),
            Self::Departed => Some(BookingStatus::Departed),
            Self::Arrived => Some(BookingStatus::Arrived),
            Self::Delivered => Some(BookingStatus::Delivered),
            Self::Cancelled => Some(BookingStatus::Cancelled),
            Self::Amended
            | Self::Rerouted
            | Self::Offloaded
            | Self::FlightRetimed
            | Self::FlightCancelled
            | Self::Claimed
            | Self::Priced
            | Self::PaymentChanged
            | Self::Corrected => None,
        }
    }

    /// Returns the step of the journey that it records.
    const fn action(self) -> Option<Action> {
        match self {
            Self::Departed => Some(Action::Depart),
            Self::Arrived => Some(Action::Arrive),
            Self::Delivered => Some(Action::Deliver),
            Self::Cancelled => Some(Action::Cancel),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
