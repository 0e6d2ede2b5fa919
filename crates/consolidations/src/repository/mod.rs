//! All SQL of this room.
pub(super) mod audit;
mod chosen;
mod masters;
mod members;
mod parts;
mod upkeep;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, ConsolidationId, ConsolidationPartId, OrganizationId, UserId, from_column};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

pub(super) use masters::{
    bookings_of, is_master, note_all_bookings, note_bookings, open_holds, save_aboard, save_masters,
    with_bookings_to_note,
};
pub(super) use members::{
    any_email_of, delete_declined, delete_ended, delete_member, email_of, insert_member, invited_by_token, save_answer,
    save_invitation,
};
pub(super) use parts::{delete_withdrawn, insert_part, save_part, withdraw_parts_of};
pub(super) use upkeep::{delete_invitations, erase, export, ids_of};

use super::{
    dto::ConsolidationFilter,
    model::{
        Consolidation, ConsolidationChange, ConsolidationEvent, ConsolidationEventType, Listed, Master, Terms, Whole,
    },
};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Option<Uuid>,
    name: String,
    destination: AirportCode,
    latest_arrival: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Consolidation {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.map(UserId::from),
            terms: Terms { name: row.name, destination: row.destination, latest_arrival: row.latest_arrival },
            cancelled_at: row.cancelled_at,
            event_sequence: row.event_sequence,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A checked query for consolidations; `$tail` selects and orders them.
macro_rules! select_consolidations {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select c.id, c.organization_id, c.created_by, c.name, c.destination as "destination: _", c.latest_arrival,
                      c.cancelled_at, c.event_sequence, c.version, c.created_at, c.updated_at
               from consolidations c "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await
        .map(|rows| rows.into_iter().map(Consolidation::from).collect::<Vec<Consolidation>>())
    };
}

/// Locks a consolidation, if there is one: its members, parts and masters change under this lock.
pub(super) async fn lock(db: &mut PgSession, id: ConsolidationId) -> sqlx::Result<()> {
    sqlx::query!("select id from consolidations where id = $1 for no key update", id.uuid())
        .fetch_optional(db)
        .await
        .map(drop)
}

/// Returns a consolidation with all that belongs to it, as it is at this moment.
pub(super) async fn find(db: &mut PgSession, id: ConsolidationId, now: DateTime<Utc>) -> sqlx::Result<Option<Whole>> {
    let found = select_consolidations!(db, "where c.id = $1", id.uuid())?.pop();
    let Some(consolidation) = found else { return Ok(None) };
    let members = members::of(db, id).await?;
    let parts = parts::of(db, id).await?;
    let masters = masters::of(db, &[id.uuid()], now).await?.remove(&id).unwrap_or_default();
    Ok(Some(Whole { consolidation, members, parts, masters }))
}

/// Returns a page of the consolidations that the filter chooses, newest first.
pub(super) async fn list(
    db: &mut PgSession,
    filter: &ConsolidationFilter,
    place: (Option<ConsolidationId>, u32, i64),
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Listed>> {
    let ids = chosen::chosen(db, filter, place).await?;
    let found = select_consolidations!(db, "where c.id = any($1) order by c.id desc", &ids)?;
    let mut figures = figures_of(db, &ids).await?;
    let mut masters = masters::of(db, &ids, now).await?;
    let listed = found.into_iter().map(|consolidation| {
        let Figures { owner, members, parts, ready_origins } = figures.remove(&consolidation.id).unwrap_or_default();
        let masters: Vec<Master> = masters.remove(&consolidation.id).unwrap_or_default();
        Listed { consolidation, owner, members, parts, ready_origins, masters }
    });
    Ok(listed.collect())
}

/// What a list counts.
#[derive(Default)]
struct Figures {
    owner: Option<String>,
    members: i64,
    parts: i64,
    ready_origins: Vec<AirportCode>,
}

async fn figures_of(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<HashMap<ConsolidationId, Figures>> {
    let rows = sqlx::query!(
        r#"select k.id as "id!", (select o.name from consolidations c join organizations o on o.id = c.organization_id
                                  where c.id = k.id) as "owner?",
                  (select count(*) from consolidation_members m
                   where m.consolidation_id = k.id and m.status = 'ACCEPTED') as "members!",
                  (select count(*) from consolidation_parts p
                   where p.consolidation_id = k.id and p.status <> 'WITHDRAWN') as "parts!",
                  array(select distinct p.origin from consolidation_parts p
                        where p.consolidation_id = k.id and p.status = 'READY' order by 1)
                      as "ready_origins!: Vec<AirportCode>"
           from unnest($1::uuid[]) as k (id)"#,
        ids,
    );
    let figures = rows.fetch_all(db).await?.into_iter().map(|row| {
        let (owner, members, parts) = (row.owner, row.members, row.parts);
        (ConsolidationId::from(row.id), Figures { owner, members, parts, ready_origins: row.ready_origins })
    });
    Ok(figures.collect())
}

pub(super) async fn insert(db: &mut PgSession, one: &Consolidation) -> sqlx::Result<()> {
    let Terms { name, destination, latest_arrival } = &one.terms;
    let made = sqlx::query!(
        "insert into consolidations (id, organization_id, created_by, name, destination, latest_arrival, event_sequence,
                                     version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        one.id.uuid(),
        one.organization_id.uuid(),
        one.created_by.map(UserId::uuid),
        name.as_str(),
        *destination as AirportCode,
        *latest_arrival,
        one.event_sequence,
        one.version,
        one.created_at,
        one.updated_at,
    );
    made.execute(db).await.map(drop)
}

/// Writes the new state of a consolidation that the caller has locked.
pub(super) async fn save(db: &mut PgSession, one: &Consolidation) -> sqlx::Result<()> {
    let Terms { name, destination, latest_arrival } = &one.terms;
    let saved = sqlx::query!(
        "update consolidations
         set name = $2, destination = $3, latest_arrival = $4, cancelled_at = $5, event_sequence = $6, version = $7,
             updated_at = $8
         where id = $1",
        one.id.uuid(),
        name.as_str(),
        *destination as AirportCode,
        *latest_arrival,
        one.cancelled_at,
        one.event_sequence,
        one.version,
        one.updated_at,
    );
    saved.execute(db).await.map(drop)
}

pub(super) async fn insert_event(
    db: &mut PgSession,
    id: ConsolidationId,
    event: &ConsolidationEvent,
) -> sqlx::Result<()> {
    let made = sqlx::query!(
        "insert into consolidation_events (consolidation_id, sequence, event_type, change, origins, part_id,
                                           organization_id, actor_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        event.sequence,
        event.event_type.as_str(),
        event.change.map(ConsolidationChange::as_str),
        &event.origins as &[AirportCode],
        event.part_id.map(ConsolidationPartId::uuid),
        event.organization_id.map(OrganizationId::uuid),
        event.actor_id.map(UserId::uuid),
        event.created_at,
    );
    made.execute(db).await.map(drop)
}

/// Returns a page of the history, newest first.
pub(super) async fn events(
    db: &mut PgSession,
    id: ConsolidationId,
    (before, offset, fetch): (Option<i32>, u32, i64),
) -> sqlx::Result<Vec<ConsolidationEvent>> {
    let rows = sqlx::query!(
        r#"select sequence, event_type, change, origins as "origins: Vec<AirportCode>", part_id, organization_id, actor_id,
                  created_at
           from consolidation_events
           where consolidation_id = $1 and ($2::integer is null or sequence < $2)
           order by sequence desc offset $3 limit $4"#,
        id.uuid(),
        before,
        i64::from(offset),
        fetch,
    );
    let events = rows.fetch_all(db).await?.into_iter().map(|row| {
        let change = row.change.map(|word| from_column(ConsolidationChange::WORDS, &word)).transpose()?;
        Ok(ConsolidationEvent {
            sequence: row.sequence,
            event_type: from_column(ConsolidationEventType::WORDS, &row.event_type)?,
            change,
            origins: row.origins,
            part_id: row.part_id.map(Into::into),
            organization_id: row.organization_id.map(Into::into),
            actor_id: row.actor_id.map(Into::into),
            created_at: row.created_at,
        })
    });
    events.collect()
}
