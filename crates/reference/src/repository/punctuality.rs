use chrono::{DateTime, Utc};
use loadmaster_kernel::AirlineCode;
use loadmaster_platform::postgres::PgSession;

use super::column;

use crate::model::Flown;

/// Returns the sums of all airlines.
pub(crate) async fn all(db: &mut PgSession) -> sqlx::Result<Vec<Flown>> {
    sqlx::query_as!(
        Flown,
        r#"select airline_code as "airline: AirlineCode", flights, on_time from airline_punctuality"#,
    )
    .fetch_all(&mut *db)
    .await
}

/// Puts these sums in the place of all that there are.
pub(crate) async fn replace(tx: &mut PgSession, flown: &[Flown], now: DateTime<Utc>) -> sqlx::Result<()> {
    let rows: Vec<&Flown> = flown.iter().collect();
    let codes = column(&rows, |sums| sums.airline);
    sqlx::query!("delete from airline_punctuality where airline_code <> all($1::text[])", &codes as &[AirlineCode])
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into airline_punctuality (airline_code, flights, on_time, computed_at)
         select given.*, $4::timestamptz from unnest($1::text[], $2::bigint[], $3::bigint[]) as given (airline_code, flights, on_time)
         on conflict (airline_code) do update
            set flights = excluded.flights, on_time = excluded.on_time, computed_at = excluded.computed_at",
        &codes as &[AirlineCode],
        &column(&rows, |sums| sums.flights),
        &column(&rows, |sums| sums.on_time),
        now,
    )
    .execute(&mut *tx)
    .await
    .map(drop)
}
