use chrono::{DateTime, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;

use crate::model::{PopularLane, PopularPeriod};

/// Fewer searches of a lane are not shown.
const FEWEST_SEARCHES: i64 = 5;
/// Most lanes of a period.
const MOST_LANES: i64 = 5_000;

/// Replaces the popular lanes by those of the periods that end now.
pub(crate) async fn replace_popular(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from popular_lanes").execute(&mut *db).await?;
    sqlx::query_file!("src/repository/popular.sql", now, FEWEST_SEARCHES, MOST_LANES).execute(db).await.map(drop)
}

/// Returns the first popular lanes: of all, or of this origin, with their ranks among these.
pub(crate) async fn popular(
    db: &mut PgSession,
    period: PopularPeriod,
    origin: Option<AirportCode>,
    limit: i64,
) -> sqlx::Result<Vec<PopularLane>> {
    let Some(origin) = origin else {
        let lanes = sqlx::query_as!(
            PopularLane,
            "select rank, former_rank, origin, destination, searches, bookings
             from popular_lanes where period = $1 order by rank limit $2",
            period.as_str(),
            limit,
        );
        return lanes.fetch_all(db).await;
    };
    let lanes = sqlx::query_as!(
        PopularLane,
        "select rank_at_origin as rank, former_rank_at_origin as former_rank, origin, destination, searches, bookings
         from popular_lanes where period = $1 and origin = $2 order by rank_at_origin limit $3",
        period.as_str(),
        origin.as_str(),
        limit,
    );
    lanes.fetch_all(db).await
}
