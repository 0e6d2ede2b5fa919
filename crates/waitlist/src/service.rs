use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use loadmaster_accounts::{Acts, Principal};
use loadmaster_capacity::{self as capacity, CapacityService};
use loadmaster_embargoes::EmbargoService;
use loadmaster_flights::{FlightService, NetworkVersion};
use loadmaster_holds::{HoldBody, HoldService};
use loadmaster_kernel::{FlightId, HoldId, WaitlistEntryId};
use loadmaster_platform::{
    clock::SharedClock,
    outbox,
    postgres::{Database, DbError, PgSession, Recency},
    random::IdSource,
    web::PageRequest,
};
use loadmaster_pricing::PricingService;
use loadmaster_reference::Reference;
use loadmaster_search::SearchService;
use tokio::sync::Notify;

use super::{
    dto::{WaitlistEntryBody, WaitlistFilter},
    error::WaitlistError,
    model::{Waiting, WaitlistAnchor, WaitlistEventType, WaitlistStatus, message},
    repository,
};

/// How offers are made.
#[derive(Debug, Clone, Copy)]
pub struct WaitlistLimits {
    /// Longest life of an offer.
    pub offer_hours: u32,
    /// How often an entry is passed over before space is kept for it.
    pub max_passed_over: i32,
    /// How long space is kept for an entry at most.
    pub keep_hours: u32,
}

/// An entry with its place in the order, while it waits.
pub struct Placed {
    pub entry: Waiting,
    pub place: Option<i64>,
}

impl Placed {
    /// Finds the place of an entry that was made or changed in this transaction.
    pub async fn find_in_tx(tx: &mut PgSession, entry: Waiting) -> Result<Self, DbError> {
        let place = match entry.status {
            WaitlistStatus::Waiting => repository::places(tx, &[entry.id]).await?.remove(&entry.id),
            _ => None,
        };
        Ok(Self { entry, place })
    }
}

/// The use cases of the waitlist: `join`, `order`, `matcher` with `pass`, `choose` and `offer`, `sweep`, `widen`,
/// and `settle`.
#[derive(Clone)]
pub struct WaitlistService {
    pub db: Database,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub acts: Acts,
    pub capacity: CapacityService,
    pub flights: FlightService,
    pub search: SearchService,
    pub embargoes: EmbargoService,
    pub holds: HoldService,
    pub pricing: PricingService,
    pub reference: Reference,
    pub limits: WaitlistLimits,
    /// Wakes the matcher of this process.
    pub news: Arc<Notify>,
    /// Flights that the matcher is to look at.
    pub asked: Arc<Mutex<BTreeSet<FlightId>>>,
    /// Flights have departed or were cancelled.
    pub flights_left: Arc<AtomicBool>,
    /// The version of the network at which all flights were found for entries by date.
    pub widened: Arc<Mutex<Option<(NetworkVersion, u64)>>>,
}

impl WaitlistService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let (capacity, holds) = (self.capacity.for_background(), self.holds.for_background());
        let (flights, embargoes) = (self.flights.for_background(), self.embargoes.for_background());
        let (db, pricing) = (self.db.for_background(), self.pricing.for_background());
        Self { db, capacity, flights, embargoes, holds, pricing, ..self.clone() }
    }

    /// Returns the entry if the caller may see it; one of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, id: WaitlistEntryId) -> Result<Waiting, WaitlistError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.sees_only()).await?.ok_or(WaitlistError::Unknown)
    }

    pub async fn list(
        &self,
        filter: &WaitlistFilter,
        page: &PageRequest<WaitlistAnchor>,
        recency: Recency,
    ) -> Result<Vec<Waiting>, WaitlistError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            Ok(repository::list(&mut snapshot, filter, page.after, page.offset, page.fetch(), now).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Describes entries, with their places and offers.
    pub async fn describe(&self, entries: &[Waiting]) -> Result<Vec<WaitlistEntryBody>, WaitlistError> {
        let now = self.clock.now();
        let holds: Vec<HoldId> = entries.iter().filter_map(|entry| Some(entry.offer.as_ref()?.hold_id)).collect();
        let holds = self.holds.find_all(&holds).await?;
        let mut holds: HashMap<HoldId, HoldBody> =
            holds.iter().map(|hold| (hold.id, self.holds.body(hold, now))).collect();
        let waiting = entries.iter().filter(|entry| entry.status == WaitlistStatus::Waiting);
        let waiting: Vec<WaitlistEntryId> = waiting.map(|entry| entry.id).collect();
        let places = if waiting.is_empty() {
            HashMap::new()
        } else {
            repository::places(&mut *self.db.read().await?, &waiting).await?
        };
        let bodies = entries.iter().map(|entry| {
            let offer = entry.offer.as_ref().and_then(|offer| holds.remove(&offer.hold_id));
            WaitlistEntryBody::new(entry, places.get(&entry.id).copied(), offer, now)
        });
        Ok(bodies.collect())
    }
}

/// Raises the counters of an entry for an event.
pub(super) fn advance(entry: &mut Waiting, now: chrono::DateTime<chrono::Utc>) {
    entry.version += 1;
    entry.event_sequence += 1;
    entry.updated_at = now;
}

/// Writes entries that have changed, with a message for each. Those that wait no more leave their flights. The caller
/// holds the locks of the flights and of the entries.
pub(super) async fn save_in_tx(tx: &mut PgSession, changed: &[(&Waiting, WaitlistEventType)]) -> Result<(), DbError> {
    let entries: Vec<&Waiting> = changed.iter().map(|(entry, _)| *entry).collect();
    repository::save(tx, &entries).await?;
    let gone: Vec<WaitlistEntryId> =
        entries.iter().filter(|entry| entry.status != WaitlistStatus::Waiting).map(|entry| entry.id).collect();
    if !gone.is_empty() {
        let left = repository::leave(tx, &gone).await?;
        let left: Vec<_> = left.into_iter().map(|(flight, entries)| (flight, -entries)).collect();
        if !left.is_empty() {
            capacity::await_in_tx(tx, &left).await?;
        }
    }
    write_messages_in_tx(tx, changed).await
}

/// Writes a message for each of these events.
pub(super) async fn write_messages_in_tx(
    tx: &mut PgSession,
    changed: &[(&Waiting, WaitlistEventType)],
) -> Result<(), DbError> {
    let subjects: Vec<String> = changed.iter().map(|(entry, _)| entry.id.to_string()).collect();
    let messages: Vec<_> =
        changed.iter().zip(&subjects).map(|((entry, event), subject)| message(entry, subject, *event)).collect();
    Ok(outbox::append_in_tx(tx, &messages).await?)
}
