//! Collections: stations that are shown together.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, StationCollectionId, UserId};
use loadmaster_platform::{
    entries::{Entry, Listed, Spans, Step},
    postgres::{Database, DbError, PgSession, Recency},
    web::{PRIVATE, PageRequest, list, read, request},
};
use loadmaster_reference::Reference;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::StationError,
    input::{once, slug},
    model::{Collection, CollectionTerms},
    repository::collections,
    service::StationService,
    tags::{LAST_PLACE, LONGEST_NAME},
};

const MOST_STATIONS: usize = 100;
/// What acts call it.
const COLLECTION: &str = "station_collection";

/// Stations that are shown together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StationCollection)]
pub(super) struct CollectionBody<'a> {
    pub id: StationCollectionId,
    /// Its name in addresses.
    #[schema(example = "pharma-europe")]
    pub slug: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Plain text.
    #[schema(required = true)]
    pub text: Option<&'a str>,
    /// The airports of the stations, in their order.
    pub stations: &'a [AirportCode],
    /// Lower ones come first.
    pub order: i32,
    /// An inactive collection is not offered.
    pub is_active: bool,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Set in the answer to its deletion only.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Collection> for CollectionBody<'a> {
    fn from(collection: &'a Collection) -> Self {
        let terms = &collection.terms;
        Self {
            id: collection.id,
            slug: &terms.slug,
            name: &terms.name,
            text: terms.text.as_deref(),
            stations: &terms.stations,
            order: terms.order,
            is_active: terms.is_active,
            version: collection.version,
            created_at: collection.created_at,
            updated_at: collection.updated_at,
            ended_at: collection.ended_at,
        }
    }
}

request! {
    /// A collection to create.
    pub(super) struct CreateStationCollection in body(reference: &Reference) {
        /// Letters, digits and dashes; no other collection in force has it.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$")]
        slug: String = slug,
        /// Its name.
        #[schema(max_length = 100)]
        name: String = read::line(LONGEST_NAME),
        /// Plain text.
        #[schema(max_length = 2000)]
        text: Option<String> = read::prose(read::PROSE),
        /// Airports, each once, in the order in which they are shown.
        #[schema(max_items = 100)]
        stations: Vec<AirportCode> = list(MOST_STATIONS, once(|raw| reference.read_airport(raw))),
        /// Lower ones come first.
        #[schema(minimum = 0, maximum = 10_000, default = 0)]
        order: Option<i32> = read::integer(0, LAST_PLACE),
        /// An inactive collection is not offered.
        #[schema(default = true)]
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// Changes to a collection: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a member.
    #[derive(Default)]
    pub struct ChangeStationCollection in patch(reference: &Reference) {
        /// Its name.
        #[schema(max_length = 100)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// Plain text.
        #[schema(max_length = 2000)]
        text: Patch<String> = read::prose(read::PROSE),
        /// Airports, each once, in the order in which they are shown.
        #[schema(max_items = 100)]
        stations: Patch<Vec<AirportCode>> = list(MOST_STATIONS, once(|raw| reference.read_airport(raw))),
        /// Lower ones come first.
        #[schema(minimum = 0, maximum = 10_000)]
        order: Option<i32> = read::integer(0, LAST_PLACE),
        /// An inactive collection is not offered.
        is_active: Option<bool> = read::boolean,
    }
}

impl From<CreateStationCollection> for CollectionTerms {
    fn from(new: CreateStationCollection) -> Self {
        let CreateStationCollection { slug, name, text, stations, order, is_active } = new;
        Self { slug, name, text, stations, order: order.unwrap_or_default(), is_active: is_active.unwrap_or(true) }
    }
}

impl ChangeStationCollection {
    fn applied(&self, before: &CollectionTerms) -> CollectionTerms {
        let change = self.clone();
        CollectionTerms {
            slug: before.slug.clone(),
            name: change.name.unwrap_or_else(|| before.name.clone()),
            text: change.text.or(before.text.clone()),
            stations: change.stations.or(Some(before.stations.clone())).unwrap_or_default(),
            order: change.order.unwrap_or(before.order),
            is_active: change.is_active.unwrap_or(before.is_active),
        }
    }
}

impl Entry for Collection {
    type Keeper = StationService;
    type Terms = CollectionTerms;
    type Change = ChangeStationCollection;
    type Begun = ();
    type Error = StationError;

    const SPANS: Spans = Spans {
        create: "stations.create_collection",
        change: "stations.change_collection",
        end: "stations.end_collection",
    };
    const PATH: &'static str = "/station-collections";
    const CACHE: &'static str = PRIVATE;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn is_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    fn shown(&self) -> impl Serialize {
        CollectionBody::from(self)
    }

    fn created(stations: &StationService, terms: CollectionTerms) -> Self {
        let now = stations.clock.now();
        Self { id: stations.ids.next(now), terms, version: 1, created_at: now, updated_at: now, ended_at: None }
    }

    fn changed(
        &self,
        stations: &StationService,
        change: &ChangeStationCollection,
    ) -> Result<Option<Self>, StationError> {
        let terms = change.applied(&self.terms);
        let updated_at = stations.clock.now();
        let is_other = terms != self.terms;
        Ok(is_other.then(|| Self { terms, version: self.version + 1, updated_at, ..self.clone() }))
    }

    fn ended(self, stations: &StationService) -> Self {
        let now = stations.clock.now();
        Self { version: self.version + 1, updated_at: now, ended_at: Some(now), ..self }
    }

    fn unknown(id: Uuid) -> StationError {
        StationError::UnknownEntry(format!("collection {id}"))
    }

    fn version_mismatch(current: i32) -> StationError {
        StationError::VersionMismatch(current)
    }

    async fn find(stations: &StationService, id: Uuid) -> Result<Option<Self>, StationError> {
        let mut connection = stations.db.read().await?;
        Ok(collections::find(&mut connection, id).await?)
    }

    async fn begin_in_tx(_: &mut PgSession) -> Result<(), StationError> {
        Ok(())
    }

    async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Self>, StationError> {
        Ok(collections::lock(tx, id).await?)
    }

    async fn save_in_tx(
        &self,
        stations: &StationService,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        (): (),
    ) -> Result<(), StationError> {
        collections::save(tx, self).await.map_err(|error| match DbError::from(error) {
            error if error.constraint() == Some("station_collections_one_current_code") => StationError::AlreadyExists,
            error => error.into(),
        })?;
        let terms = &self.terms;
        let data = json!({
            "version": self.version, "slug": terms.slug, "name": terms.name, "stations": terms.stations,
            "order": terms.order, "is_active": terms.is_active,
        });
        stations.record_entry_in_tx(tx, actor, COLLECTION, step, self.id.uuid(), data).await
    }

    async fn saved(&self, _: &StationService, step: Step) {
        tracing::info!(collection_id = %self.id, version = self.version, ?step, "collection of stations changed");
    }
}

impl Listed for Collection {
    const LIST: &'static str = "stations.list_collections";
    const FIND: &'static str = "stations.find_collection";

    async fn list(
        stations: &StationService,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Self>, StationError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(collections::list(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        stations.db.reading(recency, read).await
    }
}
