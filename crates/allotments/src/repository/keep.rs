use chrono::{DateTime, Utc};
use loadmaster_kernel::{AllotmentId, FlightId, HoldId};
use loadmaster_platform::postgres::PgSession;

use crate::model::Allotment;

/// Returns where something is to be done: where an allotment is to be kept and is not, or otherwise than it says, unless
/// there was no space after `tried_since`; and where it is kept and is not to be.
pub(crate) async fn due(
    db: &mut PgSession,
    now: DateTime<Utc>,
    tried_since: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<(AllotmentId, FlightId)>> {
    let rows = sqlx::query!(
        r#"with wanted as (
               select allotment_id, flight_id, revision, until from allotted_flights
               where status = 'SCHEDULED' and departure_at > $1 and until > $1
           )
           select w.allotment_id as "allotment_id!", w.flight_id as "flight_id!"
           from wanted w
           left join allotment_flights r on r.allotment_id = w.allotment_id and r.flight_id = w.flight_id
           left join holds h on h.id = r.hold_id and h.status = 'ACTIVE'
           where r.flight_id is null or r.revision <> w.revision
              or (h.id is null and r.tried_at <= $2)
              or (h.id is not null and h.expires_at <> w.until)
           union all
           select r.allotment_id, r.flight_id
           from allotment_flights r
           join holds h on h.id = r.hold_id and h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' and h.expires_at > $1
           where not exists (select from wanted w
                             where w.allotment_id = r.allotment_id and w.flight_id = r.flight_id)
           limit $3"#,
        now,
        tried_since,
        most,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.allotment_id.into(), row.flight_id.into())).collect())
}

/// Returns until when an allotment is to be kept on a flight; `None` if it is not.
pub(crate) async fn until(
    db: &mut PgSession,
    allotment: AllotmentId,
    flight: FlightId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        r#"select until as "until!" from allotted_flights
           where allotment_id = $1 and flight_id = $2 and status = 'SCHEDULED' and until > $3"#,
        allotment.uuid(),
        flight.uuid(),
        now,
    );
    until.fetch_optional(db).await
}

/// Returns the last hold of an allotment on a flight.
pub(crate) async fn hold_on(
    db: &mut PgSession,
    allotment: AllotmentId,
    flight: FlightId,
) -> sqlx::Result<Option<HoldId>> {
    let hold = sqlx::query_scalar!(
        "select hold_id from allotment_flights where allotment_id = $1 and flight_id = $2",
        allotment.uuid(),
        flight.uuid(),
    );
    Ok(hold.fetch_optional(db).await?.flatten().map(HoldId::from))
}

/// Notes what became of an attempt to keep an allotment on a flight: a new hold, or none for lack of space.
pub(crate) async fn note(
    db: &mut PgSession,
    allotment: &Allotment,
    flight: FlightId,
    hold: Option<HoldId>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into allotment_flights (allotment_id, flight_id, hold_id, revision, tried_at)
         values ($1, $2, $3, $4, $5)
         on conflict (allotment_id, flight_id) do update
         set hold_id = coalesce(excluded.hold_id, allotment_flights.hold_id), revision = excluded.revision,
             tried_at = excluded.tried_at",
        allotment.id.uuid(),
        flight.uuid(),
        hold.map(HoldId::uuid),
        allotment.revision,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Notes that the hold of an allotment on a flight follows its present revision.
pub(crate) async fn follow(db: &mut PgSession, allotment: &Allotment, flight: FlightId) -> sqlx::Result<()> {
    sqlx::query!(
        "update allotment_flights set revision = $3 where allotment_id = $1 and flight_id = $2",
        allotment.id.uuid(),
        flight.uuid(),
        allotment.revision,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the numbers of flights on which allotments are kept, and on which there is no space for them.
pub(crate) async fn counts(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<(i32, i32)> {
    let counts = sqlx::query!(
        r#"select count(h.id)::int as "kept!", count(*) filter (where h.id is null)::int as "short!"
           from allotted_flights w
           join allotment_flights r on r.allotment_id = w.allotment_id and r.flight_id = w.flight_id
           left join holds h on h.id = r.hold_id and h.status = 'ACTIVE' and h.expires_at > $1
           where w.status = 'SCHEDULED' and w.departure_at > $1 and w.until > $1"#,
        now,
    );
    let counts = counts.fetch_one(db).await?;
    Ok((counts.kept, counts.short))
}
