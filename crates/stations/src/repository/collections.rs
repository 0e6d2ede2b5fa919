//! The table `station_collections`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{Collection, CollectionTerms};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    body: Option<String>,
    stations: Vec<AirportCode>,
    position: i32,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for Collection {
    fn from(row: Row) -> Self {
        let terms = CollectionTerms {
            slug: row.slug,
            name: row.name,
            text: row.body,
            stations: row.stations,
            order: row.position,
            is_active: row.is_active,
        };
        let Row { version, created_at, updated_at, ended_at, .. } = row;
        Self { id: row.id.into(), terms, version, created_at, updated_at, ended_at }
    }
}

/// A checked query for whole collections; `$tail` selects and orders them.
macro_rules! select_collections {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, slug, name, body, stations as "stations: _", position, is_active, version, created_at, updated_at,
                      ended_at
               from station_collections "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns a collection, in force or ended.
pub(crate) async fn find(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Collection>> {
    Ok(select_collections!("where id = $1", id).fetch_optional(db).await?.map(Collection::from))
}

/// Locks a collection in force.
pub(crate) async fn lock(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Collection>> {
    let locked = select_collections!("where id = $1 and ended_at is null for no key update", id);
    Ok(locked.fetch_optional(db).await?.map(Collection::from))
}

/// Returns a page of the collections in force, oldest first.
pub(crate) async fn list(
    db: &mut PgSession,
    after: Option<Uuid>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Collection>> {
    let rows = select_collections!(
        "where ended_at is null and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
        after,
        fetch,
        i64::from(offset),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Collection::from).collect())
}

/// Writes a collection: a new one, or the new version of one that the caller has locked.
pub(crate) async fn save(db: &mut PgSession, collection: &Collection) -> sqlx::Result<()> {
    let terms = &collection.terms;
    sqlx::query!(
        "insert into station_collections (id, slug, name, body, stations, position, is_active, version, created_at, updated_at,
                                          ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update
         set name = $3, body = $4, stations = $5, position = $6, is_active = $7, version = $8, updated_at = $10,
             ended_at = $11",
        collection.id.uuid(),
        terms.slug,
        terms.name,
        terms.text,
        &terms.stations as &[AirportCode],
        terms.order,
        terms.is_active,
        collection.version,
        collection.created_at,
        collection.updated_at,
        collection.ended_at,
    )
    .execute(db)
    .await
    .map(drop)
}
