//! What becomes of the holds on a flight that departs, is cancelled or changes. The caller holds the lock of the flight: no
//! hold joins or leaves it meanwhile. Holds are locked after flights and bookings.
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_kernel::{Dimensions, FlightId, HoldId, OrganizationId};
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

use super::{
    end::{Ended, draws_of_in_tx, end_in_tx},
    model::{By, Draws, EndReason, Hold, HoldChange, HoldEventType, HoldKind, HoldLeg, HoldStatus},
    repository,
    write::write_in_tx,
};

/// Returns these locked flights as a new hold of this organization finds them: what its allotments keep is free for it, and
/// so is what a taking that runs short would free before. What holds keep whose time is up goes to those on the waitlist
/// first.
pub async fn as_found_in_tx(
    tx: &mut PgSession,
    mut flights: Vec<Flight>,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> Result<Vec<Flight>, DbError> {
    let draws = Draws::read_in_tx(tx, flights.iter().map(|flight| &flight.space), &[], now).await?;
    for Flight { id, space, .. } in &mut flights {
        if space.kept() != Space::default() && !space.is_awaited(now) {
            space.held = space.held - repository::expired_space(tx, *id, now).await?;
        }
        if space.has_forgotten_aside(now) {
            (space.held, space.aside) = (space.kept(), Space::default());
        }
        *space = draws.capacity_for(organization, *space);
    }
    Ok(flights)
}

/// Returns the dimensions of the holds that are being paid for and keep space on these flights, each with its flight. They are not
/// judged again when they become bookings.
pub async fn sizes_being_paid_in_tx(
    tx: &mut PgSession,
    flights: &[FlightId],
) -> Result<Vec<(FlightId, Dimensions)>, DbError> {
    let flights: Vec<Uuid> = flights.iter().map(|flight| flight.uuid()).collect();
    Ok(repository::sizes_being_paid(tx, &flights).await?)
}

/// The flights whose locks the end of a flight's holds requires: itself, and those on which its holds keep space, too. Which
/// these are is known for certain only under the flight's lock, and locks are taken in ascending order: each attempt locks
/// all flights that were seen so far.
#[derive(Debug, Default)]
pub struct HeldWith(BTreeSet<FlightId>);

impl HeldWith {
    /// Adds the flights that are needed now. Returns whether some of them were not known.
    pub async fn look(&mut self, db: &mut PgSession, flight: FlightId) -> Result<bool, DbError> {
        let known = self.0.len();
        self.0.insert(flight);
        self.0.extend(repository::flights_held_with(db, flight).await?);
        Ok(self.0.len() > known)
    }

    pub fn flights(&self) -> impl Iterator<Item = FlightId> {
        self.0.iter().copied()
    }
}

/// Releases all holds on a flight that departs or is cancelled, on all their legs; those whose time is up expire. The caller
/// holds the locks of the flights [held with](HeldWith) it.
pub async fn release_all_in_tx(
    tx: &mut PgSession,
    flight: FlightId,
    reason: EndReason,
    by: By,
) -> Result<Ended, DbError> {
    let ids = repository::open_on(tx, flight).await?;
    let holds = repository::lock(tx, &ids).await?;
    release_in_tx(tx, holds, reason, None, by).await
}

/// Releases holds on a flight, newest first and allotments last, until what remains fits into this capacity. What they kept
/// on the flight is not set aside. The caller holds the locks of the flights [held with](HeldWith) it.
pub async fn release_newest_in_tx(
    tx: &mut PgSession,
    space: &FlightCapacity,
    capacity: Space,
    by: By,
) -> Result<Ended, DbError> {
    let ids = repository::open_on(tx, space.flight_id).await?;
    let holds = repository::lock(tx, &ids).await?;
    let draws = draws_of_in_tx(tx, &holds, by.now).await?;
    // One whose payment is under way stays, unless its time is up.
    let holds = holds.into_iter().filter(|hold| hold.status_at(by.now) != HoldStatus::Committing).collect();
    let released = to_release(holds, draws, space, capacity, by.now);
    release_in_tx(tx, released, EndReason::CapacityCut, Some(space.flight_id), by).await
}

/// Chooses the holds to be released: only those that keep something of what is short. What a hold has drawn returns to the
/// allotment, and is free once that is released; then those follow that have drawn from it.
fn to_release(
    mut holds: Vec<Hold>,
    mut draws: Draws,
    space: &FlightCapacity,
    capacity: Space,
    now: DateTime<Utc>,
) -> Vec<Hold> {
    holds.sort_by_key(|hold| {
        (hold.status_at(now) != HoldStatus::Expired, hold.kind == HoldKind::Allotment, Reverse(hold.id))
    });
    let (mut taken, mut released) = (space.taken(), Vec::new());
    let mut returned = HashMap::<HoldId, Space>::new();
    for _ in 0..2 {
        for hold in std::mem::take(&mut holds) {
            let (keeps, mut draws_without) = (hold.space_on(space.flight_id), draws.clone());
            let given = draws_without.give_back(space.flight_id, hold.id.uuid(), keeps);
            let back = given.iter().fold(Space::default(), |sum, (_, space)| sum + *space);
            let own = keeps - back + returned.get(&hold.id).copied().unwrap_or_default();
            let kept: Vec<_> = own.exceeds(Space::default()).collect();
            let mut short = taken.exceeds(capacity).peekable();
            // An allotment of which all is drawn ends, too, before those that drew it.
            let is_in_the_way = hold.kind == HoldKind::Allotment && short.peek().is_some();
            if !is_in_the_way && !short.any(|dimension| kept.contains(&dimension)) {
                holds.push(hold);
                continue;
            }
            for (to, space) in given {
                let sum = returned.entry(to).or_default();
                *sum = *sum + space;
            }
            taken = taken - own;
            draws = draws_without;
            draws.close(hold.id);
            released.push(hold);
        }
    }
    released
}

/// Releases these holds, or lets them expire if their time is up.
async fn release_in_tx(
    tx: &mut PgSession,
    holds: Vec<Hold>,
    reason: EndReason,
    cut: Option<FlightId>,
    by: By,
) -> Result<Ended, DbError> {
    let (expired, active) = holds.into_iter().partition(|hold| hold.status_at(by.now) == HoldStatus::Expired);
    // Allotments first: what the others have drawn would return to them.
    let mut ended = end_in_tx(tx, active, HoldStatus::Released, Some(reason), cut, by).await?;
    let expired = end_in_tx(tx, expired, HoldStatus::Expired, None, cut, by).await?;
    ended.holds.extend(expired.holds);
    // The later row of a flight replaces the earlier one.
    ended.spaces.extend(expired.spaces);
    ended.left_over = ended.left_over + expired.left_over;
    Ok(ended)
}

/// Fits the holds and named positions on these flights, which have changed: each hold shows their times, none outlasts a
/// cut-off, and nobody has a position that a flight does not have any more. The number of a hold's positions stays.
pub async fn fit_in_tx(tx: &mut PgSession, flights: &[FlightId], by: By) -> Result<(), DbError> {
    if flights.is_empty() {
        return Ok(());
    }
    let flights = flights::find_all_in_tx(tx, flights).await?;
    let ids: Vec<Uuid> = repository::unfit(tx, &flights).await?;
    let holds = repository::lock(tx, &ids).await?;
    let known: HashMap<FlightId, &Flight> = flights.iter().map(|flight| (flight.id, flight)).collect();
    let changes: Vec<HoldChange> = holds.into_iter().map(|hold| fitted(hold, &known, by)).collect();
    if !changes.is_empty() {
        write_in_tx(tx, &changes).await?;
    }
    let spaces: Vec<FlightCapacity> = flights.iter().map(|flight| flight.space).collect();
    Ok(repository::drop_booked_names(tx, &spaces).await?)
}

fn fitted(hold: Hold, flights: &HashMap<FlightId, &Flight>, by: By) -> HoldChange {
    let mut after = hold.clone();
    for leg in &mut after.legs {
        let Some(flight) = flights.get(&leg.flight_id) else { continue };
        (leg.departure, leg.arrival, leg.cutoff) = (flight.departure, flight.arrival, Some(flight.space.cutoff));
        after.latest_expires_at = after.latest_expires_at.min(flight.space.cutoff);
        if lacks_position(leg, &flight.space) {
            // A leg names all of its positions or none.
            leg.names.clear();
        }
    }
    if after.status == HoldStatus::Committing {
        // Its payment has its own time.
        after.active_until = after.active_until.map(|until| until.min(after.latest_expires_at));
    } else {
        after.expires_at = after.expires_at.min(after.latest_expires_at);
    }
    (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, by.now);
    HoldChange { before: Some(hold), after, event_type: HoldEventType::Amended, actor: by.actor, trace: None }
}

fn lacks_position(leg: &HoldLeg, space: &FlightCapacity) -> bool {
    leg.names.iter().any(|name| !name.is_one_of(space.physical.positions))
}
