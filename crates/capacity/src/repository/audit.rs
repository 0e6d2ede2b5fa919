//! Reads ledgers and rows for an audit. The time limits of requests do not apply here.
use futures_util::{Stream, StreamExt};
use loadmaster_kernel::from_column;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{
    EntryKind, Space,
    ledger::{FlightSpace, LedgerEntry},
};

struct Row {
    flight_id: Uuid,
    seq: i64,
    kind: String,
    weight_hg: i64,
    volume_l: i64,
    positions: i64,
    capacity_weight_hg: i64,
    capacity_volume_l: i64,
    capacity_positions: i64,
    booked_weight_hg: i64,
    booked_volume_l: i64,
    booked_positions: i64,
    held_weight_hg: i64,
    held_volume_l: i64,
    held_positions: i64,
}

impl TryFrom<Row> for LedgerEntry {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            flight_id: row.flight_id.into(),
            seq: row.seq,
            kind: from_column(EntryKind::WORDS, &row.kind)?,
            added: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            after: FlightSpace {
                capacity: Space::from_columns(row.capacity_weight_hg, row.capacity_volume_l, row.capacity_positions),
                booked: Space::from_columns(row.booked_weight_hg, row.booked_volume_l, row.booked_positions),
                held: Space::from_columns(row.held_weight_hg, row.held_volume_l, row.held_positions),
            },
        })
    }
}

/// Streams the ledgers of these flights, or of all, flight by flight, each in the order of its numbers.
pub(crate) fn ledgers<'a>(
    db: &'a mut PgSession,
    flights: Option<&[Uuid]>,
) -> impl Stream<Item = sqlx::Result<LedgerEntry>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Row,
        "select flight_id, seq, kind, weight_hg, volume_l, positions,
                capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions
         from capacity_ledger
         where $1::uuid[] is null or flight_id = any($1)
         order by flight_id, seq",
        flights as Option<&[Uuid]>,
    );
    rows.fetch(db).map(|row| row.and_then(LedgerEntry::try_from))
}

pub(crate) async fn count(db: &mut PgSession, flights: Option<&[Uuid]>) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from flight_capacity where $1::uuid[] is null or flight_id = any($1)"#,
        flights as Option<&[Uuid]>,
    );
    count.fetch_one(db).await
}

/// A flight's row that differs from the state left by the last entry of its ledger.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub flight_id: Uuid,
    pub ledger_seq: i64,
    /// Capacity, booked and held: weight, volume and positions of each.
    pub row: Vec<i64>,
    /// The number of the last entry, if there is one, and the state that it left.
    pub last_seq: Option<i64>,
    pub left: Option<Vec<i64>>,
}

pub(crate) fn mismatches<'a>(
    db: &'a mut PgSession,
    flights: Option<&[Uuid]>,
) -> impl Stream<Item = sqlx::Result<Mismatch>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Mismatch,
        r#"select flight_id, ledger_seq, "row" as "row!", last_seq as "last_seq?", "left" as "left?"
           from (
               select c.flight_id, c.ledger_seq, l.seq as last_seq,
                      array[c.capacity_weight_hg, c.capacity_volume_l, c.capacity_positions, c.booked_weight_hg,
                            c.booked_volume_l, c.booked_positions, c.held_weight_hg, c.held_volume_l,
                            c.held_positions] as "row",
                      case when l.seq is not null then
                          array[l.capacity_weight_hg, l.capacity_volume_l, l.capacity_positions, l.booked_weight_hg,
                                l.booked_volume_l, l.booked_positions, l.held_weight_hg, l.held_volume_l,
                                l.held_positions] end as "left"
               from flight_capacity c
               left join lateral (select * from capacity_ledger l where l.flight_id = c.flight_id
                                  order by l.seq desc limit 1) l on true
               where $1::uuid[] is null or c.flight_id = any($1)) each
           where (ledger_seq, "row") is distinct from (last_seq, "left")
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    rows.fetch(db)
}

/// Streams the flights that have a ledger and no row.
pub(crate) fn rowless<'a>(
    db: &'a mut PgSession,
    flights: Option<&[Uuid]>,
) -> impl Stream<Item = sqlx::Result<Uuid>> + Send + Unpin + use<'a> {
    let ids = sqlx::query_scalar!(
        "select distinct l.flight_id from capacity_ledger l
         where ($1::uuid[] is null or l.flight_id = any($1))
           and not exists (select from flight_capacity c where c.flight_id = l.flight_id)
         order by 1",
        flights as Option<&[Uuid]>,
    );
    ids.fetch(db)
}

/// Returns whether a flight with this id exists, or existed and left rows behind.
pub(crate) async fn is_known(db: &mut PgSession, flight: Uuid) -> sqlx::Result<bool> {
    let known = sqlx::query_scalar!(
        r#"select exists (select from flight_capacity where flight_id = $1)
               or exists (select from capacity_ledger where flight_id = $1) as "known!""#,
        flight,
    );
    known.fetch_one(db).await
}
