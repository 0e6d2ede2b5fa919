//! Cancels a consolidation: its holds are released, and its bookings cancelled as bookings are.
use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, ConsolidationId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::PgSession,
    web::{Precondition, Problem},
    work::Command,
};

use super::{
    error::ConsolidationError,
    model::{ConsolidationEventType, Happening, Master, Whole},
    service::ConsolidationService,
};

/// Cancels a consolidation. What was released or cancelled before a refusal stays so.
pub(super) struct Cancel {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    /// The origins whose masters were released or cancelled.
    pub ended: BTreeSet<AirportCode>,
}

impl Command for Cancel {
    const NAME: &'static str = "consolidations.cancel";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, precondition, ended } = self;
        let whole = consolidations.own(*caller, *id, precondition).await?;
        // From here on it acts: what others change meanwhile undoes nothing.
        *precondition = Precondition::default();
        consolidations.release_all(*caller, &whole, ended).await?;
        for master in whole.masters.iter().filter(|master| master.is_booked()) {
            let refused = |problem| ConsolidationError::Refused { origin: master.origin, problem: Box::new(problem) };
            Box::pin(consolidations.cancel_one(*caller, master)).await.map_err(refused)?;
            ended.insert(master.origin);
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, .. } = self;
        let mut whole = consolidations.lock_own_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        // Another request may have held or booked one meanwhile.
        if let Some(master) = whole.masters.iter().find(|master| master.is_in_force()) {
            return Err(ConsolidationError::in_force(master, "delete"));
        }
        whole.consolidation.cancelled_at = Some(consolidations.clock.now());
        let origins: Vec<_> = whole.masters.iter().map(|master| master.origin).collect();
        let cancelled = Happening::of(ConsolidationEventType::Cancelled).at(origins);
        consolidations.recorded_in_tx(tx, *caller, whole, cancelled).await
    }

    /// Records what was released or cancelled before a refusal.
    async fn concluded(&mut self, outcome: Result<&Whole, &ConsolidationError>) {
        if outcome.is_err_and(|error| !error.may_have_happened()) {
            self.consolidations.record_release(self.caller, self.id, std::mem::take(&mut self.ended)).await;
        }
    }
}

impl ConsolidationService {
    async fn cancel_one(&self, caller: Principal, master: &Master) -> Result<(), Problem> {
        let Some(reference) = master.booking_ref.clone() else { return Ok(()) };
        self.desk.cancel_for(caller, reference, Key::none()).await.map(drop)
    }
}
