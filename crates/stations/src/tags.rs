//! Tags: words that stations are found by.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{Fault, StationTagId, UserId};
use loadmaster_platform::{
    entries::{Entry, Listed, Spans, Step},
    postgres::{Database, DbError, PgSession, Recency},
    web::{PRIVATE, PageRequest, Raw, read, request},
};
use loadmaster_reference::Reference;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::StationError,
    input::slug,
    model::{Tag, TagTerms},
    repository::tags,
    service::StationService,
};

/// The longest name, in characters.
pub(super) const LONGEST_NAME: usize = 100;
/// The highest place in the order.
pub(super) const LAST_PLACE: i32 = 10_000;
/// What acts call it.
const TAG: &str = "station_tag";

/// A word that stations are found by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StationTag)]
pub(super) struct TagBody<'a> {
    pub id: StationTagId,
    /// How stations name it.
    #[schema(example = "pharma-hub")]
    pub code: &'a str,
    /// Its name.
    pub name: &'a str,
    /// A colour as `#rrggbb`.
    #[schema(example = "#2563eb")]
    pub color: &'a str,
    /// Lower ones come first.
    pub order: i32,
    /// An inactive tag is not offered.
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

impl<'a> From<&'a Tag> for TagBody<'a> {
    fn from(tag: &'a Tag) -> Self {
        let TagTerms { code, name, color, order, is_active } = &tag.terms;
        Self {
            id: tag.id,
            code,
            name,
            color,
            order: *order,
            is_active: *is_active,
            version: tag.version,
            created_at: tag.created_at,
            updated_at: tag.updated_at,
            ended_at: tag.ended_at,
        }
    }
}

fn read_color(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::any(raw)?.trim().to_ascii_lowercase();
    let is_color = text.len() == 7
        && text.strip_prefix('#').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_color.then_some(text).ok_or_else(|| Fault::format("must be a colour such as #2563eb"))
}

request! {
    /// A tag to create.
    pub(super) struct CreateStationTag in body(_reference: &Reference) {
        /// Letters, digits and dashes; no other tag in force has it.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$")]
        code: String = slug,
        /// Its name.
        #[schema(max_length = 100)]
        name: String = read::line(LONGEST_NAME),
        /// A colour as `#rrggbb`.
        #[schema(pattern = "^#[0-9A-Fa-f]{6}$", example = "#2563eb")]
        color: String = read_color,
        /// Lower ones come first.
        #[schema(minimum = 0, maximum = 10_000, default = 0)]
        order: Option<i32> = read::integer(0, LAST_PLACE),
        /// An inactive tag is not offered.
        #[schema(default = true)]
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// Changes to a tag: a JSON merge patch (RFC 7396). Members that are left out remain unchanged.
    #[derive(Default)]
    pub struct ChangeStationTag in patch(_reference: &Reference) {
        /// Its name.
        #[schema(max_length = 100)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// A colour as `#rrggbb`.
        #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
        color: Option<String> = read_color,
        /// Lower ones come first.
        #[schema(minimum = 0, maximum = 10_000)]
        order: Option<i32> = read::integer(0, LAST_PLACE),
        /// An inactive tag is not offered.
        is_active: Option<bool> = read::boolean,
    }
}

impl From<CreateStationTag> for TagTerms {
    fn from(new: CreateStationTag) -> Self {
        let CreateStationTag { code, name, color, order, is_active } = new;
        Self { code, name, color, order: order.unwrap_or_default(), is_active: is_active.unwrap_or(true) }
    }
}

impl Entry for Tag {
    type Keeper = StationService;
    type Terms = TagTerms;
    type Change = ChangeStationTag;
    type Begun = ();
    type Error = StationError;

    const SPANS: Spans =
        Spans { create: "stations.create_tag", change: "stations.change_tag", end: "stations.end_tag" };
    const PATH: &'static str = "/station-tags";
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
        TagBody::from(self)
    }

    fn created(stations: &StationService, terms: TagTerms) -> Self {
        let now = stations.clock.now();
        Self { id: stations.ids.next(now), terms, version: 1, created_at: now, updated_at: now, ended_at: None }
    }

    fn changed(&self, stations: &StationService, change: &ChangeStationTag) -> Result<Option<Self>, StationError> {
        let before = &self.terms;
        let terms = TagTerms {
            code: before.code.clone(),
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            color: change.color.clone().unwrap_or_else(|| before.color.clone()),
            order: change.order.unwrap_or(before.order),
            is_active: change.is_active.unwrap_or(before.is_active),
        };
        let updated_at = stations.clock.now();
        let is_other = terms != *before;
        Ok(is_other.then(|| Self { terms, version: self.version + 1, updated_at, ..self.clone() }))
    }

    fn ended(self, stations: &StationService) -> Self {
        let now = stations.clock.now();
        Self { version: self.version + 1, updated_at: now, ended_at: Some(now), ..self }
    }

    fn unknown(id: Uuid) -> StationError {
        StationError::UnknownEntry(format!("tag {id}"))
    }

    fn version_mismatch(current: i32) -> StationError {
        StationError::VersionMismatch(current)
    }

    async fn find(stations: &StationService, id: Uuid) -> Result<Option<Self>, StationError> {
        let mut connection = stations.db.read().await?;
        Ok(tags::find(&mut connection, id).await?)
    }

    async fn begin_in_tx(_: &mut PgSession) -> Result<(), StationError> {
        Ok(())
    }

    async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Self>, StationError> {
        Ok(tags::lock(tx, id).await?)
    }

    async fn save_in_tx(
        &self,
        stations: &StationService,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        (): (),
    ) -> Result<(), StationError> {
        tags::save(tx, self).await.map_err(|error| match DbError::from(error) {
            error if error.constraint() == Some("station_tags_one_current_code") => StationError::AlreadyExists,
            error => error.into(),
        })?;
        let terms = &self.terms;
        let mut data = json!({
            "version": self.version, "code": terms.code, "name": terms.name, "color": terms.color, "order": terms.order,
            "is_active": terms.is_active,
        });
        if step == Step::Ended {
            let changed = tags::take_off(tx, self).await?;
            data["stations"] = json!(changed);
            if !changed.is_empty() {
                stations.announce_in_tx(tx, changed).await?;
            }
        }
        stations.record_entry_in_tx(tx, actor, TAG, step, self.id.uuid(), data).await
    }

    async fn saved(&self, _: &StationService, step: Step) {
        tracing::info!(tag_id = %self.id, version = self.version, ?step, "tag of stations changed");
    }
}

impl Listed for Tag {
    const LIST: &'static str = "stations.list_tags";
    const FIND: &'static str = "stations.find_tag";

    async fn list(
        stations: &StationService,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Self>, StationError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(tags::list(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        stations.db.reading(recency, read).await
    }
}
