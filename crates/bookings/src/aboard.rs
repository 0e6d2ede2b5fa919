//! Changes of all bookings on a flight. These functions join the transaction that changes the flight and holds its
//! lock: no booking joins or leaves the flight meanwhile. Bookings are changed in batches, with a few statements per
//! batch, so that memory does not grow with their number; if they are too many for one transaction, none is changed and
//! the caller continues with [`BookingService::take_some_along_in_tx`] in separate transactions.
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightStatus, Shift, Space};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds as holds;
use loadmaster_kernel::{BookingId, BookingRef, FlightId, FlightNumber, HandlingCode, UserId};
use loadmaster_platform::postgres::{DbError, PgSession, allow_long_statements};
use uuid::Uuid;

use super::{
    BookingError, BookingService,
    billing::{self, Lifted},
    draft::{Author, Draft, EventDetails, save_in_tx},
    model::{Action, Booking, EventType, Leg, LegStatus, OffloadReason},
    movement::{Before, Step, occurred_at},
    repository,
};

/// Bookings in memory at the same time.
const AT_ONCE: usize = 2_000;

/// A booking left behind by a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    pub ref_id: BookingRef,
    pub reason: OffloadReason,
}

/// The effect of a flight's step on each booking on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAboard {
    /// The booking departs with the flight if its cargo is there, else it is left behind.
    Depart { occurred_at: DateTime<Utc> },
    /// The bookings in the air on the flight land.
    Arrive { occurred_at: DateTime<Utc> },
    /// The legs end and release their space; the bookings stay and need rerouting.
    Cancel { reason: Option<String> },
    /// Legs that have not landed get the flight's times, and connections are checked again.
    Retime,
}

impl StepAboard {
    /// Returns the statuses of the legs that the step concerns.
    const fn statuses(&self) -> &'static [LegStatus] {
        match self {
            Self::Depart { .. } | Self::Cancel { .. } => &[LegStatus::Booked],
            Self::Arrive { .. } => &[LegStatus::Departed],
            Self::Retime => &[LegStatus::Booked, LegStatus::Departed],
        }
    }
}

/// The result of a step for the bookings on a flight.
#[derive(Debug, Default)]
pub struct Moved {
    /// Number of changed bookings, without those left behind.
    pub moved: usize,
    /// In order of reference.
    pub left_behind: Vec<LeftBehind>,
    /// Number of bookings not reached yet: none, or all if they are too many for one transaction.
    pub pending: usize,
    /// The flights of the pending bookings.
    pub pending_on: Vec<FlightId>,
    /// Those whose surplus is to be returned last.
    pub lifted: Vec<Lifted>,
}

impl Moved {
    fn add(&mut self, more: Self) {
        self.moved += more.moved;
        self.left_behind.extend(more.left_behind);
        self.lifted.extend(more.lifted);
    }
}

/// The result of a step for the next bookings.
#[derive(Debug)]
pub struct Portion {
    pub moved: Moved,
    /// The last booking processed; `None` after the last of all.
    pub last: Option<Uuid>,
}

impl BookingService {
    /// Returns the departure time: `stated`, else now, and not before the freight that leaves with it was booked and has
    /// moved.
    pub async fn departure_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        stated: Option<DateTime<Utc>>,
    ) -> Result<DateTime<Utc>, BookingError> {
        self.lock_few_in_tx(tx, flight, 0).await?;
        let (moved_at, booked_at) = repository::before_departure(tx, flight).await?;
        occurred_at(stated, Before { moved_at, booked_at, backdate: self.limits.backdate }, self.clock.now())
    }

    /// Returns the arrival time: `stated`, else now, and not before the departure or the last movement of the freight on
    /// it.
    pub async fn arrival_in_tx(
        &self,
        tx: &mut PgSession,
        flight: &Flight,
        stated: Option<DateTime<Utc>>,
    ) -> Result<DateTime<Utc>, BookingError> {
        self.lock_few_in_tx(tx, flight.id, 0).await?;
        let moved_at = repository::last_moved_before_arrival(tx, flight.id).await?.max(flight.actual_departure);
        occurred_at(stated, Before { moved_at, booked_at: None, backdate: self.limits.backdate }, self.clock.now())
    }

    /// Locks all bookings on the flight in ascending order, so that none of them is moved until the transaction ends.
    /// If too many for one transaction remain once `without` of them are taken off, locks none and lifts the statement
    /// time limit of this transaction instead.
    pub async fn lock_few_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        without: usize,
    ) -> Result<(), BookingError> {
        let aboard = repository::count_aboard(tx, &[flight], StepAboard::Retime.statuses()).await?;
        let total: usize = aboard.iter().map(|(_, bookings)| bookings).sum();
        if total.saturating_sub(without) > self.limits.moved_at_once() {
            allow_long_statements(tx).await?;
        } else {
            repository::lock_aboard(tx, flight).await?;
        }
        Ok(())
    }

    /// Returns another flight that has landed with freight for this one while some of its bookings have not been
    /// updated: until then the bookings that this flight leaves behind are unknown.
    pub async fn landing_with_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
    ) -> Result<Option<FlightNumber>, BookingError> {
        Ok(repository::landed_inbound(tx, flight).await?)
    }

    /// Takes every booking on these flights through the step if they are few enough for one transaction; else changes
    /// none and returns the number pending.
    pub async fn take_along_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        step: &StepAboard,
        actor: Option<UserId>,
    ) -> Result<Moved, BookingError> {
        let ids: Vec<FlightId> = flights.iter().map(|flight| flight.id).collect();
        let aboard = repository::count_aboard(tx, &ids, step.statuses()).await?;
        let total = aboard.iter().map(|(_, bookings)| bookings).sum();
        if total > self.limits.moved_at_once() {
            let pending_on = aboard.into_iter().map(|(flight, _)| flight).collect();
            return Ok(Moved { pending: total, pending_on, ..Moved::default() });
        }
        let (mut moved, mut next) = (Moved::default(), Some(Uuid::nil()));
        while let Some(after) = next {
            let portion = self.take_some_along_in_tx(tx, flights, step, after, actor).await?;
            moved.add(portion.moved);
            next = portion.last;
        }
        moved.left_behind.sort_by(|a, b| a.ref_id.as_str().cmp(b.ref_id.as_str()));
        Ok(moved)
    }

    /// Takes the next bookings after `after` through the step: at most 2000, in ascending order of id. A booking that
    /// has already taken the step is not changed again.
    pub async fn take_some_along_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        step: &StepAboard,
        after: Uuid,
        actor: Option<UserId>,
    ) -> Result<Portion, BookingError> {
        let by_id: HashMap<FlightId, &Flight> = flights.iter().map(|flight| (flight.id, flight)).collect();
        let ids: Vec<FlightId> = by_id.keys().copied().collect();
        let limit = self.limits.moved_at_once().min(AT_ONCE);
        let next = repository::next_aboard(tx, &ids, step.statuses(), after, limit.cast_signed() as i64).await?;
        let last = next.last().copied().filter(|_| next.len() == limit);
        let bookings = repository::lock_bookings(tx, &next).await?;
        let mut drafts: Vec<Draft> = bookings.into_iter().map(Draft::of).collect();
        let (author, mut moved, mut releases) = (self.author(actor), Moved::default(), Vec::new());
        let others = match step {
            StepAboard::Retime => others_ahead_in_tx(tx, &drafts, &by_id).await?,
            _ => HashMap::new(),
        };
        for draft in &mut drafts {
            match (step, flights) {
                (StepAboard::Retime, _) => self.retime(draft, &by_id, &others, author),
                (StepAboard::Depart { occurred_at }, [flight]) => {
                    releases.extend(self.depart_with(draft, flight.id, *occurred_at, author, &mut moved));
                }
                (StepAboard::Arrive { occurred_at }, [flight]) => {
                    self.arrive_with(draft, flight.id, *occurred_at, author);
                }
                (StepAboard::Cancel { reason }, [flight]) => {
                    releases.extend(lose_flight(draft, flight.id, reason.as_deref(), author));
                }
                // Only new times may concern several flights at once.
                _ => {}
            }
        }
        holds::give_back_in_tx(tx, &releases, author.now).await?;
        save_in_tx(tx, &drafts).await?;
        moved.lifted.extend(billing::lifted(&drafts));
        let changed = drafts.iter().filter(|draft| draft.is_changed()).count();
        moved.moved = changed - moved.left_behind.len();
        Ok(Portion { moved, last })
    }

    fn depart_with(
        &self,
        draft: &mut Draft,
        flight: FlightId,
        occurred_at: DateTime<Utc>,
        author: Author<'_>,
        moved: &mut Moved,
    ) -> Vec<Shift> {
        if booked_leg(&draft.now, flight).is_none() {
            return Vec::new();
        }
        // Cargo that reached the airport after the flight's departure is not on it.
        let is_in_time = draft.now.moved_at.is_none_or(|moved_at| moved_at <= occurred_at);
        if let Some(leg) = draft.now.next_leg().filter(|leg| is_in_time && leg.flight_id == flight).cloned() {
            let step = Step::of(Action::Depart, &draft.now, &leg);
            self.step(draft, &step, leg, occurred_at, None, author);
            return Vec::new();
        }
        let reason = OffloadReason::MissedConnection;
        moved.left_behind.push(LeftBehind { ref_id: draft.now.ref_id.clone(), reason });
        offload(draft, flight, reason, author)
    }

    fn arrive_with(&self, draft: &mut Draft, flight: FlightId, occurred_at: DateTime<Utc>, author: Author<'_>) {
        // A booking that was cancelled in the air, or has landed individually meanwhile, keeps its state.
        let leg = draft.now.departed_leg().filter(|leg| leg.flight_id == flight).cloned();
        if let (false, Some(leg)) = (draft.now.is_over(), leg) {
            let step = Step::of(Action::Arrive, &draft.now, &leg);
            self.step(draft, &step, leg, occurred_at, None, author);
        }
    }

    /// Gives legs the times of `flights`; judges connections by those of `others` too, which may not have reached it yet.
    fn retime(
        &self,
        draft: &mut Draft,
        flights: &HashMap<FlightId, &Flight>,
        others: &HashMap<FlightId, Flight>,
        author: Author<'_>,
    ) {
        if draft.now.is_over() {
            return;
        }
        let retimed: Vec<Leg> =
            draft.now.legs.iter().filter_map(|leg| leg.retimed(flights.get(&leg.flight_id)?)).collect();
        let mut then = draft.now.clone();
        then.retime(|id| flights.get(&id).copied().or_else(|| others.get(&id)));
        let needs_rerouting = self.lacks_a_way(&then);
        for leg in retimed {
            if let Some(own) = draft.leg_mut(leg.id) {
                own.clone_from(&leg);
            }
            draft.now.needs_rerouting = needs_rerouting;
            billing::follow_loss(&mut draft.now);
            draft.record(author, EventType::FlightRetimed, EventDetails { leg: Some(leg), ..EventDetails::default() });
        }
    }

    /// Takes these bookings, which must be booked on it, off a flight. Returns those whose surplus is to be returned last.
    pub async fn offload_in_tx(
        &self,
        tx: &mut PgSession,
        flight: FlightId,
        named: &[LeftBehind],
        actor: UserId,
    ) -> Result<Vec<Lifted>, BookingError> {
        let mut lifted = Vec::new();
        if named.is_empty() {
            return Ok(lifted);
        }
        let aboard = named_aboard(tx, flight, named).await?;
        // This transaction may change the other bookings too: all locks are taken in ascending order.
        self.lock_few_in_tx(tx, flight, named.len()).await?;
        let reasons: HashMap<&BookingRef, OffloadReason> =
            named.iter().map(|left| (&left.ref_id, left.reason)).collect();
        let author = self.author(Some(actor));
        for some in aboard.chunks(AT_ONCE) {
            let mut drafts: Vec<Draft> =
                repository::lock_bookings(tx, some).await?.into_iter().map(Draft::of).collect();
            let mut releases = Vec::new();
            for draft in &mut drafts {
                if let Some(reason) = reasons.get(&draft.now.ref_id) {
                    releases.extend(offload(draft, flight, *reason, author));
                }
            }
            holds::give_back_in_tx(tx, &releases, author.now).await?;
            save_in_tx(tx, &drafts).await?;
            lifted.extend(billing::lifted(&drafts));
        }
        Ok(lifted)
    }

    /// Returns whether any leg has departed on a flight, whatever the state of its booking. The caller holds the
    /// flight's lock.
    pub async fn has_left_in_tx(&self, tx: &mut PgSession, flight: FlightId) -> Result<bool, BookingError> {
        Ok(repository::is_aboard(tx, flight, &[LegStatus::Departed, LegStatus::Arrived]).await?)
    }
}

/// Sum of legs in force on a flight.
#[derive(Debug, Clone, Copy, Default)]
pub struct FreightSum {
    pub bookings: u64,
    pub pieces: u64,
    pub space: Space,
}

/// The freight on a flight, in total and by handling code.
#[derive(Debug, Default)]
pub struct Freight {
    pub all: FreightSum,
    pub by_code: Vec<(HandlingCode, FreightSum)>,
}

/// Returns every booking with a leg on the flight that has not landed, in ascending order of id; joins the caller's
/// transaction.
pub async fn aboard_in_tx(tx: &mut PgSession, flight: FlightId) -> Result<Vec<Booking>, DbError> {
    let (mut aboard, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let limit = AT_ONCE.cast_signed() as i64;
        let next = repository::next_aboard(tx, &[flight], StepAboard::Retime.statuses(), after, limit).await?;
        let Some(last) = next.last() else { return Ok(aboard) };
        after = *last;
        aboard.extend(repository::find_all(tx, &next).await?);
    }
}

/// Returns these bookings as they are now, in no particular order; joins the caller's transaction.
pub async fn find_all_in_tx(tx: &mut PgSession, bookings: &[BookingId]) -> Result<Vec<Booking>, DbError> {
    let mut found = Vec::with_capacity(bookings.len());
    for some in bookings.chunks(AT_ONCE) {
        let ids: Vec<Uuid> = some.iter().map(|id| id.uuid()).collect();
        found.extend(repository::find_all(tx, &ids).await?);
    }
    Ok(found)
}

/// Returns the next bookings by reference with a leg in force on a flight, at most `limit`, and the sums over all of
/// them; joins the caller's snapshot.
pub async fn manifest_in_tx(
    snapshot: &mut PgSession,
    flight: FlightId,
    after: Option<&BookingRef>,
    limit: i64,
) -> Result<(Vec<Booking>, Freight), DbError> {
    let (ids, sums) = repository::manifest(snapshot, flight, after, limit).await?;
    let mut bookings = repository::find_all(snapshot, &ids).await?;
    bookings.sort_by(|a, b| a.ref_id.cmp(&b.ref_id));
    let mut freight = Freight::default();
    for sum in sums {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        let own = FreightSum { bookings: number(sum.bookings), pieces: number(sum.pieces), space: sum.space };
        match sum.code {
            Some(code) => freight.by_code.push((code, own)),
            None => freight.all = own,
        }
    }
    Ok((bookings, freight))
}

/// Returns the ids of the named bookings, in ascending order. Each must have a leg that can still be taken off the
/// flight.
async fn named_aboard(tx: &mut PgSession, flight: FlightId, named: &[LeftBehind]) -> Result<Vec<Uuid>, BookingError> {
    let references: Vec<&str> = named.iter().map(|left| left.ref_id.as_str()).collect();
    let found = repository::named_aboard(tx, flight, &references).await?;
    let aboard: HashSet<&BookingRef> = found.iter().map(|(_, reference)| reference).collect();
    let mut missing: Vec<BookingRef> =
        named.iter().map(|left| &left.ref_id).filter(|reference| !aboard.contains(reference)).cloned().collect();
    missing.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    if missing.is_empty() {
        Ok(found.into_iter().map(|(id, _)| id).collect())
    } else {
        Err(BookingError::NotAboard(missing))
    }
}

/// Returns the other scheduled flights that these bookings are still to leave or land with.
async fn others_ahead_in_tx(
    tx: &mut PgSession,
    drafts: &[Draft],
    retimed: &HashMap<FlightId, &Flight>,
) -> Result<HashMap<FlightId, Flight>, DbError> {
    let ahead = drafts.iter().flat_map(|draft| draft.now.flights_ahead());
    let others: HashSet<FlightId> = ahead.filter(|flight| !retimed.contains_key(flight)).collect();
    if others.is_empty() {
        return Ok(HashMap::new());
    }
    let found = flights::find_all_in_tx(tx, &others.into_iter().collect::<Vec<_>>()).await?.into_iter();
    let scheduled = found.filter(|flight| flight.space.status == FlightStatus::Scheduled);
    Ok(scheduled.map(|flight| (flight.id, flight)).collect())
}

fn booked_leg(booking: &Booking, flight: FlightId) -> Option<&Leg> {
    booking.undeparted_legs().find(|leg| leg.flight_id == flight)
}

/// Ends the leg on a cancelled flight and records the event. The caller releases its space.
fn lose_flight(draft: &mut Draft, flight: FlightId, reason: Option<&str>, author: Author<'_>) -> Vec<Shift> {
    let Some(leg) = booked_leg(&draft.now, flight).cloned() else { return Vec::new() };
    let given = draft.release_legs(LegStatus::Cancelled, |leg| leg.flight_id == flight);
    billing::lose_flight(&mut draft.now);
    let details = EventDetails { leg: Some(leg), notes: reason.map(str::to_owned), ..EventDetails::default() };
    draft.record(author, EventType::FlightCancelled, details);
    given
}

/// Takes a booking off a flight and records the event. The caller releases its space.
fn offload(draft: &mut Draft, flight: FlightId, reason: OffloadReason, author: Author<'_>) -> Vec<Shift> {
    let id = booked_leg(&draft.now, flight).map(|leg| leg.id);
    let given = draft.release_legs(LegStatus::Offloaded, |leg| leg.flight_id == flight);
    if let Some(leg) = id.and_then(|id| draft.leg_mut(id)) {
        leg.offload_reason = Some(reason);
    }
    billing::lose_flight(&mut draft.now);
    let leg = draft.now.legs.iter().find(|leg| Some(leg.id) == id).cloned();
    draft.record(author, EventType::Offloaded, EventDetails { leg, ..EventDetails::default() });
    given
}
