//! The holds on a flight that departs, is cancelled or changes: they end, or are fitted to it, in the flight's own
//! transaction.
use loadmaster_capacity::{self as capacity, CapacityShortfall, Shift, Space};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds::{self as holds, By, EndReason, Ended, HeldWith, HoldStatus};
use loadmaster_kernel::{FlightId, HoldId, UserId};
use loadmaster_platform::postgres::PgSession;

use super::{OperationError, OperationService, service::Target};

/// Most attempts in each of which holds on further flights appeared.
const MOST_LOOKS: u32 = 20;

/// What a command knows of the holds on its flight, over all of its attempts.
#[derive(Debug, Default)]
pub(super) struct Held {
    with: HeldWith,
    /// The last attempt lacked space that nobody may have a right to any more.
    is_short: bool,
    has_cleared: bool,
    /// How often flights were missing among those that are locked.
    looks: u32,
    /// The holds that the last attempt has ended.
    ended: Ended,
}

impl Held {
    /// Returns the flights that an attempt locks: all that any attempt has needed.
    pub fn flights(&self) -> Vec<FlightId> {
        self.with.flights().collect()
    }

    /// Returns the holds that were released.
    pub fn released(&self) -> Vec<HoldId> {
        let released = self.ended.holds.iter().filter(|hold| hold.status == HoldStatus::Released);
        released.map(|hold| hold.id).collect()
    }

    /// Returns whether the attempt failed only because flights were not locked, or because space was taken by holds whose
    /// time is up: the next one gets further.
    pub const fn is_out_of_date(&self, error: &OperationError) -> bool {
        match error {
            OperationError::OutOfReach => self.looks < MOST_LOOKS,
            OperationError::CapacityBelowBooked(_) => self.is_short,
            _ => false,
        }
    }
}

impl OperationService {
    /// Looks, before an attempt, on which flights the holds of this one keep space, too; and frees what the last attempt
    /// lacked.
    pub(super) async fn prepare_held(&self, held: &mut Held, flight: FlightId) -> Result<(), OperationError> {
        if std::mem::take(&mut held.is_short) {
            self.holds.clear(&[flight]).await?;
            held.has_cleared = true;
        }
        held.ended = Ended::default();
        held.with.look(&mut *self.db.read().await?, flight).await?;
        Ok(())
    }

    /// Checks, under the lock of the flight, that the flights are locked on which its holds keep space.
    pub(super) async fn check_reach_in_tx(
        &self,
        tx: &mut PgSession,
        held: &mut Held,
        flight: &Flight,
    ) -> Result<(), OperationError> {
        if held.with.look(tx, flight.id).await? {
            held.looks += 1;
            return Err(OperationError::OutOfReach);
        }
        Ok(())
    }

    /// Releases all holds on the flight, on all of their legs.
    pub(super) async fn release_all_in_tx(
        &self,
        tx: &mut PgSession,
        held: &mut Held,
        flight: &Flight,
        reason: EndReason,
        actor: UserId,
    ) -> Result<(), OperationError> {
        let by = By { actor: Some(actor), now: self.now() };
        held.ended = holds::release_all_in_tx(tx, flight.id, reason, by).await?;
        Ok(())
    }

    /// Returns the flight once this capacity does not fall short of the space taken; with `releases`, as many holds on it are
    /// released as that requires.
    pub(super) async fn fit_into_in_tx(
        &self,
        tx: &mut PgSession,
        held: &mut Held,
        (flight, capacity): (Flight, Space),
        target: &Target,
        releases: bool,
    ) -> Result<Flight, OperationError> {
        let Some(shortfall) = CapacityShortfall::of(&flight.space, capacity) else { return Ok(flight) };
        held.is_short = !held.has_cleared && shortfall.held != Space::default();
        if held.is_short || !releases {
            return Err(OperationError::CapacityBelowBooked(shortfall));
        }
        let by = By { actor: Some(target.caller.user_id), now: self.now() };
        held.ended = holds::release_newest_in_tx(tx, &flight.space, capacity, by).await?;
        let flight = flights::find_in_tx(tx, flight.id).await?;
        match CapacityShortfall::of(&flight.space, capacity) {
            None => Ok(flight),
            Some(shortfall) => Err(OperationError::CapacityBelowBooked(shortfall)),
        }
    }

    /// Sets aside, for those on the waitlist, what the released holds leave over under the new capacity.
    pub(super) async fn set_aside_rest_in_tx(
        &self,
        tx: &mut PgSession,
        held: &Held,
        flight: &mut Flight,
    ) -> Result<(), OperationError> {
        let rest = held.ended.left_over.least(flight.space.available());
        if rest != Space::default() && flight.space.is_awaited(self.now()) {
            let shift = Shift::set_aside(flight.id, rest);
            flight.space = capacity::shift_in_tx(tx, &[shift], self.now()).await?.pop().unwrap_or(flight.space);
        }
        Ok(())
    }

    /// Fits the holds on changed flights to the flights' rows.
    pub(super) async fn fit_holds_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[FlightId],
        actor: Option<UserId>,
    ) -> Result<(), OperationError> {
        Ok(holds::fit_in_tx(tx, flights, By { actor, now: self.now() }).await?)
    }

    /// To be called after the commit.
    pub(super) fn show_ended(&self, held: &Held) -> usize {
        self.holds.show_ended(&held.ended);
        held.ended.holds.len()
    }
}
