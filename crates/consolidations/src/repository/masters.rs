use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use loadmaster_bookings::BookingStatus;
use loadmaster_holds::HoldStatus;
use loadmaster_kernel::{
    AirportCode, BookingId, BookingRef, ConsolidationId, ConsolidationPartId, HandlingCode, HoldId, KeptDimensions,
    Pieces, Positions, Volume, Weight, from_column,
};
use loadmaster_platform::postgres::{PgSession, column};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Freight, Master, MasterStatus, SplitPart};

struct Row {
    consolidation_id: Uuid,
    origin: AirportCode,
    hold_id: Uuid,
    booking_ref: Option<BookingRef>,
    hold_status: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    booking_status: Option<String>,
    needs_rerouting: Option<bool>,
    pieces: Option<Pieces>,
    weight_hg: Option<Weight>,
    volume_l: Option<Volume>,
    positions: Option<Positions>,
    dimensions: Option<Json<KeptDimensions>>,
    special_handling_codes: Option<Vec<HandlingCode>>,
    part_ids: Vec<Uuid>,
    part_weights: Option<Json<Vec<Weighed>>>,
}

/// What decides the share of a part.
#[derive(Serialize, Deserialize)]
struct Weighed {
    id: Uuid,
    /// The chargeable weight.
    hectograms: i64,
    codes: Vec<HandlingCode>,
}

impl From<&SplitPart<ConsolidationPartId>> for Weighed {
    fn from(part: &SplitPart<ConsolidationPartId>) -> Self {
        Self {
            id: part.id.uuid(),
            hectograms: part.chargeable_weight.hectograms(),
            codes: part.special_handling_codes.clone(),
        }
    }
}

impl From<Weighed> for SplitPart<ConsolidationPartId> {
    fn from(row: Weighed) -> Self {
        Self {
            id: row.id.into(),
            chargeable_weight: Weight::from_hectograms(row.hectograms),
            special_handling_codes: row.codes,
        }
    }
}

impl Row {
    fn read(self, now: DateTime<Utc>) -> sqlx::Result<Master> {
        let status = match (&self.booking_status, &self.hold_status) {
            (Some(word), _) => MasterStatus::of_booking(from_column(BookingStatus::WORDS, word)?),
            (None, Some(word)) => match MasterStatus::of_hold(from_column(HoldStatus::WORDS, word)?) {
                // A hold whose time is up has expired, whether or not that was recorded.
                MasterStatus::Held if self.expires_at.is_none_or(|at| at <= now) => MasterStatus::Expired,
                status => status,
            },
            (None, None) => MasterStatus::Expired,
        };
        let mut codes = self.special_handling_codes.unwrap_or_default();
        codes.sort_unstable();
        Ok(Master {
            origin: self.origin,
            hold_id: self.hold_id.into(),
            booking_ref: self.booking_ref,
            status,
            freight: Freight {
                pieces: self.pieces,
                weight: self.weight_hg.unwrap_or_default(),
                volume: self.volume_l.unwrap_or_default(),
                positions: self.positions.unwrap_or_default(),
                dimensions: self.dimensions.map(|Json(kept)| kept.into()),
                special_handling_codes: codes,
            },
            parts: self.part_ids.into_iter().map(Into::into).collect(),
            weighed: self.part_weights.map(|Json(rows)| rows).into_iter().flatten().map(SplitPart::from).collect(),
            expires_at: self.expires_at.filter(|_| status == MasterStatus::Held),
            needs_rerouting: self.needs_rerouting.unwrap_or_default(),
        })
    }
}

/// Returns the masters of consolidations, in the order of their origins: what their holds and bookings are now.
pub(super) async fn of(
    db: &mut PgSession,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<ConsolidationId, Vec<Master>>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select m.consolidation_id, m.origin as "origin: _", m.hold_id,
                  coalesce(m.booking_ref, h.booking_ref) as "booking_ref?: _", h.status as "hold_status?",
                  h.expires_at as "expires_at?", b.status as "booking_status?", b.needs_rerouting as "needs_rerouting?",
                  coalesce(b.pieces, h.pieces) as "pieces?: _", coalesce(b.weight_hg, h.weight_hg) as "weight_hg?: _",
                  coalesce(b.volume_l, h.volume_l) as "volume_l?: _", coalesce(b.positions, h.positions) as "positions?: _",
                  case when b.id is null then h.dimensions else b.dimensions end as "dimensions?: _",
                  coalesce(b.special_handling_codes, h.special_handling_codes) as "special_handling_codes?: _",
                  m.part_ids, m.part_weights as "part_weights?: _"
           from consolidation_masters m
           left join lateral (select * from holds where id = m.hold_id limit 1) h on true
           left join lateral (select * from bookings where id = coalesce(m.booking_id, h.booking_id) limit 1) b on true
           where m.consolidation_id = any($1)
           order by m.consolidation_id, m.origin"#,
        ids,
    );
    let mut masters = HashMap::<ConsolidationId, Vec<Master>>::new();
    for row in rows.fetch_all(db).await? {
        masters.entry(row.consolidation_id.into()).or_default().push(row.read(now)?);
    }
    Ok(masters)
}

/// Returns the bookings that the masters of a consolidation became, cancelled ones included.
pub(crate) async fn bookings_of(db: &mut PgSession, id: ConsolidationId) -> sqlx::Result<Vec<BookingId>> {
    let found = sqlx::query_scalar!(
        r#"select coalesce(m.booking_id, h.booking_id) as "id!"
           from consolidation_masters m
           left join lateral (select booking_id from holds where id = m.hold_id limit 1) h on true
           where m.consolidation_id = $1 and coalesce(m.booking_id, h.booking_id) is not null"#,
        id.uuid(),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(BookingId::from).collect())
}

/// Returns those of these holds that keep room.
pub(crate) async fn open_holds(
    db: &mut PgSession,
    holds: &[HoldId],
    now: DateTime<Utc>,
) -> sqlx::Result<HashSet<HoldId>> {
    let open = sqlx::query_scalar!(
        "select id from holds where id = any($1) and status = 'ACTIVE' and expires_at > $2",
        &column(holds, |hold| hold.uuid()),
        now,
    );
    Ok(open.fetch_all(db).await?.into_iter().map(HoldId::from).collect())
}

/// Returns whether a hold is a master.
pub(crate) async fn is_master(db: &mut PgSession, hold: HoldId) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select hold_id from consolidation_masters where hold_id = $1", hold.uuid());
    Ok(found.fetch_optional(db).await?.is_some())
}

/// Makes holds the masters of their origins, in place of former ones.
pub(crate) async fn save_masters(
    db: &mut PgSession,
    of: ConsolidationId,
    masters: &[(AirportCode, HoldId)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let saved = sqlx::query!(
        "insert into consolidation_masters (consolidation_id, origin, hold_id, held_at, part_ids)
         select $1, m.origin, m.hold_id, $4, '{}' from unnest($2::text[], $3::uuid[]) as m (origin, hold_id)
         on conflict (consolidation_id, origin) do update
         set hold_id = excluded.hold_id, booking_id = null, booking_ref = null, held_at = excluded.held_at",
        of.uuid(),
        &column(masters, |(origin, _)| origin.to_string()),
        &column(masters, |(_, hold)| hold.uuid()),
        now,
    );
    saved.execute(db).await.map(drop)
}

/// Saves that the master of an origin carries these parts, and what decides their shares.
pub(crate) async fn save_aboard(
    db: &mut PgSession,
    of: ConsolidationId,
    origin: AirportCode,
    parts: &[SplitPart<ConsolidationPartId>],
) -> sqlx::Result<()> {
    let weights: Vec<Weighed> = column(parts, Weighed::from);
    let saved = sqlx::query!(
        "update consolidation_masters set part_ids = $3, part_weights = $4 where consolidation_id = $1 and origin = $2",
        of.uuid(),
        origin as AirportCode,
        &column(parts, |part| part.id.uuid()),
        Some(Json(&weights)) as Option<Json<&Vec<Weighed>>>,
    );
    saved.execute(db).await.map(drop)
}

/// Notes the bookings that these holds became, unless other holds have taken their place. Returns the origins that had none.
pub(crate) async fn note_bookings(
    db: &mut PgSession,
    of: ConsolidationId,
    booked: &[(HoldId, BookingId, BookingRef)],
) -> sqlx::Result<BTreeSet<AirportCode>> {
    let noted = sqlx::query_scalar!(
        r#"update consolidation_masters m set booking_id = b.booking_id, booking_ref = b.booking_ref
         from unnest($2::uuid[], $3::uuid[], $4::text[]) as b (hold_id, booking_id, booking_ref)
         where m.consolidation_id = $1 and m.hold_id = b.hold_id and m.booking_id is null
         returning m.origin as "origin: AirportCode""#,
        of.uuid(),
        &column(booked, |(hold, ..)| hold.uuid()),
        &column(booked, |(_, booking, _)| booking.uuid()),
        &column(booked, |(.., reference)| reference.to_string()),
    );
    Ok(noted.fetch_all(db).await?.into_iter().collect())
}

/// Returns some of the consolidations with masters whose holds, made after this time, became bookings that are not noted.
pub(crate) async fn with_bookings_to_note(
    db: &mut PgSession,
    since: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<ConsolidationId>> {
    let found = sqlx::query_scalar!(
        "select distinct m.consolidation_id
         from consolidation_masters m join consolidations c on c.id = m.consolidation_id
         cross join lateral (select booking_id from holds where id = m.hold_id limit 1) h
         where m.booking_id is null and m.held_at > $1 and h.booking_id is not null and c.cancelled_at is null
         order by m.consolidation_id limit $2",
        since,
        most,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(ConsolidationId::from).collect())
}

/// Notes the bookings that the holds of a consolidation became, and are not noted. Returns their origins.
pub(crate) async fn note_all_bookings(db: &mut PgSession, of: ConsolidationId) -> sqlx::Result<BTreeSet<AirportCode>> {
    let noted = sqlx::query_scalar!(
        r#"update consolidation_masters m set booking_id = h.booking_id, booking_ref = h.booking_ref
         from holds h
         where m.consolidation_id = $1 and h.id = m.hold_id and m.booking_id is null and h.booking_id is not null
         returning m.origin as "origin: AirportCode""#,
        of.uuid(),
    );
    Ok(noted.fetch_all(db).await?.into_iter().collect())
}
