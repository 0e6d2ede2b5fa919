//! Gives held masters back, and records what was released or cancelled of a request that was refused then.
use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_holds::{EndReason, HoldVerb};
use loadmaster_kernel::{AirportCode, ConsolidationId, HoldId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{PgSession, commit, retrying},
    web::{Precondition, Problem},
    work::Command,
};

use super::{
    error::{ConsolidationError, code},
    model::{ConsolidationChange, Happening, Master, Whole},
    service::ConsolidationService,
};

/// Releases the masters that are held.
pub(super) struct Release {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    /// The origins whose masters were released.
    pub released: BTreeSet<AirportCode>,
}

impl Command for Release {
    const NAME: &'static str = "consolidations.release";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, precondition, released } = self;
        let whole = consolidations.own(*caller, *id, precondition).await?;
        // From here on it acts: what others change meanwhile undoes nothing.
        *precondition = Precondition::default();
        consolidations.release_all(*caller, &whole, released).await
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, released, .. } = self;
        let whole = consolidations.lock_own_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        consolidations.recorded_release_in_tx(tx, *caller, whole, released).await
    }

    /// Records what was released before a refusal.
    async fn concluded(&mut self, outcome: Result<&Whole, &ConsolidationError>) {
        if outcome.is_err_and(|error| !error.may_have_happened()) {
            self.consolidations.record_release(self.caller, self.id, std::mem::take(&mut self.released)).await;
        }
    }
}

impl ConsolidationService {
    /// Releases a hold; one that has ended already is released.
    pub(super) async fn release_one(&self, caller: Principal, hold: HoldId, key: Key) -> Result<(), Problem> {
        let counted = self.desk.holds().caller(caller, None);
        let verb = HoldVerb::Release(EndReason::Caller);
        match self.desk.change_hold(counted, (hold, Precondition::default()), verb, key).await {
            Ok(_) => Ok(()),
            Err(problem) if matches!(problem.code(), code::HOLD_EXPIRED | code::INVALID_TRANSITION) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// Releases the masters that are held, and notes their origins.
    pub(super) async fn release_all(
        &self,
        caller: Principal,
        whole: &Whole,
        released: &mut BTreeSet<AirportCode>,
    ) -> Result<(), ConsolidationError> {
        for master in whole.masters.iter().filter(|master| master.is_held()) {
            let origin = master.origin;
            let refused = |problem| ConsolidationError::Refused { origin, problem: Box::new(problem) };
            Box::pin(self.release_one(caller, master.hold_id, Key::none())).await.map_err(refused)?;
            released.insert(origin);
        }
        Ok(())
    }

    /// Records the release of these origins, but of those that were booked meanwhile.
    async fn recorded_release_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        whole: Whole,
        released: &BTreeSet<AirportCode>,
    ) -> Result<Whole, ConsolidationError> {
        let is_in_force = |origin: AirportCode| whole.master_of(origin).is_some_and(Master::is_in_force);
        let ended: Vec<AirportCode> = released.iter().copied().filter(|origin| !is_in_force(*origin)).collect();
        if ended.is_empty() {
            return Ok(whole);
        }
        let happening = Happening::change(ConsolidationChange::Released).at(ended);
        self.recorded_in_tx(tx, caller, whole, happening).await
    }

    /// Records what a request released or cancelled before it was refused. If that fails, the masters show it all the same.
    pub(super) async fn record_release(&self, caller: Principal, id: ConsolidationId, released: BTreeSet<AirportCode>) {
        if released.is_empty() {
            return;
        }
        let recording = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let whole = self.lock_own_in_tx(&mut tx, caller, id, &Precondition::default()).await?;
            self.recorded_release_in_tx(&mut tx, caller, whole, &released).await?;
            commit(tx).await?;
            Ok::<_, ConsolidationError>(())
        });
        if let Err(error) = recording.await {
            tracing::warn!(%error, consolidation_id = %id, "released masters are not in the history");
        }
    }
}
