//! Finds, for entries by date, the flights that were scheduled after they joined.
use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use loadmaster_capacity as capacity;
use loadmaster_kernel::{FlightId, WaitlistEntryId};
use loadmaster_platform::{
    postgres::{commit, retrying},
    zones,
};
use loadmaster_shipment::Fit;

use super::{error::WaitlistError, join::large_enough, repository, service::WaitlistService};

/// Most entries that are read, and changed, at once.
const AT_ONCE: i64 = 200;

impl WaitlistService {
    /// Has all entries by date wait for the flights that there are now; does nothing if neither the network nor the rules of time
    /// zones have changed since this process did it.
    pub(super) async fn widen_all(&self) -> Result<(), WaitlistError> {
        // A flight that is added meanwhile has a later version.
        let version = (self.flights.network_version().await?, zones::changes());
        if *self.widened.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(version) {
            return Ok(());
        }
        let (mut known, mut after) = (HashMap::new(), None);
        loop {
            let entries = repository::by_date(&mut *self.db.read().await?, after, AT_ONCE).await?;
            let Some((last, _)) = entries.last() else { break };
            after = Some(last.id);
            let mut more = Vec::new();
            for (entry, awaited) in &entries {
                let Some(date) = entry.departure_date else { continue };
                let codes = &entry.special_handling_codes;
                let ways = match known.entry((entry.lane, date, codes.clone())) {
                    Entry::Occupied(ways) => ways.into_mut(),
                    Entry::Vacant(place) => place.insert(self.ways(entry.lane, date, codes).await?),
                };
                let fit = Fit::of(entry.dimensions.as_ref(), &self.reference);
                let flights: BTreeSet<FlightId> =
                    large_enough(ways, entry.space, fit).0.into_iter().flatten().collect();
                more.extend(flights.difference(awaited).map(|flight| (entry.id, *flight)));
            }
            if !more.is_empty() {
                retrying(|| self.widen(&more)).await?;
            }
        }
        *self.widened.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(version);
        Ok(())
    }

    /// Has entries wait for more flights, as far as they still wait.
    async fn widen(&self, more: &[(WaitlistEntryId, FlightId)]) -> Result<(), WaitlistError> {
        let entries: BTreeSet<WaitlistEntryId> = more.iter().map(|(entry, _)| *entry).collect();
        let entries: Vec<WaitlistEntryId> = entries.into_iter().collect();
        let mut tx = self.db.begin().await?;
        // Whoever makes an offer to one of them locks these flights, too.
        let mut flights: BTreeSet<FlightId> = repository::awaited_by(&mut tx, &entries).await?.into_iter().collect();
        flights.extend(more.iter().map(|(_, flight)| *flight));
        let flights: Vec<FlightId> = flights.into_iter().collect();
        capacity::lock_in_tx(&mut tx, &flights).await?;
        repository::lock(&mut tx, &entries).await?;
        let wider = repository::widen(&mut tx, more).await?;
        if !wider.is_empty() {
            capacity::await_in_tx(&mut tx, &wider).await?;
        }
        commit(tx).await?;
        self.look_at(wider.into_iter().map(|(flight, _)| flight).collect());
        Ok(())
    }
}
