use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_platform::{
    clock::SharedClock,
    entries::Step,
    outbox::{self, Message},
    postgres::{Database, DbError, PgSession},
    random::IdSource,
    snapshot::Snapshot,
};
use loadmaster_reference::Reference;
use serde_json::json;

use super::{
    error::EmbargoError,
    in_force::Embargoes,
    model::{EMBARGO, Embargo, EmbargoEventType, EmbargoMessage},
    repository,
    snapshot::EmbargoSource,
};

/// The use cases of embargoes: keeping them in `entry`; those in force, here.
#[derive(Clone)]
pub struct EmbargoService {
    pub(super) db: Database,
    pub(super) snapshot: Snapshot<EmbargoSource>,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    acts: Acts,
}

impl EmbargoService {
    pub fn new(db: Database, reference: Reference, clock: SharedClock, ids: IdSource, acts: Acts) -> Self {
        let snapshot = Snapshot::new(EmbargoSource(reference), db.clone(), clock.clone());
        Self { db, snapshot, clock, ids, acts }
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), snapshot: self.snapshot.for_background(), ..self.clone() }
    }

    /// Returns the embargoes in force: all changes by this process, and those by others up to half a second ago. Reads
    /// them only if this process is not up to date.
    pub async fn in_force(&self) -> Result<Embargoes, DbError> {
        self.snapshot.current().await
    }

    /// Returns the same within a transaction.
    pub async fn in_force_in_tx(&self, tx: &mut PgSession) -> Result<Embargoes, DbError> {
        self.snapshot.current_in_tx(tx).await
    }

    /// Writes an embargo with its act and its message. The caller has locked it, if it is not new.
    pub(super) async fn save_in_tx(
        &self,
        tx: &mut PgSession,
        embargo: &Embargo,
        step: Step,
        actor: Actor,
    ) -> Result<(), EmbargoError> {
        repository::save(tx, embargo).await?;
        let (event_type, name) = match step {
            Step::Created => (EmbargoEventType::Created, "embargo.created"),
            Step::Changed => (EmbargoEventType::Changed, "embargo.changed"),
            Step::Ended => (EmbargoEventType::Ended, "embargo.ended"),
        };
        // Without the reason, which is free text.
        let terms = &embargo.terms;
        let data = json!({
            "version": embargo.version, "name": terms.name, "airline_code": terms.airline, "origin": terms.origin,
            "destination": terms.destination, "flight_numbers": terms.flight_numbers, "valid_from": terms.valid_from,
            "valid_to": terms.valid_to, "aircraft_code": terms.aircraft, "is_freighter": terms.is_freighter,
            "weekdays": terms.weekdays, "handling_codes": terms.handling_codes, "effect": terms.effect,
        });
        self.acts.record_in_tx(tx, actor, name, Subject::new(EMBARGO, embargo.id), data).await?;
        let message = Message {
            aggregate: EMBARGO,
            aggregate_id: embargo.id.uuid(),
            organization: None,
            subject: &embargo.id.to_string(),
            sequence: embargo.version,
            event_type: event_type.as_str(),
            data: EmbargoMessage { embargo_id: embargo.id, version: embargo.version },
            occurred_at: embargo.updated_at,
            trace: None,
        };
        Ok(outbox::append_in_tx(tx, &[message]).await?)
    }

    /// To be called after the commit of a change: it is in effect in this process from now on.
    pub(super) async fn changed(&self, embargo: &Embargo, step: Step) {
        self.snapshot.changed().await;
        tracing::info!(embargo_id = %embargo.id, version = embargo.version, ?step, "embargo changed");
    }
}
