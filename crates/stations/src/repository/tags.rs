//! The table `station_tags`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{Tag, TagTerms};

struct Row {
    id: Uuid,
    code: String,
    name: String,
    color: String,
    position: i32,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for Tag {
    fn from(row: Row) -> Self {
        let terms = TagTerms {
            code: row.code,
            name: row.name,
            color: row.color,
            order: row.position,
            is_active: row.is_active,
        };
        let Row { version, created_at, updated_at, ended_at, .. } = row;
        Self { id: row.id.into(), terms, version, created_at, updated_at, ended_at }
    }
}

/// A checked query for whole tags; `$tail` selects and orders them.
macro_rules! select_tags {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select id, code, name, color, position, is_active, version, created_at, updated_at, ended_at
             from station_tags " + $tail
            $(, $argument)*
        )
    };
}

/// Returns a tag, in force or ended.
pub(crate) async fn find(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Tag>> {
    Ok(select_tags!("where id = $1", id).fetch_optional(db).await?.map(Tag::from))
}

/// Locks a tag in force.
pub(crate) async fn lock(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Tag>> {
    let locked = select_tags!("where id = $1 and ended_at is null for no key update", id);
    Ok(locked.fetch_optional(db).await?.map(Tag::from))
}

/// Returns a page of the tags in force, oldest first.
pub(crate) async fn list(db: &mut PgSession, after: Option<Uuid>, offset: u32, fetch: i64) -> sqlx::Result<Vec<Tag>> {
    let rows = select_tags!(
        "where ended_at is null and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
        after,
        fetch,
        i64::from(offset),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Tag::from).collect())
}

/// Writes a tag: a new one, or the new version of one that the caller has locked.
pub(crate) async fn save(db: &mut PgSession, tag: &Tag) -> sqlx::Result<()> {
    let terms = &tag.terms;
    sqlx::query!(
        "insert into station_tags (id, code, name, color, position, is_active, version, created_at, updated_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update
         set name = $3, color = $4, position = $5, is_active = $6, version = $7, updated_at = $9, ended_at = $10",
        tag.id.uuid(),
        terms.code,
        terms.name,
        terms.color,
        terms.order,
        terms.is_active,
        tag.version,
        tag.created_at,
        tag.updated_at,
        tag.ended_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes an ended tag off all stations, which it locks by code, as whoever locks several does. Returns those that had it.
pub(crate) async fn take_off(db: &mut PgSession, tag: &Tag) -> sqlx::Result<Vec<AirportCode>> {
    sqlx::query!(
        "select airport_code from stations where tags @> array[$1::text] order by airport_code for no key update",
        tag.terms.code,
    )
    .fetch_all(&mut *db)
    .await?;
    let changed = sqlx::query_scalar!(
        r#"update stations set tags = array_remove(tags, $1), version = version + 1, updated_at = $2
           where tags @> array[$1::text] returning airport_code as "airport_code: AirportCode""#,
        tag.terms.code,
        tag.updated_at,
    );
    let mut codes = changed.fetch_all(db).await?;
    codes.sort_unstable();
    Ok(codes)
}
