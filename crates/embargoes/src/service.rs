use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_kernel::EmbargoId;
use loadmaster_platform::{
    clock::SharedClock,
    outbox::{self, Message},
    postgres::{Database, DbError, PgSession, Recency},
    random::IdSource,
    web::PageRequest,
};
use loadmaster_reference::Reference;
use serde_json::json;

use super::{
    error::EmbargoError,
    in_force::Embargoes,
    model::{EMBARGO, Embargo, EmbargoEventType, EmbargoMessage},
    repository,
    snapshot::EmbargoSnapshot,
};

/// The use cases of embargoes: `create`, `change` and `end` in their own files; finding, and those in force, here.
#[derive(Clone)]
pub struct EmbargoService {
    pub(super) db: Database,
    pub(super) reference: Reference,
    pub(super) snapshot: EmbargoSnapshot,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    acts: Acts,
}

impl EmbargoService {
    pub fn new(db: Database, reference: Reference, clock: SharedClock, ids: IdSource, acts: Acts) -> Self {
        Self { db, reference, snapshot: EmbargoSnapshot::default(), clock, ids, acts }
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Returns the embargoes in force: all changes by this process, and those by others up to half a second ago. Reads
    /// them only if this process is not up to date.
    pub async fn in_force(&self) -> Result<Embargoes, DbError> {
        match self.snapshot.current(self.clock.now()) {
            Some(embargoes) => Ok(embargoes),
            None => self.reload().await,
        }
    }

    /// Returns the same within a transaction.
    pub async fn in_force_in_tx(&self, tx: &mut PgSession) -> Result<Embargoes, DbError> {
        match self.snapshot.current(self.clock.now()) {
            Some(embargoes) => Ok(embargoes),
            None => Ok(self.load(tx).await?),
        }
    }

    /// Reads the embargoes in force.
    pub(super) async fn reload(&self) -> Result<Embargoes, DbError> {
        let mut connection = self.db.read().await?;
        Ok(self.load(&mut connection).await?)
    }

    async fn load(&self, db: &mut PgSession) -> sqlx::Result<Embargoes> {
        let as_of = self.snapshot.begin_reading();
        let all = repository::in_force(db).await?;
        Ok(self.snapshot.take_in(as_of, all, &self.reference))
    }

    /// Returns an embargo in force.
    pub(super) async fn embargo(&self, id: EmbargoId) -> Result<Embargo, EmbargoError> {
        let found = self.existing(id).await?;
        if found.ended_at.is_some() { Err(EmbargoError::Unknown(id)) } else { Ok(found) }
    }

    /// Returns an embargo, in force or ended.
    pub(super) async fn existing(&self, id: EmbargoId) -> Result<Embargo, EmbargoError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id).await?.ok_or(EmbargoError::Unknown(id))
    }

    pub(super) async fn list(
        &self,
        page: &PageRequest<EmbargoId>,
        recency: Recency,
    ) -> Result<Vec<Embargo>, EmbargoError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::list(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Writes an embargo with its act and its message. The caller has locked it, if it is not new.
    pub(super) async fn save_in_tx(
        &self,
        tx: &mut PgSession,
        embargo: &Embargo,
        event_type: EmbargoEventType,
        actor: Actor,
    ) -> Result<(), EmbargoError> {
        repository::save(tx, embargo).await?;
        let name = match event_type {
            EmbargoEventType::Created => "embargo.created",
            EmbargoEventType::Changed => "embargo.changed",
            EmbargoEventType::Ended => "embargo.ended",
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
    pub(super) async fn changed(&self, embargo: &Embargo, event_type: EmbargoEventType) {
        self.snapshot.changed();
        if let Err(error) = self.reload().await {
            tracing::debug!(%error, "the embargoes cannot be read; they are read when they are needed");
        }
        tracing::info!(embargo_id = %embargo.id, version = embargo.version, event_type = event_type.as_str(), "embargo changed");
    }
}
