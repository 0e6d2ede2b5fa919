//! What routes typically cost, which a higher room knows.
use std::collections::HashMap;

use futures_util::future::BoxFuture;
use loadmaster_kernel::{Currency, Rate};
use loadmaster_platform::postgres::DbError;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Lane;

/// What anybody was offered between two airports in the last 90 days for 300 kg, whatever the airline, for a kilogram of chargeable
/// weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TypicalRate {
    pub low: Rate,
    pub average: Rate,
    pub high: Rate,
    /// That of most offers.
    pub currency: Currency,
}

/// Knows what routes typically cost.
pub trait TypicalRates: Send + Sync {
    /// Returns the rates of those of these lanes that have one.
    fn of<'a>(&'a self, lanes: &'a [Lane]) -> BoxFuture<'a, Result<HashMap<Lane, TypicalRate>, DbError>>;
}
