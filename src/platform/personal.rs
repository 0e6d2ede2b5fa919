//! What is kept about a person: each room that keeps something hands it out and erases it.
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::postgres::{DbError, PgSession};
use crate::kernel::{OrganizationId, UserId};

/// Whose data is asked for, or is to be erased.
#[derive(Debug, Clone)]
pub struct Person {
    pub user_id: UserId,
    /// The person's organizations to which nobody else belongs: all that is theirs is the person's.
    pub organizations: Vec<OrganizationId>,
}

/// A room that keeps personal data.
pub trait PersonalData: Send + Sync {
    /// All that the room keeps about a person, as members of the export.
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>>;

    /// Erases all of it, in transactions of its own. What is erased already is left alone, so that it can be done again.
    /// Answers how many things were changed.
    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>>;

    /// The last parts of the addresses of what is the person's alone: kept answers about them are erased.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>>;
}
