//! Writes what happens to a consolidation: its new version, its event and its message.
use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, UserId};
use loadmaster_platform::{outbox, postgres::PgSession};

use super::{
    error::ConsolidationError,
    model::{Consolidation, ConsolidationEvent, Happening, Whole, message},
    repository,
    service::ConsolidationService,
};

impl ConsolidationService {
    /// Numbers what happens, saves the consolidation and writes the event; the message comes last.
    pub(super) async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        consolidation: &mut Consolidation,
        happening: Happening,
    ) -> Result<(), ConsolidationError> {
        self.record_by_in_tx(tx, Some(caller.user_id), consolidation, happening).await
    }

    /// The same; `actor_id` is `None` of what a job finds.
    pub(super) async fn record_by_in_tx(
        &self,
        tx: &mut PgSession,
        actor_id: Option<UserId>,
        consolidation: &mut Consolidation,
        happening: Happening,
    ) -> Result<(), ConsolidationError> {
        let now = self.clock.now();
        consolidation.event_sequence += 1;
        consolidation.version += 1;
        consolidation.updated_at = now;
        let Happening { event_type, change, origins, part_id, organization_id } = happening;
        let event = ConsolidationEvent {
            sequence: consolidation.event_sequence,
            event_type,
            change,
            origins,
            part_id,
            organization_id,
            actor_id,
            created_at: now,
        };
        repository::save(tx, consolidation).await?;
        repository::insert_event(tx, consolidation.id, &event).await?;
        let subject = consolidation.id.to_string();
        outbox::append_in_tx(tx, &[message(consolidation, &event, &subject)]).await?;
        Ok(())
    }

    /// Records what happens, and returns the consolidation as it is then.
    pub(super) async fn recorded_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        mut whole: Whole,
        happening: Happening,
    ) -> Result<Whole, ConsolidationError> {
        let id = whole.consolidation.id;
        self.record_in_tx(tx, caller, &mut whole.consolidation, happening).await?;
        repository::find(tx, id, self.clock.now()).await?.ok_or(ConsolidationError::Unknown)
    }
}

/// Saves which parts the masters of these origins carry: those that were ready in `before`, when their freight was decided. A
/// master that has other freight by now keeps what it has.
pub(super) async fn save_aboard_in_tx(
    tx: &mut PgSession,
    (before, now): (&Whole, &Whole),
    origins: &[AirportCode],
) -> sqlx::Result<()> {
    for origin in origins.iter().copied() {
        let master = now.master_of(origin).filter(|master| master.is_open());
        if master.is_some_and(|master| before.ready_at(origin).as_ref() == Some(&master.freight)) {
            repository::save_aboard(tx, now.consolidation.id, origin, &before.ready_weighed(origin)).await?;
        }
    }
    Ok(())
}
