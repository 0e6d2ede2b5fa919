use std::fmt::Display;

use loadmaster_kernel::UserId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, PgSession},
    random::IdSource,
    web::request_id,
    work::{self, Command},
};
use serde_json::{Value, json};

use super::{model::Act, repository};

use crate::error::AccountError;

/// The originator of an act.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    Caller(UserId),
    /// A person who runs the program with the installation's settings.
    CommandLine,
}

impl From<Option<UserId>> for Actor {
    /// Commands have no caller.
    fn from(caller: Option<UserId>) -> Self {
        caller.map_or(Self::CommandLine, Self::Caller)
    }
}

/// The thing that an act is about, as the room that owns it names it. People are named by their ids: the record outlives
/// them.
#[derive(Debug, Clone)]
pub struct Subject {
    kind: &'static str,
    id: String,
}

impl Subject {
    pub fn new(kind: &'static str, id: impl Display) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// The record of administrative acts.
#[derive(Clone)]
pub struct Acts {
    ids: IdSource,
    clock: SharedClock,
}

impl Acts {
    pub fn new(ids: IdSource, clock: SharedClock) -> Self {
        Self { ids, clock }
    }

    /// Records an administrative act of the current request in the transaction that does it. `data` describes the new state of
    /// the subject, without personal data and secrets.
    pub async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Actor,
        name: &str,
        subject: Subject,
        data: Value,
    ) -> Result<(), DbError> {
        self.record_of_in_tx(tx, request_id(), actor, name, subject, data).await
    }

    /// The same, of a request that another task carries out.
    pub async fn record_of_in_tx(
        &self,
        tx: &mut PgSession,
        request: String,
        actor: Actor,
        name: &str,
        subject: Subject,
        data: Value,
    ) -> Result<(), DbError> {
        let now = self.clock.now();
        let act = Act {
            id: self.ids.next(now),
            name: name.to_owned(),
            actor_id: match actor {
                Actor::Caller(caller) => Some(caller),
                Actor::CommandLine => None,
            },
            subject_kind: subject.kind.to_owned(),
            subject_id: subject.id,
            data,
            request_id: Some(request).filter(|id| !id.is_empty()),
            acted_at: now,
        };
        Ok(repository::insert_act(tx, &act).await?)
    }
}

/// Records that somebody takes a copy of many people's data.
struct RecordExport {
    acts: Acts,
    actor: UserId,
    table: &'static str,
    rows: i64,
}

impl Command for RecordExport {
    const NAME: &'static str = "accounts.record_export";
    type Done = ();
    type Error = AccountError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), AccountError> {
        let (act, subject) = (format!("{}.exported", self.table), Subject::new(self.table, "export"));
        let data = json!({"rows": self.rows});
        Ok(self.acts.record_in_tx(tx, Actor::Caller(self.actor), &act, subject, data).await?)
    }
}

impl Acts {
    /// Records an export of this table by a caller, before it begins.
    pub async fn record_export(
        &self,
        db: &Database,
        actor: UserId,
        table: &'static str,
        rows: i64,
    ) -> Result<(), AccountError> {
        Box::pin(work::run_alone(db, RecordExport { acts: self.clone(), actor, table, rows })).await
    }
}
