//! Counts how punctual airlines are. The sums belong to the reference data, which answers them with the airlines.
use chrono::TimeDelta;
use loadmaster_reference::{Punctuality, ReferenceError};

use super::{FlightService, repository::punctuality};

/// Flights that arrived in so much time before now are counted.
const SPAN: TimeDelta = TimeDelta::days(90);

impl FlightService {
    /// Counts the flights of all airlines in one statement.
    pub(super) async fn count_punctuality(&self, book: &Punctuality) -> Result<(), ReferenceError> {
        let since = self.clock.now() - SPAN;
        let flown = punctuality::arrived(&mut *self.db.read().await?, since).await?;
        book.replace(&flown).await
    }
}
