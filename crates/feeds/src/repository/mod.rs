//! All SQL of this room.
mod due;
mod files;
mod list;
mod runs;
mod stuck;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirlineCode, FeedId, FeedRunId, from_column};
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

pub(super) use due::{beat, finish, lease};
pub(super) use files::{delete_file, parts, read_file, write_file, write_part};
pub(super) use list::{Part, list, list_runs, number_of, number_of_runs};
pub(super) use runs::{
    delete_old, differences, faults, find_run, insert_run, last_rows, lock_run, note_attempt, note_file, noted_file,
    replace_findings, running, save_run, supersede, waiting_file,
};
pub(super) use stuck::{forget_stuck, note_stuck, stuck_files};

use super::{
    error::FeedError,
    model::{Feed, FeedApply, FeedFormat, FeedKind, FeedStatus, Terms},
};

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    format: String,
    url: Option<String>,
    folder: Option<String>,
    headers: Option<Vec<u8>>,
    header_names: Vec<String>,
    airline_codes: Vec<AirlineCode>,
    given_columns: Vec<String>,
    meant_columns: Vec<String>,
    every_minutes: i32,
    apply: String,
    cancels_absent: bool,
    status: String,
    failures: i32,
    etag: Option<String>,
    last_success_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    waiting_run: Option<Uuid>,
    changed_by: Uuid,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Feed {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id.into(),
            terms: Terms {
                name: row.name,
                kind: from_column(FeedKind::WORDS, &row.kind)?,
                format: from_column(FeedFormat::WORDS, &row.format)?,
                url: row.url,
                folder: row.folder,
                airline_codes: row.airline_codes,
                columns: row.given_columns.into_iter().zip(row.meant_columns).collect(),
                every_minutes: row.every_minutes,
                apply: from_column(FeedApply::WORDS, &row.apply)?,
                cancels_absent: row.cancels_absent,
            },
            headers: row.headers,
            header_names: row.header_names,
            status: from_column(FeedStatus::WORDS, &row.status)?,
            failures: row.failures,
            etag: row.etag,
            last_success_at: row.last_success_at,
            due_at: row.due_at,
            waiting_run: row.waiting_run.map(FeedRunId::from),
            changed_by: row.changed_by.into(),
            event_sequence: row.event_sequence,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A checked query for feeds that are not deleted; `$tail` selects and orders them.
macro_rules! select_feeds {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, name, kind, format, url, folder, headers, header_names, airline_codes as "airline_codes: _",
                      given_columns, meant_columns, every_minutes, apply, cancels_absent, status, failures, etag,
                      last_success_at, due_at, changed_by, event_sequence, version, created_at, updated_at,
                      (select r.id from feed_runs r where r.feed_id = feeds.id and r.status = 'REVIEW') as "waiting_run?"
               from feeds where deleted_at is null and "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Feed::try_from)
        .collect::<sqlx::Result<Vec<Feed>>>()
    };
}

pub(super) async fn find(db: &mut PgSession, id: FeedId) -> sqlx::Result<Option<Feed>> {
    Ok(select_feeds!(db, "id = $1", id.uuid())?.pop())
}

/// Returns these feeds, in no order.
async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Feed>> {
    select_feeds!(db, "id = any($1)", ids)
}

/// Returns feeds with headers by id, behind this one.
pub(super) async fn with_headers(db: &mut PgSession, after: Option<FeedId>, most: i64) -> sqlx::Result<Vec<Feed>> {
    select_feeds!(
        db,
        "headers is not null and ($1::uuid is null or id > $1) order by id limit $2 for no key update",
        after.map(FeedId::uuid),
        most,
    )
}

/// Returns whether there is or was such a feed.
pub(super) async fn existed(db: &mut PgSession, id: FeedId) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(r#"select exists (select from feeds where id = $1) as "found!""#, id.uuid());
    found.fetch_one(db).await
}

/// Locks a feed and reads it.
pub(super) async fn lock(db: &mut PgSession, id: FeedId) -> sqlx::Result<Option<Feed>> {
    Ok(select_feeds!(db, "id = $1 for no key update", id.uuid())?.pop())
}

/// Has one transaction at a time add a feed, and returns the number of feeds.
pub(super) async fn count_alone(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.feeds', 0))").execute(&mut *db).await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from feeds where deleted_at is null"#);
    count.fetch_one(db).await
}

/// Writes a feed: a new one, or the new state of one that the caller has locked.
pub(super) async fn save(db: &mut PgSession, feed: &Feed) -> sqlx::Result<()> {
    let Feed { terms, .. } = feed;
    let (given, meant): (Vec<&str>, Vec<&str>) = terms.columns.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();
    sqlx::query!(
        "insert into feeds (id, name, kind, format, url, folder, headers, header_names, airline_codes, every_minutes,
                            apply, cancels_absent, status, failures, etag, last_success_at, due_at, changed_by,
                            event_sequence, version, created_at, updated_at, given_columns, meant_columns)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24)
         on conflict (id) do update
         set name = $2, format = $4, url = $5, folder = $6, headers = $7, header_names = $8, airline_codes = $9,
             every_minutes = $10, apply = $11, cancels_absent = $12, status = $13, failures = $14, etag = $15,
             last_success_at = $16, due_at = $17, changed_by = $18, event_sequence = $19, version = $20,
             updated_at = $22, given_columns = $23, meant_columns = $24",
        feed.id.uuid(),
        terms.name,
        terms.kind.as_str(),
        terms.format.as_str(),
        terms.url,
        terms.folder,
        feed.headers,
        &feed.header_names,
        &terms.airline_codes as &[AirlineCode],
        terms.every_minutes,
        terms.apply.as_str(),
        terms.cancels_absent,
        feed.status.as_str(),
        feed.failures,
        feed.etag,
        feed.last_success_at,
        feed.due_at,
        feed.changed_by.uuid(),
        feed.event_sequence,
        feed.version,
        feed.created_at,
        feed.updated_at,
        &given as &[&str],
        &meant as &[&str],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Claims the airlines of a feed for its kind, in place of those before. Fails if another feed of the kind has one of them.
pub(super) async fn claim_airlines(db: &mut PgSession, feed: &Feed) -> Result<(), FeedError> {
    release_airlines(db, feed.id).await?;
    // That of reference rates is one, too.
    let airlines: Vec<&str> = match feed.terms.airline_codes.as_slice() {
        [] => vec![""],
        airlines => airlines.iter().map(AirlineCode::as_str).collect(),
    };
    let claimed = sqlx::query!(
        "insert into feed_airlines (kind, airline_code, feed_id) select $1, code, $2 from unnest($3::text[]) as code",
        feed.terms.kind.as_str(),
        feed.id.uuid(),
        &airlines as &[&str],
    );
    claimed.execute(db).await.map(drop).map_err(|error| match DbError::from(error) {
        error if error.constraint() == Some("feed_airlines_pkey") => FeedError::AlreadyExists,
        error => error.into(),
    })
}

pub(super) async fn release_airlines(db: &mut PgSession, id: FeedId) -> sqlx::Result<()> {
    sqlx::query!("delete from feed_airlines where feed_id = $1", id.uuid()).execute(db).await.map(drop)
}

/// Deletes a feed: nobody sees it any more, and its runs and files are gone.
pub(super) async fn delete(db: &mut PgSession, id: FeedId, now: DateTime<Utc>) -> sqlx::Result<()> {
    release_airlines(db, id).await?;
    sqlx::query!("delete from feed_runs where feed_id = $1", id.uuid()).execute(&mut *db).await?;
    stuck::forget_all_stuck(db, id).await?;
    let deleted = sqlx::query!(
        "update feeds
         set deleted_at = $2, updated_at = $2, due_at = null, headers = null, header_names = '{}', url = null,
             lease_until = null, lease_holder = null, version = version + 1
         where id = $1",
        id.uuid(),
        now,
    );
    deleted.execute(db).await.map(drop)
}
