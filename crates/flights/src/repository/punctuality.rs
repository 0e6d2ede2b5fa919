//! Flights by how late they arrived.
use chrono::{DateTime, Utc};
use loadmaster_kernel::AirlineCode;
use loadmaster_platform::postgres::PgSession;
use loadmaster_reference::Flown;

/// Returns the flights that have arrived since an instant, by airline.
pub(crate) async fn arrived(db: &mut PgSession, since: DateTime<Utc>) -> sqlx::Result<Vec<Flown>> {
    sqlx::query_as!(
        Flown,
        r#"select airline_code as "airline: AirlineCode", count(*) as "flights!",
                  count(*) filter (where extract(epoch from actual_arrival_at - scheduled_arrival_at)::bigint <= 900) as "on_time!"
             from flights
            where arrival_at > $1 and actual_arrival_at is not null and cancelled_at is null
            group by airline_code"#,
        since,
    )
    .fetch_all(db)
    .await
}
