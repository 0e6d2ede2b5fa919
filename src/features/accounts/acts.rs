use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{error::AccountError, repository, service::AccountService};
use crate::{
    kernel::{ActId, ApiKeyId, FlightId, UserId},
    platform::{
        clock::SharedClock,
        postgres::{DbError, PgSession},
        random::IdSource,
        web::{PageRequest, request_id},
    },
};

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    Caller(UserId),
    /// Whoever may start the program with the installation's settings.
    CommandLine,
}

impl From<Option<UserId>> for Actor {
    /// Nobody calls at the command line.
    fn from(caller: Option<UserId>) -> Self {
        caller.map_or(Self::CommandLine, Self::Caller)
    }
}

/// What an act is about. People are named by their ids: the record outlives them.
#[derive(Debug, Clone)]
pub struct Subject {
    kind: &'static str,
    id: String,
}

impl Subject {
    pub fn user(id: UserId) -> Self {
        Self { kind: "user", id: id.to_string() }
    }

    pub fn api_key(id: ApiKeyId) -> Self {
        Self { kind: "api_key", id: id.to_string() }
    }

    pub fn flight(id: FlightId) -> Self {
        Self { kind: "flight", id: id.to_string() }
    }

    /// The schedule as a whole.
    pub fn schedule() -> Self {
        Self { kind: "schedule", id: "flights".to_owned() }
    }

    pub fn signing_key(kid: &str) -> Self {
        Self { kind: "signing_key", id: kid.to_owned() }
    }
}

/// An administrative act as it is kept for ever.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub id: ActId,
    pub name: String,
    pub actor_id: Option<UserId>,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Value,
    pub request_id: Option<String>,
    pub acted_at: DateTime<Utc>,
}

/// Which acts a list shows.
#[derive(Debug, Clone, Default)]
pub(super) struct ActFilter {
    pub actor_id: Option<UserId>,
    pub subject_id: Option<String>,
    pub act: Option<String>,
}

/// Where a page of acts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActAnchor(pub ActId);

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

    /// Records an administrative act in the transaction that does it. `data` is what was made of the subject, without
    /// personal data and secrets.
    pub async fn record_in_tx(
        &self,
        tx: &mut PgSession,
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
            request_id: Some(request_id()).filter(|id| !id.is_empty()),
            acted_at: now,
        };
        Ok(repository::insert_act(tx, &act).await?)
    }
}

impl AccountService {
    pub(super) async fn list_acts(
        &self,
        filter: &ActFilter,
        page: &PageRequest<ActAnchor>,
    ) -> Result<Vec<Act>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_acts(&mut db, filter, page.after, page.offset, page.fetch()).await?)
    }
}
