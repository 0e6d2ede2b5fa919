//! Reads flights and their histories for an audit, and also the ledger and the outbox; writes nothing.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use loadmaster_capacity::Space;
use loadmaster_kernel::{FlightId, from_column};
use loadmaster_platform::{audit::UnpairedMessage, postgres::PgSession};
use uuid::Uuid;

use crate::model::{
    FlightEventType,
    replay::{LedgerSum, PastEvent},
};

/// Returns the ids after `after` that have a row or an event, in ascending order.
pub(crate) async fn page(db: &mut PgSession, only: Option<&[Uuid]>, after: Uuid, size: i64) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
               (select id from flights where id > $2 and ($1::uuid[] is null or id = any($1)) order by id limit $3)
               union
               (select distinct flight_id from flight_events
                where flight_id > $2 and ($1::uuid[] is null or flight_id = any($1))
                order by flight_id limit $3)) next
           order by id limit $3"#,
        only as Option<&[Uuid]>,
        after,
        size,
    );
    ids.fetch_all(db).await
}

/// Returns the events of these flights, by flight and number.
pub(crate) async fn past_events(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<(FlightId, PastEvent)>> {
    let rows = sqlx::query!(
        "select flight_id, sequence, event_type, data, created_at
         from flight_events where flight_id = any($1) order by flight_id, sequence",
        ids,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    rows.map(|row| {
        let event = PastEvent {
            sequence: row.sequence,
            event_type: from_column(FlightEventType::WORDS, &row.event_type)?,
            data: row.data,
            created_at: row.created_at,
        };
        Ok((row.flight_id.into(), event))
    })
    .collect()
}

/// Returns the sums of these flights' ledgers.
pub(crate) async fn ledger_sums(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<HashMap<FlightId, LedgerSum>> {
    let rows = sqlx::query!(
        r#"select flight_id, count(*) as "entries!",
                  coalesce(sum(weight_hg) filter (where of_legs), 0)::bigint as "weight!",
                  coalesce(sum(volume_l) filter (where of_legs), 0)::bigint as "volume!",
                  coalesce(sum(positions) filter (where of_legs), 0)::bigint as "positions!",
                  coalesce(sum(weight_hg) filter (where not of_legs), 0)::bigint as "held_weight!",
                  coalesce(sum(volume_l) filter (where not of_legs), 0)::bigint as "held_volume!",
                  coalesce(sum(positions) filter (where not of_legs), 0)::bigint as "held_positions!"
           from (select *, kind in ('CAPACITY_SET', 'BOOKED', 'AMENDED', 'RELEASED') as of_legs from capacity_ledger
                 where flight_id = any($1)) entries
           group by flight_id"#,
        ids,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    let sums = rows.map(|row| {
        let booked = Space::from_columns(row.weight, row.volume, row.positions);
        let held = Space::from_columns(row.held_weight, row.held_volume, row.held_positions);
        (row.flight_id.into(), LedgerSum { entries: row.entries, booked, held })
    });
    Ok(sums.collect())
}

/// Columns of a flight that are derived from others.
#[derive(Debug)]
pub(crate) struct Derived {
    pub id: Uuid,
    pub airline_code: String,
    pub cancelled_at: Option<DateTime<Utc>>,
}

pub(crate) async fn derived(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Derived>> {
    let rows = sqlx::query_as!(Derived, "select id, airline_code, cancelled_at from flights where id = any($1)", ids,);
    rows.fetch_all(db).await
}

pub(crate) async fn count_messages(db: &mut PgSession, only: Option<&[Uuid]>) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from outbox
           where aggregate = 'flight' and ($1::uuid[] is null or aggregate_id = any($1))"#,
        only as Option<&[Uuid]>,
    );
    count.fetch_one(db).await
}

/// Finds events from `since` on, by default of the last six days, that have no message.
pub(crate) fn missing_messages<'a>(
    db: &'a mut PgSession,
    only: Option<&[Uuid]>,
    since: Option<DateTime<Utc>>,
) -> impl Stream<Item = sqlx::Result<UnpairedMessage>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        UnpairedMessage,
        "select e.flight_id as id, e.sequence, e.event_type from flight_events e
         where e.created_at >= coalesce($2, now() - interval '6 days')
           and ($1::uuid[] is null or e.flight_id = any($1))
           and not exists (select from outbox o where o.aggregate = 'flight' and o.aggregate_id = e.flight_id
                             and o.sequence = e.sequence and o.event_type = e.event_type)
         order by 1, 2",
        only as Option<&[Uuid]>,
        since,
    );
    rows.fetch(db)
}

/// Finds messages that have no event, or whose event has another message.
pub(crate) fn stray_messages<'a>(
    db: &'a mut PgSession,
    only: Option<&[Uuid]>,
) -> impl Stream<Item = sqlx::Result<UnpairedMessage>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        UnpairedMessage,
        r#"select o.aggregate_id as "id!", o.sequence as "sequence!", o.event_type as "event_type!"
           from outbox o
           where o.aggregate = 'flight' and ($1::uuid[] is null or o.aggregate_id = any($1))
             and not exists (select from flight_events e where e.flight_id = o.aggregate_id
                               and e.sequence = o.sequence and e.event_type = o.event_type)
           union all
           select aggregate_id, sequence, min(event_type) from outbox
           where aggregate = 'flight' and ($1::uuid[] is null or aggregate_id = any($1))
           group by aggregate_id, sequence having count(*) > 1
           order by 1, 2"#,
        only as Option<&[Uuid]>,
    );
    rows.fetch(db)
}
