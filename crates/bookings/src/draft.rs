use chrono::{DateTime, Utc};
use loadmaster_capacity::Shift;
use loadmaster_holds as holds;
use loadmaster_kernel::{AirportCode, BookingId, FlightId, LegId, Positions, UserId};
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    random::IdSource,
};
use serde_json::json;

use super::{
    model::{Booking, BookingData, Correction, Event, EventType, Leg, LegStatus, changed_data, message},
    repository::{self, Changes},
};

/// The user or process that changes bookings, and the time.
#[derive(Clone, Copy)]
pub(super) struct Author<'a> {
    pub ids: &'a IdSource,
    pub actor: Option<UserId>,
    pub now: DateTime<Utc>,
}

/// The data of an event besides its kind and the resulting state.
#[derive(Debug, Default)]
pub(super) struct EventDetails {
    /// The leg concerned.
    pub leg: Option<Leg>,
    /// Place of the event; `None`: where the cargo is.
    pub location: Option<AirportCode>,
    pub notes: Option<String>,
    /// `None`: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The step that it takes back.
    pub corrects: Option<Correction>,
    /// Pieces that do not fit were accepted.
    pub accepts_oversize: bool,
}

/// A locked booking and its changes in this transaction: change `now`, then record an event. Each event holds all
/// changes since the one before, so that no change goes unrecorded.
#[derive(Debug)]
pub(super) struct Draft {
    pub now: Booking,
    /// The trace of the request that changes it; `None`: the current one.
    trace: Option<String>,
    /// The state in the database.
    found: Booking,
    /// The state after the last event.
    recorded: Booking,
    events: Vec<Event>,
    /// The states after the events but the last.
    earlier: Vec<Booking>,
}

impl Draft {
    pub fn of(booking: Booking) -> Self {
        Self {
            now: booking.clone(),
            trace: None,
            found: booking.clone(),
            recorded: booking,
            events: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// The draft of a change that another request than the current one has asked for.
    pub fn traced(booking: Booking, trace: Option<String>) -> Self {
        Self { trace, ..Self::of(booking) }
    }

    /// Returns the state in the database.
    pub const fn found(&self) -> &Booking {
        &self.found
    }

    /// Returns the state in the database, and the present one for a change.
    pub const fn both(&mut self) -> (&Booking, &mut Booking) {
        (&self.found, &mut self.now)
    }

    /// Returns whether anything differs from the database.
    pub fn is_changed(&self) -> bool {
        self.now != self.found
    }

    /// Returns whether there are changes without an event.
    pub fn has_news(&self) -> bool {
        self.now != self.recorded
    }

    pub fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.now.legs.iter_mut().find(|leg| leg.id == id)
    }

    /// Takes undeparted legs out of force: sets this status and returns the space to be released.
    #[must_use = "the space is given back by the caller"]
    pub fn release_legs(&mut self, status: LegStatus, which: impl Fn(&Leg) -> bool) -> Vec<Shift> {
        let booking_id = self.now.id;
        let given = self.now.legs.iter_mut().filter(|leg| leg.status == LegStatus::Booked && which(leg));
        given
            .map(|leg| {
                leg.status = status;
                Shift::released(leg.flight_id, booking_id, leg.id, leg.space)
            })
            .collect()
    }

    /// Returns the flights on which the booking loses the positions that it has by name: it leaves them, or wants another
    /// number there. Only a booking that was made of a hold has any.
    fn lost_positions(&self) -> impl Iterator<Item = (BookingId, FlightId)> {
        let named = self.found.legs.iter().filter(|leg| {
            let has_positions = leg.status.is_in_force() && leg.space.positions != Positions::ZERO;
            has_positions && self.found.hold_id.is_some()
        });
        let is_lost = |leg: &&Leg| {
            let now = self.now.legs.iter().find(|now| now.id == leg.id);
            !now.is_some_and(|now| now.status.is_in_force() && now.space.positions == leg.space.positions)
        };
        named.filter(is_lost).map(|leg| (self.now.id, leg.flight_id))
    }

    /// Writes the changes of this one booking, if any; returns the booking.
    pub async fn save_alone_in_tx(self, tx: &mut PgSession) -> Result<Booking, DbError> {
        let draft = [self];
        if draft[0].is_changed() {
            save_in_tx(tx, &draft).await?;
        }
        let [draft] = draft;
        Ok(draft.now)
    }

    /// Raises the booking's counters and adds the event for the change.
    pub fn record(&mut self, author: Author<'_>, event_type: EventType, details: EventDetails) {
        self.now.version += 1;
        self.now.event_sequence += 1;
        self.now.updated_at = author.now;
        let leg = details.leg.as_ref();
        let mut data = changed_data(&self.recorded, &self.now);
        if details.accepts_oversize {
            data[BookingData::ACCEPT_OVERSIZE] = json!(true);
        }
        if let Some(step) = details.corrects {
            data[Correction::MEMBER] = json!(step);
        }
        self.events.push(Event {
            id: author.ids.next(author.now),
            sequence: self.now.event_sequence,
            event_type,
            status: self.now.status,
            location: details.location.or_else(|| self.now.current_airport()),
            flight_id: leg.map(|leg| leg.flight_id),
            flight_number: leg.map(|leg| leg.flight_number),
            leg_id: leg.map(|leg| leg.id),
            pieces: self.now.pieces,
            weight: self.now.space.weight,
            actor: author.actor,
            notes: details.notes,
            data,
            corrects: details.corrects,
            is_corrected: false,
            occurred_at: details.occurred_at.unwrap_or(author.now),
            created_at: author.now,
        });
        let before = std::mem::replace(&mut self.recorded, self.now.clone());
        if self.events.len() > 1 {
            self.earlier.push(before);
        }
    }

    /// Returns the events, each with the state after it.
    fn history(&self) -> impl Iterator<Item = (&Booking, &Event)> {
        self.earlier.iter().chain([&self.now]).zip(&self.events)
    }
}

/// Writes the changes of these bookings, with their events and messages: one statement for any number of bookings. The
/// caller holds their locks.
pub(super) async fn save_in_tx(tx: &mut PgSession, drafts: &[Draft]) -> Result<(), DbError> {
    let drafts: Vec<&Draft> = drafts.iter().filter(|draft| draft.is_changed()).collect();
    let (mut added, mut moved) = (Vec::new(), Vec::new());
    for draft in &drafts {
        for leg in &draft.now.legs {
            match draft.found.legs.iter().find(|found| found.id == leg.id) {
                None => added.push((draft.now.id, leg)),
                Some(found) if found != leg => moved.push((draft.now.id, leg)),
                Some(_) => {}
            }
        }
    }
    for draft in drafts.iter().filter(|draft| draft.now.texts != draft.found.texts) {
        repository::save_texts(tx, &draft.now).await?;
    }
    let bookings = drafts.iter().map(|draft| &draft.now).collect();
    let events = || drafts.iter().flat_map(|draft| draft.history().map(|(state, event)| (*draft, state, event)));
    let messages = events().map(|(draft, state, event)| message(state, event, draft.trace.as_deref())).collect();
    let events = events().map(|(draft, _, event)| (draft.now.id, event)).collect();
    repository::save(tx, &Changes { bookings, moved, added, events, messages }).await?;
    let lost: Vec<_> = drafts.iter().flat_map(|draft| draft.lost_positions()).collect();
    holds::free_positions_in_tx(tx, &lost).await
}
