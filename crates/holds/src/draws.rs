//! Draws of an organization's takings from its allotments, in the transaction of the taking. The lock of a flight guards
//! the holds of its allotments and what was drawn from them.
use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, Shift, Space};
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

use super::{
    model::{Draws, Hold, HoldChange, HoldEventType},
    repository,
    write::write_in_tx,
};

impl Draws {
    /// Reads what allotments keep on these locked flights, and what these legs and holds have drawn from it. Asks the
    /// tables only if a flight has allotments.
    pub async fn read_in_tx(
        tx: &mut PgSession,
        spaces: impl IntoIterator<Item = &FlightCapacity>,
        takers: &[Uuid],
        now: DateTime<Utc>,
    ) -> Result<Self, DbError> {
        let allotted = spaces.into_iter().filter(|space| space.allotted > 0).map(|space| space.flight_id);
        let flights: Vec<FlightId> = allotted.collect();
        if flights.is_empty() {
            return Ok(Self::default());
        }
        let mut draws = Self::default();
        // What the takers have drawn from shows more of the same holds.
        draws.add_takers_in_tx(tx, takers, now).await?;
        draws.know_kept(repository::kept_on(tx, &flights, now).await?);
        Ok(draws)
    }

    /// Reads what these legs and holds have drawn, and from what.
    pub async fn of_takers_in_tx(tx: &mut PgSession, takers: &[Uuid], now: DateTime<Utc>) -> Result<Self, DbError> {
        let mut draws = Self::default();
        draws.add_takers_in_tx(tx, takers, now).await?;
        Ok(draws)
    }

    async fn add_takers_in_tx(
        &mut self,
        tx: &mut PgSession,
        takers: &[Uuid],
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        if takers.is_empty() {
            return Ok(());
        }
        for (draw, kept) in repository::drawn_by(tx, takers, now).await? {
            self.know_kept([(draw.hold_id, kept)]);
            self.know_drawn([draw]);
        }
        Ok(())
    }

    /// Writes what has changed. The caller changes the flights' space by the shifts of `apply_allotments`.
    pub async fn save_in_tx(&self, tx: &mut PgSession, now: DateTime<Utc>) -> Result<(), DbError> {
        let draws = self.changed_draws();
        if !draws.is_empty() {
            repository::save_draws(tx, &draws).await?;
        }
        let shares = self.changed_holds();
        if shares.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = shares.keys().map(|hold| hold.uuid()).collect();
        let change = |hold: Hold| {
            let mut after = hold.clone();
            let more = shares.get(&hold.id).copied().unwrap_or_default();
            for leg in &mut after.legs {
                leg.space = leg.space + more;
            }
            (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, now);
            HoldChange { before: Some(hold), after, event_type: HoldEventType::Amended, actor: None, trace: None }
        };
        let changes: Vec<HoldChange> = repository::find_all(tx, &ids).await?.into_iter().map(change).collect();
        write_in_tx(tx, &changes).await
    }
}

/// Gives space of legs or holds back, to the allotments that it was drawn from as far as they are kept. Returns the flights'
/// rows after it, as [`capacity::shift_in_tx`] does.
pub async fn give_back_in_tx(
    tx: &mut PgSession,
    shifts: &[Shift],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let takers: Vec<Uuid> = shifts.iter().filter_map(Shift::taker).collect();
    let mut draws = Draws::of_takers_in_tx(tx, &takers, now).await?;
    let spaces = capacity::shift_in_tx(tx, &draws.apply_allotments(None, shifts), now).await?;
    draws.save_in_tx(tx, now).await?;
    Ok(spaces)
}

/// Returns what was drawn from an allotment's hold by takings that are still in force, also after its end. The caller holds
/// the flight's lock.
pub async fn drawn_from_in_tx(tx: &mut PgSession, hold: HoldId) -> Result<Space, DbError> {
    Ok(repository::drawn_from(tx, hold).await?)
}

/// Moves what was drawn from an allotment's last hold to its next one on the flight, whose lock the caller holds.
pub async fn move_draws_in_tx(tx: &mut PgSession, last: HoldId, next: HoldId) -> Result<(), DbError> {
    Ok(repository::move_draws(tx, last, next).await?)
}
