//! What befalls all bookings on a flight. These verbs join the transaction of whoever changes the flight, and holds its
//! lock: no booking slips on or off meanwhile. However many bookings there are, they cost a few statements.
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    BookingError, BookingService,
    draft::{Author, Draft, Told, save_in_tx},
    event::EventType,
    model::{Action, Booking, Leg, LegStatus, OffloadReason},
    movement::{Step, occurred_at},
    repository,
};
use crate::{
    features::{
        capacity::{self, Giving},
        flights::Flight,
    },
    kernel::{BookingRef, FlightId, HandlingCode, UserId},
    platform::postgres::{DbError, PgSession},
};

/// A booking that a flight left without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    pub ref_id: BookingRef,
    pub reason: OffloadReason,
}

/// What a flight's step did to the bookings on it.
#[derive(Debug)]
pub struct Moved {
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// How many moved along.
    pub moved: usize,
    pub left_behind: Vec<LeftBehind>,
}

impl BookingService {
    /// The flight leaves: with every booking whose cargo is there and is not said to be left behind.
    pub async fn depart_in_tx(
        &self,
        tx: &mut PgSession,
        flight: &Flight,
        left_behind: &[LeftBehind],
        told: Option<DateTime<Utc>>,
        actor: UserId,
    ) -> Result<Moved, BookingError> {
        let mut drafts = lock_aboard(tx, &[flight.id]).await?;
        drafts.retain(|draft| booked_leg(&draft.now, flight.id).is_some());
        let author = self.author(Some(actor));
        let named: HashMap<&BookingRef, OffloadReason> =
            left_behind.iter().map(|left| (&left.ref_id, left.reason)).collect();
        check_aboard(&drafts, flight.id, named.keys().copied())?;
        let reason_of = |booking: &Booking| {
            let is_here = booking.next_leg().is_some_and(|leg| leg.flight_id == flight.id);
            named.get(&booking.ref_id).copied().or((!is_here).then_some(OffloadReason::MissedConnection))
        };
        let moving = drafts.iter().filter(|draft| reason_of(&draft.now).is_none());
        let occurred_at = occurred_at(told, moving.filter_map(|draft| draft.now.moved_at).max(), author.now)?;
        let mut moved = Moved { occurred_at, moved: 0, left_behind: Vec::new() };
        let mut givings = Vec::new();
        for draft in &mut drafts {
            if let Some(reason) = reason_of(&draft.now) {
                givings.extend(offload(draft, flight.id, reason, author));
                moved.left_behind.push(LeftBehind { ref_id: draft.now.ref_id.clone(), reason });
            } else if let Some(leg) = draft.now.next_leg().cloned() {
                let step = Step::of(Action::Depart, &draft.now, &leg);
                self.step(draft, &step, leg, occurred_at, None, author);
                moved.moved += 1;
            }
        }
        capacity::release_in_tx(tx, &givings, author.now).await?;
        save_in_tx(tx, &drafts).await?;
        moved.left_behind.sort_by(|a, b| a.ref_id.as_str().cmp(b.ref_id.as_str()));
        Ok(moved)
    }

    /// The flight lands, and with it all that is in the air on it.
    pub async fn arrive_in_tx(
        &self,
        tx: &mut PgSession,
        flight: &Flight,
        told: Option<DateTime<Utc>>,
        actor: UserId,
    ) -> Result<Moved, BookingError> {
        let mut drafts = lock_aboard(tx, &[flight.id]).await?;
        // A booking that was cancelled in the air, or has landed by itself meanwhile, stays as it is.
        drafts.retain(|draft| !draft.now.is_over() && leg_in_the_air(&draft.now, flight.id).is_some());
        let author = self.author(Some(actor));
        let moved_at = drafts.iter().filter_map(|draft| draft.now.moved_at).max();
        let occurred_at = occurred_at(told, moved_at.max(flight.actual_departure), author.now)?;
        for draft in &mut drafts {
            if let Some(leg) = draft.now.departed_leg().cloned() {
                let step = Step::of(Action::Arrive, &draft.now, &leg);
                self.step(draft, &step, leg, occurred_at, None, author);
            }
        }
        save_in_tx(tx, &drafts).await?;
        Ok(Moved { occurred_at, moved: drafts.len(), left_behind: Vec::new() })
    }

    /// The flight is cancelled: its legs end and give their room back, the bookings stay and need another way. Answers
    /// how many they are.
    pub async fn lose_flight_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        reason: Option<&str>,
        actor: UserId,
    ) -> Result<usize, BookingError> {
        let mut drafts = lock_aboard(tx, &[flight]).await?;
        drafts.retain(|draft| booked_leg(&draft.now, flight).is_some());
        let author = self.author(Some(actor));
        let mut givings = Vec::new();
        for draft in &mut drafts {
            let leg = booked_leg(&draft.now, flight).cloned();
            givings.extend(draft.give_up(LegStatus::Cancelled, |leg| leg.flight_id == flight));
            draft.now.needs_rerouting = true;
            let told = Told { leg, notes: reason.map(str::to_owned), ..Told::default() };
            draft.tell(author, EventType::FlightCancelled, told);
        }
        capacity::release_in_tx(tx, &givings, author.now).await?;
        save_in_tx(tx, &drafts).await?;
        Ok(drafts.len())
    }

    /// Takes bookings off a flight, to make room. They must be booked on it.
    pub async fn offload_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        named: &[BookingRef],
        actor: UserId,
    ) -> Result<(), BookingError> {
        if named.is_empty() {
            return Ok(());
        }
        let mut drafts = lock_aboard(tx, &[flight]).await?;
        check_aboard(&drafts, flight, named)?;
        let named: HashSet<&BookingRef> = named.iter().collect();
        drafts.retain(|draft| named.contains(&draft.now.ref_id));
        let author = self.author(Some(actor));
        let givings: Vec<Giving> =
            drafts.iter_mut().flat_map(|draft| offload(draft, flight, OffloadReason::Offloaded, author)).collect();
        capacity::release_in_tx(tx, &givings, author.now).await?;
        Ok(save_in_tx(tx, &drafts).await?)
    }

    /// Tells the bookings on these flights when they now leave and land, and judges their connections again. A leg that
    /// has landed already keeps its times.
    pub async fn retime_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        actor: Option<UserId>,
    ) -> Result<(), BookingError> {
        if flights.is_empty() {
            return Ok(());
        }
        let by_id: HashMap<FlightId, &Flight> = flights.iter().map(|flight| (flight.id, flight)).collect();
        let ids: Vec<FlightId> = by_id.keys().copied().collect();
        let mut drafts = lock_aboard(tx, &ids).await?;
        drafts.retain(|draft| !draft.now.is_over());
        let author = self.author(actor);
        for draft in &mut drafts {
            let retimed: Vec<Leg> = draft.now.legs.iter().filter_map(|leg| retimed(leg, &by_id)).collect();
            for leg in retimed {
                if let Some(own) = draft.leg_mut(leg.id) {
                    own.clone_from(&leg);
                }
                draft.now.needs_rerouting = self.lacks_a_way(&draft.now);
                draft.tell(author, EventType::FlightRetimed, Told { leg: Some(leg), ..Told::default() });
            }
        }
        Ok(save_in_tx(tx, &drafts).await?)
    }

    /// Bookings on a flight that fly on cargo aircraft only.
    pub async fn freighter_bound_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
    ) -> Result<Vec<BookingRef>, BookingError> {
        let drafts = lock_aboard(tx, &[flight]).await?;
        let bound = drafts.into_iter().map(|draft| draft.now).filter(|booking| {
            !booking.is_over() && booking.special_handling_codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY)
        });
        Ok(bound.map(|booking| booking.ref_id).collect())
    }

    /// Whether any leg has left on a flight, whatever became of its booking. The caller holds the flight's lock.
    pub async fn has_left_in_tx(&self, tx: &mut PgSession, flight: FlightId) -> Result<bool, BookingError> {
        Ok(repository::is_aboard(tx, flight, &[LegStatus::Departed, LegStatus::Arrived]).await?)
    }
}

/// The bookings with a leg in force on a flight, by reference; joins the caller's snapshot.
pub async fn manifest_in_tx(snapshot: &mut PgSession, flight: FlightId) -> Result<Vec<Booking>, DbError> {
    const IN_FORCE: [LegStatus; 3] = [LegStatus::Booked, LegStatus::Departed, LegStatus::Arrived];
    let ids = repository::aboard(snapshot, &[flight], &IN_FORCE).await?;
    Ok(repository::find_all(snapshot, &ids).await?)
}

/// Locks the bookings that have a leg on one of the flights which has not landed, in ascending order, and reads them as
/// they then are. Always all of these: whoever locks twice in one transaction gets none that it has not.
async fn lock_aboard(tx: &mut PgSession, flights: &[FlightId]) -> Result<Vec<Draft>, DbError> {
    let ids = repository::aboard(tx, flights, &[LegStatus::Booked, LegStatus::Departed]).await?;
    let bookings = repository::lock_bookings(tx, &ids).await?;
    Ok(bookings.into_iter().map(Draft::of).collect())
}

fn booked_leg(booking: &Booking, flight: FlightId) -> Option<&Leg> {
    booking.undeparted_legs().find(|leg| leg.flight_id == flight)
}

fn leg_in_the_air(booking: &Booking, flight: FlightId) -> Option<&Leg> {
    booking.departed_leg().filter(|leg| leg.flight_id == flight)
}

/// The references that were named must be of bookings with a leg that can still be taken off the flight.
fn check_aboard<'a>(
    drafts: &[Draft],
    flight: FlightId,
    named: impl IntoIterator<Item = &'a BookingRef>,
) -> Result<(), BookingError> {
    let aboard = drafts.iter().filter(|draft| booked_leg(&draft.now, flight).is_some());
    let aboard: HashSet<&BookingRef> = aboard.map(|draft| &draft.now.ref_id).collect();
    let mut missing: Vec<BookingRef> =
        named.into_iter().filter(|reference| !aboard.contains(reference)).cloned().collect();
    missing.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    if missing.is_empty() { Ok(()) } else { Err(BookingError::NotAboard(missing)) }
}

/// Takes a booking off a flight and tells of it. Its room is to be given back.
fn offload(draft: &mut Draft, flight: FlightId, reason: OffloadReason, author: Author<'_>) -> Vec<Giving> {
    let id = booked_leg(&draft.now, flight).map(|leg| leg.id);
    let given = draft.give_up(LegStatus::Offloaded, |leg| leg.flight_id == flight);
    if let Some(leg) = id.and_then(|id| draft.leg_mut(id)) {
        leg.offload_reason = Some(reason);
    }
    draft.now.needs_rerouting = true;
    let leg = draft.now.legs.iter().find(|leg| Some(leg.id) == id).cloned();
    draft.tell(author, EventType::Offloaded, Told { leg, ..Told::default() });
    given
}

/// The leg with its flight's times, if they are others than it has and it has not landed.
fn retimed(leg: &Leg, flights: &HashMap<FlightId, &Flight>) -> Option<Leg> {
    let flight = flights.get(&leg.flight_id)?;
    let is_ahead = matches!(leg.status, LegStatus::Booked | LegStatus::Departed);
    let moves = (leg.departure, leg.arrival) != (flight.departure, flight.arrival);
    (is_ahead && moves).then(|| Leg { departure: flight.departure, arrival: flight.arrival, ..leg.clone() })
}
