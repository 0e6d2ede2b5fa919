//! Entries that administrators keep, in versions. A kind of entries says what they are ([`Entry`]) and what the API says about
//! them ([`entry_operations!`]); its commands and answers are the same as those of all kinds.
mod answer;
mod command;
mod operations;

use loadmaster_kernel::UserId;
use serde::Serialize;
use uuid::Uuid;

use super::{
    idempotency::Repetition,
    postgres::{DbError, PgSession, Recency, Transient},
    web::{PageRequest, Problem},
};

pub use answer::{change, create, end, list, show};
pub use operations::entry_operations;

/// What is done to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Created,
    Changed,
    Ended,
}

/// The names of the spans of a kind's commands.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    pub create: &'static str,
    pub change: &'static str,
    pub end: &'static str,
}

/// A version of an entry of one kind.
pub trait Entry: Sized + Send + Sync + 'static {
    /// The service that keeps the entries.
    type Keeper: Clone + Send + Sync + 'static;
    /// What an entry says.
    type Terms: Clone + Send + Sync + 'static;
    /// A change of what it says, member by member.
    type Change: Send + Sync + 'static;
    /// What a change has from its beginning.
    type Begun: Copy + Send + Sync;
    type Error: From<DbError> + From<Repetition> + Transient + Into<Problem> + Send + Sync + 'static;

    const SPANS: Spans;
    /// Their address below `/api/v1`.
    const PATH: &'static str;
    /// The Cache-Control of an entry. If it is `PRIVATE`, lists have it, too.
    const CACHE: &'static str;

    fn id(&self) -> Uuid;
    fn version(&self) -> i32;
    fn is_ended(&self) -> bool;
    /// The entry as it is shown.
    fn shown(&self) -> impl Serialize;

    /// Returns the first version of a new entry.
    fn created(keeper: &Self::Keeper, terms: Self::Terms) -> Self;
    /// Returns the version after a change; `None` if it changes nothing.
    fn changed(&self, keeper: &Self::Keeper, change: &Self::Change) -> Result<Option<Self>, Self::Error>;
    /// Returns the last version.
    #[must_use]
    fn ended(self, keeper: &Self::Keeper) -> Self;

    fn unknown(id: Uuid) -> Self::Error;
    fn version_mismatch(current: i32) -> Self::Error;

    /// Returns an entry, in force or ended.
    fn find(keeper: &Self::Keeper, id: Uuid) -> impl Future<Output = Result<Option<Self>, Self::Error>> + Send;

    /// Begins a change.
    fn begin_in_tx(tx: &mut PgSession) -> impl Future<Output = Result<Self::Begun, Self::Error>> + Send;

    /// Returns an entry, which nobody else changes before the end of the transaction. One that has ended may be missing.
    fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> impl Future<Output = Result<Option<Self>, Self::Error>> + Send;

    /// Writes this version with its act and its message.
    fn save_in_tx(
        &self,
        keeper: &Self::Keeper,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        begun: Self::Begun,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// To be called after the commit: this version is in effect in this process from now on.
    fn saved(&self, keeper: &Self::Keeper, step: Step) -> impl Future<Output = ()> + Send;
}

/// A kind of entries that all of its readers may see.
pub trait Listed: Entry {
    /// The names of the spans of reading.
    const LIST: &'static str;
    const FIND: &'static str;

    /// Returns a page of the entries in force, oldest first.
    fn list(
        keeper: &Self::Keeper,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> impl Future<Output = Result<Vec<Self>, Self::Error>> + Send;
}
