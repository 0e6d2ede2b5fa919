//! How punctual airlines were. The room of the schedule counts their flights; the sums are kept here, and answered from memory like
//! everything else about an airline.
use std::collections::{BTreeMap, BTreeSet};

use loadmaster_kernel::{AirlineCode, Tenths};
use loadmaster_platform::{in_own_tx, postgres::PgSession};

use super::{
    error::ReferenceError,
    keep::Keeper,
    kinds::Kind,
    model::{Airline, Flown, ReferenceMessage},
    repository,
};

/// Takes the sums that a higher room has counted.
#[derive(Clone)]
pub struct Punctuality(pub(super) Keeper);

impl Punctuality {
    /// Replaces all sums. Every process knows them within a second. A process that is killed has replaced all or none.
    pub async fn replace(&self, flown: &[Flown]) -> Result<(), ReferenceError> {
        let has_changed = in_own_tx!(self.0.db, |tx| self.replace_in_tx(&mut tx, flown))?;
        if has_changed {
            self.0.committed().await;
        }
        Ok(())
    }

    /// Returns whether the percentage of any airline has changed.
    async fn replace_in_tx(&self, tx: &mut PgSession, flown: &[Flown]) -> Result<bool, ReferenceError> {
        repository::lock_changes(&mut *tx).await?;
        let before = repository::punctuality::all(tx).await?;
        repository::punctuality::replace(tx, flown, self.0.now()).await?;
        let codes = changed(&percentages(&before), &percentages(flown));
        if codes.is_empty() {
            return Ok(false);
        }
        let codes = codes.iter().map(ToString::to_string).collect();
        self.0.announce_in_tx(tx, ReferenceMessage { kind: Airline::NAME, codes }).await?;
        Ok(true)
    }
}

type Percentages = BTreeMap<AirlineCode, Tenths>;

fn percentages(flown: &[Flown]) -> Percentages {
    let percent = |sums: &Flown| Some((sums.airline, Flown::percent(sums.flights, sums.on_time)?));
    flown.iter().filter_map(percent).collect()
}

/// Returns the airlines whose percentage differs.
fn changed(before: &Percentages, now: &Percentages) -> BTreeSet<AirlineCode> {
    before.keys().chain(now.keys()).copied().filter(|code| before.get(code) != now.get(code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flown(airline: &str, flights: i64, on_time: i64) -> Flown {
        Flown { airline: airline.parse().unwrap(), flights, on_time }
    }

    #[test]
    fn twenty_flights_have_a_percentage() {
        assert_eq!(Flown::percent(19, 19), None);
        assert_eq!(Flown::percent(20, 0), Tenths::percent(0, 1));
        assert_eq!(Flown::percent(21, 14), Tenths::percent(2, 3));
    }

    #[test]
    fn only_airlines_whose_percentage_differs_have_changed() {
        let before = [flown("AI", 20, 10), flown("BA", 20, 10), flown("LH", 20, 10), flown("EK", 19, 0)];
        let now = [flown("AI", 40, 20), flown("BA", 20, 11), flown("EK", 20, 20), flown("MS", 3, 3)];
        let codes = changed(&percentages(&before), &percentages(&now));
        assert_eq!(codes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["BA", "EK", "LH"]);
    }
}
