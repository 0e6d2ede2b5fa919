use chrono::{DateTime, Utc};
use loadmaster_kernel::{DeliveryId, WebhookId, WebhookMessageId, from_column};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::{Outgoing, WebhookStatus};

/// Returns the types of messages that webhooks want, of everybody's messages or of those of one organization, and the state of which
/// that is true.
pub(crate) async fn wanted_types(db: &mut PgSession) -> sqlx::Result<(Uuid, Vec<(Option<Uuid>, String)>)> {
    let found = sqlx::query!(
        r#"select l.webhooks as state, wanted.type as "type?", wanted.organization
           from outbox_listeners l
           left join (select distinct type, case w.scope when 'organization' then w.organization_id end as organization
                      from webhooks w cross join lateral unnest(w.types) as type
                      where w.deleted_at is null) as wanted on true"#
    );
    let found = found.fetch_all(db).await?;
    let state = found.first().map(|row| row.state).unwrap_or_default();
    Ok((state, found.into_iter().filter_map(|row| Some((row.organization, row.r#type?))).collect()))
}

/// A webhook that gets a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match {
    /// The place of the message among those that were asked about.
    pub message: usize,
    pub webhook: WebhookId,
    /// The message is about something of the webhook's organization.
    pub is_own: bool,
}

/// Returns which webhooks get these messages; `only`: this webhook at most. What belongs to which organization, and where it
/// is to go, stands in the tables of other rooms. A guest's organization has no webhooks; messages from before an account claims a
/// booking are not sent to the account's organization.
///
/// All is found by key, one after the other: else the database, which knows little of the numbers, may read whole tables.
pub(crate) async fn matching(
    db: &mut PgSession,
    messages: &[Outgoing],
    only: Option<WebhookId>,
) -> sqlx::Result<Vec<Match>> {
    let places: Vec<i32> = (0..).take(messages.len()).collect();
    let rows = sqlx::query!(
        r#"with wanting as not materialized (
               select id, organization_id, scope, types, origins, destinations from webhooks
               where deleted_at is null and ($5::uuid is null or id = $5)
           ), told as (
               select e.place, e.type,
                      coalesce(b.organization_id, h.organization_id, p.organization_id, q.organization_id,
                               a.organization_id, s.organization_id, o.organization_id) as organization_id,
                      coalesce(b.origin, h.origin, pb.origin, ph.origin, q.origin, a.origin, f.origin) as origin,
                      coalesce(b.destination, h.destination, pb.destination, ph.destination, q.destination, a.destination,
                               s.destination, f.destination) as destination
               from unnest($1::int[], $2::text[], $3::uuid[], $4::text[]) as e (place, aggregate, id, type)
               left join lateral (select * from bookings where e.aggregate = 'booking' and id = e.id limit 1) b on true
               left join lateral (select * from holds where e.aggregate = 'hold' and id = e.id limit 1) h on true
               left join lateral (select * from payments where e.aggregate = 'payment' and id = e.id limit 1) p on true
               left join lateral (select * from bookings where id = p.booking_id limit 1) pb on true
               left join lateral (select * from holds where id = p.hold_id limit 1) ph on true
               left join lateral (select * from waitlist_entries where e.aggregate = 'waitlist' and id = e.id limit 1) q on true
               left join lateral (select * from alerts where e.aggregate = 'alert' and id = e.id limit 1) a on true
               left join lateral (select * from consolidations where e.aggregate = 'consolidation' and id = e.id limit 1) s on true
               left join lateral (select * from flights where e.aggregate = 'flight' and id = e.id limit 1) f on true
               left join lateral (select * from webhooks where e.aggregate = 'webhook' and id = e.id limit 1) o on true
           ), paired as (
               select t.place, w.id, true as is_own, w.types, w.origins, w.destinations, t.type, t.origin, t.destination
               from told t
               join wanting w on w.organization_id = t.organization_id and w.scope = 'organization'
               union all
               select t.place, w.id, coalesce(w.organization_id = t.organization_id, false), w.types, w.origins,
                      w.destinations, t.type, t.origin, t.destination
               from told t join wanting w on w.scope = 'all'
           )
           select place as "place!", id as "id!", is_own as "is_own!" from paired
           where exists (select from unnest(types) as wanted
                         where wanted = type or (right(wanted, 2) = '.*' and starts_with(type, left(wanted, -1))))
             and (origins = '{}' or origin = any(origins))
             and (destinations = '{}' or destination = any(destinations))
           order by place, id"#,
        &places,
        &column(messages, |message| message.aggregate.as_str()) as &[&str],
        &column(messages, |message| message.aggregate_id),
        &column(messages, |message| message.event_type.as_str()) as &[&str],
        only.map(WebhookId::uuid),
    );
    let matched = rows.fetch_all(db).await?.into_iter().map(|row| Match {
        message: usize::try_from(row.place).unwrap_or_default(),
        webhook: row.id.into(),
        is_own: row.is_own,
    });
    Ok(matched.collect())
}

/// Locks webhooks in ascending order; returns the status of those that are neither deleted nor asleep. One that has ended is
/// found to have by the attempt to send to it.
pub(crate) async fn lock(
    db: &mut PgSession,
    webhooks: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(WebhookId, WebhookStatus)>> {
    let locked = sqlx::query!(
        "select w.id, w.status from webhooks w
         where w.id = any($1) and w.deleted_at is null
           and coalesce(webhook_obstacle(w, $2) in ('key_ended', 'access_ended'), true)
         order by w.id for no key update",
        webhooks,
        now,
    );
    let locked = locked.fetch_all(db).await?;
    locked.into_iter().map(|row| Ok((row.id.into(), from_column(WebhookStatus::WORDS, &row.status)?))).collect()
}

/// Writes messages, each once, and returns their ids in the same order.
pub(crate) async fn insert_messages(
    db: &mut PgSession,
    messages: &[(WebhookMessageId, &Outgoing)],
    is_replay: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<WebhookMessageId>> {
    let (ids, types) = (column(messages, |m| m.0.uuid()), column(messages, |m| m.1.event_type.as_str()));
    let event_ids = column(messages, |m| m.1.event_id.as_str());
    let inserted = sqlx::query!(
        "insert into webhook_messages (id, event_id, type, subject, sequence, body, is_replay, created_at)
         select *, $7::boolean, $8::timestamptz from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
         on conflict (event_id, type) where not is_replay do nothing",
        &ids,
        &event_ids as &[&str],
        &types as &[&str],
        &column(messages, |m| m.1.subject.as_str()) as &[&str],
        &column(messages, |m| m.1.sequence),
        &column(messages, |m| m.1.body.as_str()) as &[&str],
        is_replay,
        now,
    );
    inserted.execute(&mut *db).await?;
    if is_replay {
        return Ok(messages.iter().map(|(id, _)| *id).collect());
    }
    let known = sqlx::query_scalar!(
        r#"select m.id from unnest($1::text[], $2::text[]) with ordinality as e (event_id, type, place)
           join webhook_messages m on m.event_id = e.event_id and m.type = e.type and not m.is_replay
           order by e.place"#,
        &event_ids as &[&str],
        &types as &[&str],
    );
    Ok(known.fetch_all(db).await?.into_iter().map(WebhookMessageId::from).collect())
}

/// A delivery to write.
#[derive(Debug)]
pub(crate) struct NewDelivery<'a> {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub message: WebhookMessageId,
    pub outgoing: &'a Outgoing,
    pub is_own: bool,
    /// False: its webhook is disabled.
    pub waits: bool,
}

/// Writes deliveries that are not there yet; returns how many wait for each webhook.
pub(crate) async fn insert_deliveries(
    db: &mut PgSession,
    new: &[NewDelivery<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(WebhookId, i32)>> {
    let rows = sqlx::query!(
        r#"with new as (
               insert into webhook_deliveries (id, webhook_id, message_id, type, subject, sequence, is_own, status,
                                               next_attempt_at, created_at)
               select id, webhook_id, message_id, type, subject, sequence, is_own,
                      case when waits then 'WAITING' else 'FAILED' end, case when waits then $9::timestamptz end, $9
               from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::boolean[],
                           $8::boolean[]) with ordinality
                    as e (id, webhook_id, message_id, type, subject, sequence, is_own, waits, place)
               order by place
               on conflict (webhook_id, message_id) do nothing
               returning webhook_id, status
           )
           select webhook_id, count(*)::int as "number!" from new where status = 'WAITING'
           group by webhook_id order by webhook_id"#,
        &column(new, |d| d.id.uuid()),
        &column(new, |d| d.webhook.uuid()),
        &column(new, |d| d.message.uuid()),
        &column(new, |d| d.outgoing.event_type.as_str()) as &[&str],
        &column(new, |d| d.outgoing.subject.as_str()) as &[&str],
        &column(new, |d| d.outgoing.sequence),
        &column(new, |d| d.is_own),
        &column(new, |d| d.waits),
        now,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.webhook_id.into(), row.number)).collect())
}

/// Counts deliveries that wait. A receiver that is left in peace stays so. Returns those for which more than `most` wait, with
/// how many more. The caller holds the locks.
pub(crate) async fn add(
    db: &mut PgSession,
    counts: &[(WebhookId, i32)],
    most: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(WebhookId, i32)>> {
    let rows = sqlx::query!(
        r#"update webhooks w
           set waiting = w.waiting + new.number,
               due_at = case when w.status = 'FAILING' then coalesce(w.due_at, $4)
                             else greatest(least(w.due_at, $4), w.not_before) end
           from unnest($1::uuid[], $2::int[]) as new (id, number)
           where w.id = new.id
           returning w.id, w.waiting - $3 as "excess!""#,
        &column(counts, |(webhook, _)| webhook.uuid()),
        &column(counts, |(_, number)| *number),
        most,
        now,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| (WebhookId::from(row.id), row.excess));
    Ok(rows.filter(|(_, excess)| *excess > 0).collect())
}

/// Ends the oldest deliveries that wait for a webhook. The caller holds its lock.
pub(crate) async fn trim(db: &mut PgSession, webhook: WebhookId, excess: i32) -> sqlx::Result<()> {
    let trimmed = sqlx::query!(
        "with oldest as (
             update webhook_deliveries set status = 'FAILED', next_attempt_at = null
             where id in (select id from webhook_deliveries where webhook_id = $1 and status = 'WAITING'
                          order by position limit $2)
             returning id
         )
         update webhooks set waiting = waiting - (select count(*) from oldest) where id = $1",
        webhook.uuid(),
        i64::from(excess),
    );
    trimmed.execute(db).await.map(drop)
}
