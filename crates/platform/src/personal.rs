//! Personal data: each room that stores some exports and erases it.
use futures_util::future::BoxFuture;
use loadmaster_kernel::{OrganizationId, UserId};
use serde_json::{Map, Value};

use super::postgres::{DbError, PgSession};

/// The person whose data is exported or erased.
#[derive(Debug, Clone)]
pub struct Person {
    pub user_id: UserId,
    /// The organizations whose only member is the person: their data counts as the person's.
    pub organizations: Vec<OrganizationId>,
}

/// A room that keeps personal data.
pub trait PersonalData: Send + Sync {
    /// Returns all data that the room stores about a person, as members of the export.
    fn export_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Map<String, Value>, DbError>>;

    /// Erases all of it, in separate transactions. Skips data that is already erased, so that it can be repeated.
    /// Returns the number of changed items.
    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, anyhow::Result<usize>>;

    /// Returns the last segments of the addresses of the person's own resources: stored answers about them are erased.
    fn names_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Vec<String>, DbError>>;
}
