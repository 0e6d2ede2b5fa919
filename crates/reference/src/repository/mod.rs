//! All SQL of this room.
use std::sync::Arc;

use loadmaster_kernel::{AirportCode, HandlingCode, Tenths};
use loadmaster_platform::postgres::PgSession;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use super::{
    error::ReferenceError,
    model::{Aircraft, Airline, Airport, Catalogue, Entries},
};

mod aircraft;
mod airlines;
mod airports;
pub(super) mod places;
pub(super) mod punctuality;

/// Who writes an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// What administrators have set or deleted stays.
    Release,
    Administrator,
}

/// How entries of one kind are read and written.
pub(super) trait Rows: Sized + Send + Sync + 'static {
    type Code: Copy + Ord + Send + Sync;

    /// Returns all entries; those of one code, if it is given.
    fn read(
        db: &mut PgSession,
        only: Option<Self::Code>,
    ) -> impl Future<Output = Result<Entries<Self::Code, Self>, ReferenceError>> + Send;

    /// Writes entries: new ones, or new versions.
    fn write<'a>(
        tx: impl PgExecutor<'a>,
        entries: impl Iterator<Item = &'a Self> + Send,
        writer: Writer,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Deletes an entry. Fails if anything in the database refers to it.
    fn delete(tx: &mut PgSession, code: Self::Code) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Returns the airports that the entry lists in `hub_airports`.
    fn airports(&self) -> &[AirportCode] {
        &[]
    }

    /// Puts what a table has in another form than the API into the entry as it is shown.
    fn put_into_row(&self, _row: &mut Value) {}

    /// Returns what is shown with the entry and changes without its version.
    fn computed(&self) -> Option<Tenths> {
        None
    }
}

/// Reads everything.
pub(super) async fn catalogue(db: &mut PgSession) -> Result<Catalogue, ReferenceError> {
    Ok(Catalogue {
        airports: Airport::read(db, None).await?,
        airlines: Airline::read(db, None).await?,
        aircraft: Aircraft::read(db, None).await?,
        handling_codes: handling_codes(db).await?,
        cities: places::cities(db).await?,
        place_names: places::names(db).await?,
    })
}

/// Returns whether anything in the database refers to an entry: whether it cannot be deleted.
pub(super) async fn is_in_use<R: Rows>(tx: &mut PgSession, code: R::Code) -> sqlx::Result<bool> {
    sqlx::query!("savepoint deletion").execute(&mut *tx).await?;
    let deleted = R::delete(tx, code).await;
    sqlx::query!("rollback to savepoint deletion").execute(&mut *tx).await?;
    match deleted {
        Ok(()) => Ok(false),
        Err(error) if is_referred_to(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Returns whether a deletion failed because something refers to the row.
pub(super) fn is_referred_to(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

/// Returns those of these airports that do not exist.
pub(super) async fn unknown_airports(tx: &mut PgSession, codes: &[AirportCode]) -> sqlx::Result<Vec<AirportCode>> {
    sqlx::query_scalar!(
        r#"select code as "code!: AirportCode" from unnest($1::text[]) as given (code)
            where not exists (select from airports where iata_code = code)"#,
        codes as &[AirportCode],
    )
    .fetch_all(&mut *tx)
    .await
}

/// Records that an administrator has deleted an entry.
async fn remember_deletion(tx: &mut PgSession, kind: &str, code: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into deleted_reference_data (kind, code) values ($1, $2) on conflict do nothing", kind, code)
        .execute(&mut *tx)
        .await
        .map(drop)
}

/// Returns whether an administrator has deleted such an entry.
pub(super) async fn was_deleted(db: &mut PgSession, kind: &str, code: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deleted_reference_data where kind = $1 and code = $2) as "was!""#,
        kind,
        code,
    )
    .fetch_one(&mut *db)
    .await
}

/// Returns one column of many rows, as `unnest` takes it.
fn column<'a, E, T>(rows: &[&'a E], value: impl Fn(&'a E) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row)).collect()
}

/// Returns codes as one text, which the database takes apart again: it has no lists of lists of different lengths.
pub(super) fn joined(codes: &[AirportCode]) -> String {
    let codes: Vec<&str> = codes.iter().map(AirportCode::as_str).collect();
    codes.join(" ")
}

fn by_code<C: Ord, E>(entries: impl Iterator<Item = E>, code: impl Fn(&E) -> C) -> Entries<C, E> {
    entries.map(|entry| (code(&entry), Arc::new(entry))).collect()
}

async fn handling_codes(db: &mut PgSession) -> sqlx::Result<std::collections::BTreeMap<HandlingCode, String>> {
    let rows =
        sqlx::query!(r#"select code as "code: HandlingCode", name from handling_codes"#).fetch_all(&mut *db).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// Takes the lock of all changes of reference data, held until the transaction ends.
pub(super) async fn lock_changes(tx: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!(r#"select pg_advisory_xact_lock(hashtextextended('loadmaster.reference_data', 0)) as "lock: ()""#)
        .execute(tx)
        .await
        .map(drop)
}

/// Returns the fingerprint of the files that were loaded last.
pub(super) async fn seeded(db: impl PgExecutor<'_>) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select value from installation where name = 'reference_data'").fetch_optional(db).await
}

/// Stores the fingerprint. The instant is the database's; it is informational and no decision depends on it.
pub(super) async fn set_seeded(tx: &mut PgConnection, fingerprint: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into installation (name, value, updated_at) values ('reference_data', $1, now())
         on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
        fingerprint,
    )
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn upsert_handling_codes(
    tx: &mut PgConnection,
    rows: &std::collections::BTreeMap<HandlingCode, String>,
) -> sqlx::Result<()> {
    let codes: Vec<_> = rows.keys().copied().collect();
    sqlx::query!(
        "insert into handling_codes (code, name)
         select * from unnest($1::text[], $2::text[])
         on conflict (code) do update set name = excluded.name where handling_codes.* is distinct from excluded.*",
        &codes as &[HandlingCode],
        &rows.values().map(String::as_str).collect::<Vec<_>>() as &[&str],
    )
    .execute(tx)
    .await
    .map(drop)
}
