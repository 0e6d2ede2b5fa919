//! Administrators keep the entries: the commands, the same for each kind.
use chrono::{DateTime, Utc};
use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_kernel::{Fault, FaultCode, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    outbox::{self, Message},
    postgres::{Database, PgSession},
    random::IdSource,
    tables::{ImportSummary, Table, TableError, TableFaults, read_apart, read_table},
    web::{Fields, Precondition},
    work::Command,
};
use serde_json::Value;

use super::{
    error::ReferenceError,
    hubs,
    kinds::Kind,
    model::{REFERENCE, ReferenceEventType, ReferenceMessage},
    repository::{self, Writer},
    service::Reference,
};

/// What the commands use.
#[derive(Clone)]
pub struct Keeper {
    pub(super) db: Database,
    pub(super) reference: Reference,
    clock: SharedClock,
    ids: IdSource,
    acts: Acts,
}

impl Keeper {
    pub fn new(db: Database, reference: Reference, clock: SharedClock, ids: IdSource, acts: Acts) -> Self {
        Self { db, reference, clock, ids, acts }
    }

    /// Returns the same on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Returns whether there is or was such an entry.
    pub(super) async fn existing<K: Kind>(&self, code: K::Code) -> Result<(), ReferenceError> {
        let mut db = self.db.read().await?;
        if repository::was_deleted(&mut db, K::NAME, &K::text(&code)).await? {
            return Ok(());
        }
        find::<K>(&mut db, code).await.map(drop)
    }

    /// Records what was done: an act, and a message to all servers.
    async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        actor: UserId,
        (act, subject): (&str, Subject),
        data: Value,
        message: ReferenceMessage,
    ) -> Result<(), ReferenceError> {
        self.acts.record_in_tx(tx, Actor::Caller(actor), act, subject, data).await?;
        self.announce_in_tx(tx, message).await
    }

    /// Appends a message to all servers.
    pub(super) async fn announce_in_tx(
        &self,
        tx: &mut PgSession,
        message: ReferenceMessage,
    ) -> Result<(), ReferenceError> {
        let now = self.now();
        let change: uuid::Uuid = self.ids.next(now);
        let message = Message {
            aggregate: REFERENCE,
            aggregate_id: change,
            organization: None,
            subject: &change.to_string(),
            sequence: 1,
            event_type: ReferenceEventType::Changed.as_str(),
            data: message,
            occurred_at: now,
            trace: None,
        };
        Ok(outbox::append_in_tx(tx, &[message]).await?)
    }

    async fn record_entry_in_tx<K: Kind>(
        &self,
        tx: &mut PgSession,
        actor: UserId,
        verb: &str,
        entry: &K,
    ) -> Result<(), ReferenceError> {
        let code = K::text(&entry.code());
        let act = format!("{}.{verb}", K::NAME);
        let message = ReferenceMessage { kind: K::NAME, codes: vec![code.clone()] };
        self.record_in_tx(tx, actor, (&act, Subject::new(K::NAME, code)), entry.shown(), message).await
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// To be called after the commit of a change: this process knows it from now on.
    pub(super) async fn committed(&self) {
        if let Err(error) = self.reference.reload(&self.db).await {
            tracing::warn!(%error, "the reference data cannot be read again; the next change, or a start, reads it");
        }
    }
}

async fn find<K: Kind>(db: &mut PgSession, code: K::Code) -> Result<K, ReferenceError> {
    let found = K::read(db, Some(code)).await?.remove(&code);
    found.map(|entry| (*entry).clone()).ok_or_else(|| ReferenceError::unknown(K::KIND, K::text(&code)))
}

/// Creates an entry.
pub(super) struct Create<K: Kind> {
    pub keeper: Keeper,
    pub actor: UserId,
    pub entry: K,
}

impl<K: Kind> Command for Create<K> {
    const NAME: &'static str = "reference.create";
    type Done = K;
    type Error = ReferenceError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<K, ReferenceError> {
        let Self { keeper, actor, entry } = self;
        repository::lock_changes(&mut *tx).await?;
        if !K::read(tx, Some(entry.code())).await?.is_empty() {
            return Err(ReferenceError::AlreadyExists(K::KIND, K::text(&entry.code())));
        }
        hubs::check(tx, entry).await?;
        K::write(&mut *tx, std::iter::once(&*entry), Writer::Administrator).await?;
        // With what releases know of it.
        let created: K = find(tx, entry.code()).await?;
        keeper.record_entry_in_tx(tx, *actor, "created", &created).await?;
        Ok(created)
    }

    async fn concluded(&mut self, outcome: Result<&K, &ReferenceError>) {
        if outcome.is_ok() {
            self.keeper.committed().await;
        }
    }
}

/// Changes an entry.
pub(super) struct Change<K: Kind> {
    pub keeper: Keeper,
    pub actor: UserId,
    pub code: K::Code,
    pub precondition: Precondition,
    pub wanted: K::Change,
    pub has_changed: bool,
}

impl<K: Kind> Command for Change<K> {
    const NAME: &'static str = "reference.change";
    type Done = K;
    type Error = ReferenceError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<K, ReferenceError> {
        repository::lock_changes(&mut *tx).await?;
        let before: K = find(tx, self.code).await?;
        self.precondition.check(before.state().version).map_err(ReferenceError::VersionMismatch)?;
        let mut entry = before.changed(self.wanted.clone());
        self.has_changed = entry != before;
        if !self.has_changed {
            return Ok(entry);
        }
        if entry.fixed_that_differs(&before).is_some() && repository::is_in_use::<K>(tx, self.code).await? {
            return Err(ReferenceError::InUse(K::KIND, K::text(&self.code)));
        }
        hubs::check(tx, &entry).await?;
        entry.state_mut().version += 1;
        K::write(&mut *tx, std::iter::once(&entry), Writer::Administrator).await?;
        self.keeper.record_entry_in_tx(tx, self.actor, "changed", &entry).await?;
        Ok(entry)
    }

    async fn concluded(&mut self, outcome: Result<&K, &ReferenceError>) {
        if outcome.is_ok() && self.has_changed {
            self.keeper.committed().await;
        }
    }
}

/// Deletes an entry to which nothing refers.
pub(super) struct Delete<K: Kind> {
    pub keeper: Keeper,
    pub actor: UserId,
    pub code: K::Code,
    pub precondition: Precondition,
}

impl<K: Kind> Command for Delete<K> {
    const NAME: &'static str = "reference.delete";
    type Done = K;
    type Error = ReferenceError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<K, ReferenceError> {
        repository::lock_changes(&mut *tx).await?;
        let entry: K = find(tx, self.code).await?;
        self.precondition.check(entry.state().version).map_err(ReferenceError::VersionMismatch)?;
        K::delete(tx, self.code).await.map_err(|error| {
            if repository::is_referred_to(&error) {
                ReferenceError::InUse(K::KIND, K::text(&self.code))
            } else {
                error.into()
            }
        })?;
        self.keeper.record_entry_in_tx(tx, self.actor, "deleted", &entry).await?;
        Ok(entry)
    }

    async fn concluded(&mut self, outcome: Result<&K, &ReferenceError>) {
        if outcome.is_ok() {
            self.keeper.committed().await;
        }
    }
}

/// Imports a table of entries by their codes, all or nothing. With `dry_run` nothing is written.
pub(super) struct Import<K: Kind> {
    pub keeper: Keeper,
    pub actor: UserId,
    pub table: Option<Table>,
    pub dry_run: bool,
    pub rows: Vec<(u64, K::Create)>,
}

impl<K: Kind> Command for Import<K>
where
    K::Create: Clone,
{
    const NAME: &'static str = "reference.import";
    type Done = ImportSummary;
    type Error = ReferenceError;

    async fn prepare(&mut self, _: &loadmaster_platform::idempotency::Key) -> Result<(), ReferenceError> {
        if let Some(table) = self.table.take() {
            self.rows = read_apart(move || read_rows::<K>(&table)).await??;
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ImportSummary, ReferenceError> {
        repository::lock_changes(&mut *tx).await?;
        let known = K::read(tx, None).await?;
        let (mut summary, mut written, mut faults) = (ImportSummary::default(), Vec::new(), TableFaults::default());
        for (row, new) in &self.rows {
            let before = known.get(&K::code_of(new)).map(AsRef::as_ref);
            let mut entry = K::created(new.clone(), before);
            let Some(before) = before else {
                summary.created += 1;
                written.push((*row, entry));
                continue;
            };
            if entry == *before {
                summary.unchanged += 1;
                continue;
            }
            if let Some(column) = entry.fixed_that_differs(before)
                && repository::is_in_use::<K>(tx, entry.code()).await?
            {
                let value = entry.shown()[column].as_str().unwrap_or_default().to_owned();
                let mut fields = Fields::of_row(*row, std::iter::once((column, value.as_str())));
                fields.fault(column, &in_use());
                faults.add(fields.finish().into_iter().take(1));
            }
            summary.updated += 1;
            entry.state_mut().version += 1;
            written.push((*row, entry));
        }
        faults.and(hubs::check_rows(tx, &written).await?).unless_faulty(())?;
        if self.dry_run || written.is_empty() {
            return Ok(summary);
        }
        K::write(&mut *tx, written.iter().map(|(_, entry)| entry), Writer::Administrator).await?;
        let data = serde_json::json!({"created": summary.created, "updated": summary.updated});
        let act = format!("{}.imported", K::PLURAL);
        let message = ReferenceMessage { kind: K::NAME, codes: Vec::new() };
        self.keeper.record_in_tx(tx, self.actor, (&act, Subject::new(K::PLURAL, "all")), data, message).await?;
        Ok(summary)
    }

    async fn concluded(&mut self, outcome: Result<&ImportSummary, &ReferenceError>) {
        let Ok(ImportSummary { created, updated, unchanged }) = outcome else { return };
        tracing::info!(
            created,
            updated,
            unchanged,
            dry_run = self.dry_run,
            kind = K::PLURAL,
            "reference data imported"
        );
        if !self.dry_run && created + updated > 0 {
            self.keeper.committed().await;
        }
    }
}

fn in_use() -> Fault {
    Fault::new(FaultCode::OutOfOrder, "cannot be changed: flights or rules refer to the entry")
}

/// Reads the rows of a table, each with its number.
fn read_rows<K: Kind>(table: &Table) -> Result<Vec<(u64, K::Create)>, TableError> {
    let mut seen = std::collections::BTreeMap::<K::Code, u64>::new();
    read_table(table, &K::COLUMNS, |fields, row| {
        let new = K::row(fields)?;
        if let Some(first) = seen.insert(K::code_of(&new), row) {
            let fault = Fault::format(format!("names the same entry as row {first}"));
            fields.fault("iata_code", &fault);
        }
        Some((row, new))
    })
}
