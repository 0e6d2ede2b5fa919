//! What airlines' routes typically cost.
use std::collections::HashMap;

use chrono::Days;
use futures_util::future::BoxFuture;
use loadmaster_flights::{Lane, TypicalRate, TypicalRates};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError},
};

use super::repository;

/// For how many days before the date in UTC a rate is typical: at an origin it may be a day more or less.
const SPAN: Days = Days::new(89);

/// Without the flights, which hold it.
pub(super) struct Typical {
    pub db: Database,
    pub clock: SharedClock,
    pub weight_kg: i32,
}

impl TypicalRates for Typical {
    fn of<'a>(&'a self, lanes: &'a [Lane]) -> BoxFuture<'a, Result<HashMap<Lane, TypicalRate>, DbError>> {
        Box::pin(async move {
            let from = self.clock.now().date_naive() - SPAN;
            let mut connection = self.db.read().await?;
            Ok(repository::typical(&mut connection, lanes, self.weight_kg, from).await?)
        })
    }
}
