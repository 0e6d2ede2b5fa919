//! The tables `station_tips` and `station_tip_reports`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, StationTipId, UserId, from_column};
use loadmaster_platform::{personal::Person, postgres::PgSession};
use serde_json::Value;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::tip::{StationTipStatus, StationTipTopic, Tip};

struct Row {
    id: Uuid,
    airport_code: AirportCode,
    topic: String,
    body: String,
    link: Option<String>,
    status: String,
    created_by: Uuid,
    reports: i32,
    reason: Option<String>,
    moderated_by: Option<Uuid>,
    moderated_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Tip {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let topic = from_column(StationTipTopic::WORDS, &row.topic)?;
        let status = from_column(StationTipStatus::WORDS, &row.status)?;
        let Row { airport_code: station, body: text, link, reports, reason, moderated_at, version, created_at, .. } =
            row;
        Ok(Self {
            id: row.id.into(),
            station,
            topic,
            text,
            link,
            status,
            created_by: row.created_by.into(),
            reports,
            reason,
            moderated_by: row.moderated_by.map(UserId::from),
            moderated_at,
            version,
            created_at,
        })
    }
}

/// A checked query for whole tips; `$tail` selects and orders them.
macro_rules! select_tips {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, airport_code as "airport_code: _", topic, body, link, status, created_by, reports, reason, moderated_by,
                      moderated_at, version, created_at
               from station_tips "# + $tail
            $(, $argument)*
        )
    };
}

pub(crate) async fn find(db: &mut PgSession, id: StationTipId) -> sqlx::Result<Option<Tip>> {
    let found = select_tips!("where id = $1", id.uuid()).fetch_optional(db).await?;
    found.map(Tip::try_from).transpose()
}

pub(crate) async fn lock(db: &mut PgSession, id: StationTipId) -> sqlx::Result<Option<Tip>> {
    let found = select_tips!("where id = $1 for no key update", id.uuid()).fetch_optional(db).await?;
    found.map(Tip::try_from).transpose()
}

/// Returns a page of the tips about a station, in a status, and written since an instant, as far as these are given; newest first.
pub(crate) async fn list(
    db: &mut PgSession,
    (station, status): (Option<AirportCode>, Option<StationTipStatus>),
    since: Option<DateTime<Utc>>,
    (after, offset, fetch): (Option<Uuid>, u32, i64),
) -> sqlx::Result<Vec<Tip>> {
    // Made for the filters that are given: each is served by the index that fits it.
    let mut query = QueryBuilder::new("select id from station_tips where true");
    if let Some(station) = station {
        query.push(" and airport_code = ").push_bind(station);
    }
    if let Some(status) = status {
        query.push(" and status = ").push_bind(status.as_str());
    }
    if let Some(since) = since {
        query.push(" and created_at > ").push_bind(since);
    }
    if let Some(after) = after {
        query.push(" and id < ").push_bind(after);
    }
    query.push(" order by id desc limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut *db).await?;
    let found = select_tips!("where id = any($1) order by id desc", &ids).fetch_all(db).await?;
    found.into_iter().map(Tip::try_from).collect()
}

/// Lets no other tip of this user be written before the end of the transaction.
pub(crate) async fn lock_author(db: &mut PgSession, author: UserId) -> sqlx::Result<()> {
    sqlx::query!("select id from users where id = $1 for no key update", author.uuid())
        .fetch_optional(db)
        .await
        .map(drop)
}

pub(crate) async fn count_pending(db: &mut PgSession, author: UserId) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from station_tips where created_by = $1 and status = 'PENDING'"#,
        author.uuid(),
    );
    count.fetch_one(db).await
}

pub(crate) async fn insert(db: &mut PgSession, tip: &Tip) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into station_tips (id, airport_code, topic, body, link, status, created_by, version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tip.id.uuid(),
        tip.station.as_str(),
        tip.topic.as_str(),
        tip.text,
        tip.link,
        tip.status.as_str(),
        tip.created_by.uuid(),
        tip.version,
        tip.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes what was decided about a tip that the caller has locked.
pub(crate) async fn save(db: &mut PgSession, tip: &Tip) -> sqlx::Result<()> {
    sqlx::query!(
        "update station_tips
         set status = $2, reports = $3, reason = $4, moderated_by = $5, moderated_at = $6, version = $7
         where id = $1",
        tip.id.uuid(),
        tip.status.as_str(),
        tip.reports,
        tip.reason,
        tip.moderated_by.map(UserId::uuid),
        tip.moderated_at,
        tip.version,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the first report of this reader.
pub(crate) async fn insert_report(
    db: &mut PgSession,
    id: StationTipId,
    reader: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into station_tip_reports (tip_id, user_id, reported_at) values ($1, $2, $3)",
        id.uuid(),
        reader.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn has_reported(db: &mut PgSession, id: StationTipId, reader: UserId) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from station_tip_reports where tip_id = $1 and user_id = $2) as "found!""#,
        id.uuid(),
        reader.uuid(),
    );
    found.fetch_one(db).await
}

/// Deletes up to `most` tips that were written before this time. Returns their number.
pub(crate) async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from station_tips where id in
             (select id from station_tips where created_at <= $1 order by created_at limit $2 for update skip locked)",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Returns the tips that a person wrote, oldest first.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object('id', id, 'station', airport_code, 'topic', topic, 'text', body, 'link', link,
                                     'status', status, 'created_at', created_at) as "tip!"
           from station_tips where created_by = $1 order by id"#,
        person.user_id.uuid(),
    );
    found.fetch_all(db).await
}

/// Returns the tips that a person reported, oldest first.
pub(crate) async fn export_reports(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object('tip_id', tip_id, 'reported_at', reported_at) as "report!"
           from station_tip_reports where user_id = $1 order by reported_at, tip_id"#,
        person.user_id.uuid(),
    );
    found.fetch_all(db).await
}

/// Deletes what a person wrote and reported, and forgets what the person decided. Returns the number of rows.
pub(crate) async fn erase(db: &mut PgSession, person: &Person) -> sqlx::Result<u64> {
    let id = person.user_id.uuid();
    let reports = sqlx::query!("delete from station_tip_reports where user_id = $1", id).execute(&mut *db).await?;
    let tips = sqlx::query!("delete from station_tips where created_by = $1", id).execute(&mut *db).await?;
    let decided = sqlx::query!("update station_tips set moderated_by = null where moderated_by = $1", id);
    Ok(reports.rows_affected() + tips.rows_affected() + decided.execute(db).await?.rows_affected())
}

/// Returns the ids of the tips that a person wrote.
pub(crate) async fn ids_of(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select id::text as "id!" from station_tips where created_by = $1"#,
        person.user_id.uuid(),
    );
    ids.fetch_all(db).await
}
