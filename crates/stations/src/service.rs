use std::sync::Arc;

use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_kernel::{AirportCode, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    entries::Step,
    outbox::{self, Message},
    postgres::{Database, DbError, PgSession, Recency, column},
    random::IdSource,
    snapshot::Snapshot,
    web::PageRequest,
};
use loadmaster_reference::{Airport, Reference};
use serde_json::Value;
use uuid::Uuid;

use super::{
    acceptance::Acceptances,
    error::StationError,
    input::StationFilter,
    model::{Placed, STATION, Station, StationEventType, StationMessage},
    repository::{self, Chosen, Place},
    snapshot::AcceptanceSource,
};

/// The use cases of stations: changes in `keep`, tags and collections in rooms of their own, finding here. Cheap to clone.
#[derive(Clone)]
pub struct StationService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    pub(super) reference: Reference,
    pub(super) snapshot: Snapshot<AcceptanceSource>,
}

impl StationService {
    pub(super) fn new(db: Database, reference: Reference, clock: SharedClock, ids: IdSource, acts: Acts) -> Self {
        let snapshot = Snapshot::new(AcceptanceSource, db.clone(), clock.clone());
        Self { db, clock, ids, acts, reference, snapshot }
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), snapshot: self.snapshot.for_background(), ..self.clone() }
    }

    /// Returns by when each station takes freight: all changes by this process, and those by others up to half a second ago.
    pub async fn acceptances(&self) -> Result<Acceptances, DbError> {
        self.snapshot.current().await
    }

    /// Returns what this process knows of it, without reading: changes by others within a second.
    pub fn known_acceptances(&self) -> Acceptances {
        self.snapshot.known()
    }

    /// Returns an airport: each has a station.
    pub(super) fn airport(&self, code: AirportCode) -> Result<Arc<Airport>, StationError> {
        self.reference.airport(code).ok_or(StationError::Unknown(code))
    }

    pub(super) async fn find(&self, code: AirportCode) -> Result<Placed, StationError> {
        let airport = self.airport(code)?;
        let mut connection = self.db.read().await?;
        let found = repository::find(&mut connection, code).await?;
        let has_image = !repository::images::of_stations(&mut connection, &[code]).await?.is_empty();
        Ok(self.placed(airport, found.unwrap_or_else(|| Station::without_content(code)), has_image))
    }

    pub(super) fn placed(&self, airport: Arc<Airport>, station: Station, has_image: bool) -> Placed {
        let today = airport.local_date(self.clock.now());
        Placed { airport, station, today, has_image }
    }

    /// Returns the filter of a list with the airports that it names. `with_bare`: a place that is looked for is shown, too, if nothing
    /// was written about it.
    pub(super) fn chosen(&self, filter: StationFilter, with_bare: bool) -> Chosen {
        let is_narrow = filter.q.is_some() || filter.country.is_some();
        let airports = is_narrow.then(|| self.reference.airports_like(filter.q.as_deref(), filter.country.as_deref()));
        Chosen { filter, airports, with_bare }
    }

    /// Returns a page of stations, each with its place in the list.
    pub(super) async fn list(
        &self,
        chosen: &Chosen,
        page: &PageRequest<Place>,
        recency: Recency,
    ) -> Result<Vec<(Place, Placed)>, StationError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            let found = repository::list(&mut snapshot, chosen, after, offset, fetch).await?;
            let codes = column(&found, |(place, _)| place.code);
            let pictured = repository::images::of_stations(&mut snapshot, &codes).await?;
            Ok::<_, StationError>((found, pictured))
        };
        let (found, pictured) = self.db.reading(recency, read).await?;
        let placed = |(place, station): (Place, Station)| {
            let (airport, has_image) = (self.reference.airport(station.code)?, pictured.contains(&station.code));
            Some((place, self.placed(airport, station, has_image)))
        };
        Ok(found.into_iter().filter_map(placed).collect())
    }

    /// Records what was done: an act, and a message to all servers.
    pub(super) async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        actor: UserId,
        (act, subject): (&str, Subject),
        data: Value,
        codes: Vec<AirportCode>,
    ) -> Result<(), StationError> {
        self.acts.record_in_tx(tx, Actor::Caller(actor), act, subject, data).await?;
        self.announce_in_tx(tx, codes).await
    }

    /// Writes the message that these stations have changed; without any, that all may have.
    pub(super) async fn announce_in_tx(&self, tx: &mut PgSession, codes: Vec<AirportCode>) -> Result<(), StationError> {
        let now = self.clock.now();
        let change: Uuid = self.ids.next(now);
        let message = Message {
            aggregate: STATION,
            aggregate_id: change,
            organization: None,
            subject: &change.to_string(),
            sequence: 1,
            event_type: StationEventType::Changed.as_str(),
            data: StationMessage { codes },
            occurred_at: now,
            trace: None,
        };
        Ok(outbox::append_in_tx(tx, &[message]).await?)
    }

    /// Records a version of a tag or collection.
    pub(super) async fn record_entry_in_tx(
        &self,
        tx: &mut PgSession,
        actor: UserId,
        kind: &'static str,
        step: Step,
        id: Uuid,
        data: Value,
    ) -> Result<(), StationError> {
        let verb = match step {
            Step::Created => "created",
            Step::Changed => "changed",
            Step::Ended => "ended",
        };
        let act = format!("{kind}.{verb}");
        Ok(self.acts.record_in_tx(tx, Actor::Caller(actor), &act, Subject::new(kind, id), data).await?)
    }
}
