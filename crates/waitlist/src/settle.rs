//! Records what became of entries: of offers that have ended, and of flights that have left.
use std::collections::HashSet;

use loadmaster_capacity::{self as capacity, LAST_OFFERS};
use loadmaster_kernel::WaitlistEntryId;
use loadmaster_platform::postgres::{commit, retrying};

use super::{
    error::WaitlistError,
    metric,
    model::{Offer, Waiting, WaitlistEventType, WaitlistStatus},
    repository,
    service::{WaitlistService, advance, save_in_tx},
};

/// Most entries recorded in one transaction.
const AT_ONCE: i64 = 1_000;

impl WaitlistService {
    /// Records what has ended: offers each time, and entries of flights that have left when they have news or are swept.
    pub(super) async fn settle(&self, sweeps: bool) -> Result<(), WaitlistError> {
        let offers = repository::ended_offers(&mut *self.db.read().await?, AT_ONCE).await?;
        if !offers.is_empty() {
            retrying(|| self.settle_offers(&offers)).await?;
        }
        let has_news = self.flights_left.swap(false, std::sync::atomic::Ordering::AcqRel);
        if has_news || sweeps { self.settle_all_unserved().await } else { Ok(()) }
    }

    /// Records what became of the offer of an entry, if that has ended.
    pub(super) async fn settle_offer(&self, id: WaitlistEntryId) -> Result<(), WaitlistError> {
        let ids = [id];
        retrying(|| self.settle_offers(&ids)).await
    }

    async fn settle_all_unserved(&self) -> Result<(), WaitlistError> {
        loop {
            let now = self.clock.now();
            let unserved =
                repository::no_longer_served(&mut *self.db.read().await?, now + LAST_OFFERS, AT_ONCE).await?;
            if unserved.is_empty() {
                return Ok(());
            }
            retrying(|| self.settle_unserved(&unserved)).await?;
        }
    }

    async fn settle_offers(&self, ids: &[WaitlistEntryId]) -> Result<(), WaitlistError> {
        let mut tx = self.db.begin().await?;
        let mut entries = repository::lock(&mut tx, ids).await?;
        let now = self.clock.now();
        let mut events = Vec::with_capacity(entries.len());
        entries.retain_mut(|entry| {
            let outcome = entry.offer.as_ref().and_then(Offer::outcome);
            let (status, event, outcome) = match outcome.filter(|_| entry.status == WaitlistStatus::Offered) {
                Some(WaitlistStatus::Booked) => (WaitlistStatus::Booked, WaitlistEventType::Booked, "booked"),
                Some(WaitlistStatus::Declined) => (WaitlistStatus::Declined, WaitlistEventType::Declined, "declined"),
                Some(WaitlistStatus::Cancelled) => {
                    (WaitlistStatus::Cancelled, WaitlistEventType::Cancelled, "cancelled")
                }
                Some(_) => (WaitlistStatus::Expired, WaitlistEventType::Expired, "expired"),
                None => return false,
            };
            entry.status = status;
            advance(entry, now);
            events.push((event, outcome));
            true
        });
        let changed: Vec<(&Waiting, WaitlistEventType)> =
            entries.iter().zip(&events).map(|(entry, (event, _))| (entry, *event)).collect();
        if !changed.is_empty() {
            save_in_tx(&mut tx, &changed).await?;
            let ended: Vec<WaitlistEntryId> = entries.iter().map(|entry| entry.id).collect();
            repository::count_lapses(&mut tx, &ended).await?;
        }
        commit(tx).await?;
        for (_, outcome) in events {
            metric::OFFERS.with([outcome]).increment(1);
        }
        Ok(())
    }

    async fn settle_unserved(&self, unserved: &[repository::Unserved]) -> Result<(), WaitlistError> {
        let ids: Vec<WaitlistEntryId> = unserved.iter().map(|entry| entry.id).collect();
        let mut tx = self.db.begin().await?;
        let flights = repository::awaited_by(&mut tx, &ids).await?;
        capacity::lock_in_tx(&mut tx, &flights).await?;
        let mut entries = repository::lock(&mut tx, &ids).await?;
        let now = self.clock.now();
        entries.retain(|entry| entry.status == WaitlistStatus::Waiting);
        let cancelled: HashSet<WaitlistEntryId> =
            unserved.iter().filter(|gone| gone.is_cancelled).map(|gone| gone.id).collect();
        let mut events = Vec::with_capacity(entries.len());
        for entry in &mut entries {
            let (status, event) = if cancelled.contains(&entry.id) {
                (WaitlistStatus::Cancelled, WaitlistEventType::Cancelled)
            } else {
                (WaitlistStatus::Expired, WaitlistEventType::Expired)
            };
            entry.status = status;
            advance(entry, now);
            events.push(event);
        }
        let changed: Vec<(&Waiting, WaitlistEventType)> = entries.iter().zip(events).collect();
        if !changed.is_empty() {
            save_in_tx(&mut tx, &changed).await?;
        }
        commit(tx).await?;
        // What was kept for them on other flights is for those behind them.
        self.look_at(flights);
        Ok(())
    }
}
