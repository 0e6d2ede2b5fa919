use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::{PgSession, column};
use loadmaster_shipment::ContactRole;
use uuid::Uuid;

use crate::{
    model::{Cause, NotificationType},
    post::Receiver,
};

/// A recipient of the notification about a cause, on one channel.
#[derive(Debug)]
pub(crate) struct Recipient {
    /// The place of the cause.
    pub n: i64,
    pub user_id: Option<Uuid>,
    pub contact_point_id: Option<Uuid>,
    pub channel: String,
    pub organization_id: Option<Uuid>,
    pub booking_id: Option<Uuid>,
    pub ref_id: Option<String>,
    /// When it was recorded; `None`: the message says so.
    pub recorded_at: Option<DateTime<Utc>>,
    /// The last moment, where the subject has one.
    pub until: Option<DateTime<Utc>>,
}

impl Recipient {
    pub fn receiver(&self) -> Option<Receiver> {
        let user = self.user_id.map(|user| Receiver::User(user.into()));
        user.or_else(|| self.contact_point_id.map(|contact| Receiver::Contact(contact.into())))
    }
}

/// Returns the number of the last message that was written before this room existed.
pub(crate) async fn start_of_notifications(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(max(value::bigint), 0) as "from!" from installation where name = 'notifications_from'"#
    )
    .fetch_one(db)
    .await
}

/// Returns the users to notify about each cause: the user who made the booking, hold, waitlist entry or payment, or who claimed
/// the booking from a guest, and the members who asked for all of their organization. Only users with a verified address whose
/// preferences allow it, and only while they belong to its organization or to the carrier's staff. Guests have no address. Only
/// the user who last changed a webhook is notified about it, and all administrators about a feed.
///
/// All is found by key, one after the other: else the database, which knows little of the numbers, may do it once per user.
pub(crate) async fn users(db: &mut PgSession, causes: &[Cause]) -> sqlx::Result<Vec<Recipient>> {
    let recipients = sqlx::query_as!(
        Recipient,
        r#"with c (aggregate, id, sequence, type, n) as (
               select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[]) with ordinality
           ), s as materialized (
               select c.n, c.type, b.created_by, b.organization_id, b.organization_id as home, b.id as booking_id, b.ref_id,
                      e.created_at as recorded_at, null::timestamptz as until
               from bookings b join c on c.id = b.id join booking_events e on e.booking_id = c.id and e.sequence = c.sequence
               where c.aggregate = 'booking'
               union all
               select c.n, c.type, h.created_by, h.organization_id, h.organization_id, null, null, null, h.expires_at
               from c cross join lateral (select * from holds h where h.id = c.id limit 1) h
               where c.aggregate = 'hold' and h.is_open and not h.is_guest and h.kind <> 'ALLOTMENT'
               union all
               select c.n, c.type, w.created_by, w.organization_id, w.organization_id, null, null, null, h.expires_at
               from c cross join lateral (select * from waitlist_entries w where w.id = c.id limit 1) w
               cross join lateral (select * from holds h where h.id = w.hold_id limit 1) h
               where c.aggregate = 'waitlist' and w.status = 'OFFERED'
               union all
               select c.n, c.type, coalesce(b.created_by, p.created_by), p.organization_id, p.organization_id, b.id,
                      b.ref_id, null, null
               from c cross join lateral (select * from payments p where p.id = c.id limit 1) p
               left join bookings b on b.id = p.booking_id
               where c.aggregate = 'payment'
               union all
               select c.n, c.type, w.changed_by, null, w.organization_id, null, null, null, null
               from c cross join lateral (select * from webhooks w where w.id = c.id limit 1) w
               where c.aggregate = 'webhook' and w.deleted_at is null and w.disabled_reason is distinct from 'manual'
               union all select c.n, c.type, a.created_by, a.organization_id, a.organization_id, null, null, null, null
               from c cross join lateral (select * from alerts a where a.id = c.id limit 1) a where c.aggregate = 'alert'
               union all select c.n, c.type, a.id, null, a.organization_id, null, null, null, null from c cross join lateral (
                   select * from users u where u.role = 'admin' order by u.id limit 1000) a where c.aggregate = 'feed'
           ), r as materialized (
               select s.*, r.user_id from s cross join lateral (
                   select s.created_by union
                   select e.actor_id from booking_events e join users g on g.id = s.created_by and g.role = 'guest'
                   where e.booking_id = s.booking_id and e.event_type = 'CLAIMED' union
                   select m.id from users m
                   cross join lateral (select p.scope from notification_preferences p where p.user_id = m.id limit 1) p
                   where m.organization_id = s.organization_id and p.scope = 'organization'
               ) as r (user_id))
           select r.n as "n!", u.id as "user_id?", null::uuid as contact_point_id, ch.channel as "channel!",
                  r.organization_id as "organization_id?", r.booking_id as "booking_id?", r.ref_id as "ref_id?",
                  r.recorded_at as "recorded_at?", r.until as "until?"
           from r cross join lateral (select * from users u where u.id = r.user_id limit 1) u
           left join lateral (select * from notification_preferences p where p.user_id = r.user_id limit 1) p on true
           cross join (values ('email'), ('sms')) as ch (channel)
           where u.disabled_at is null and u.role <> 'guest' and (u.organization_id = r.home or u.role in ('operator', 'admin'))
             and case ch.channel
                 when 'email' then u.email_verified_at is not null
                     and (r.type = any($5)) <> (r.type = any(coalesce(p.email_changed, '{}')))
                 else u.phone_verified_at is not null and r.type = any(coalesce(p.sms_changed, '{}')) end
           order by r.n, u.id, ch.channel"#,
        &column(causes, |cause| cause.aggregate.to_owned()),
        &column(causes, |cause| cause.id),
        &column(causes, |cause| cause.sequence),
        &column(causes, |cause| cause.kind.as_str().to_owned()),
        &NotificationType::by_email() as &[&str],
    );
    recipients.fetch_all(db).await
}

/// Returns the contacts to be notified: those that have agreed to it for this organization.
pub(crate) async fn contacts(db: &mut PgSession, causes: &[(i64, &Cause)]) -> sqlx::Result<Vec<Recipient>> {
    let words = |role: ContactRole| -> Vec<String> { column(role.topics(), |topic| topic.as_str().to_owned()) };
    sqlx::query_as!(
        Recipient,
        r#"with c as (
               select * from unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[]) as c (id, sequence, type, n)
           ), k as materialized (
               select c.n, c.type, b.id as booking_id, b.organization_id, b.ref_id, e.created_at as recorded_at, k.email,
                      k.phone
               from booking_contacts k
               join c on c.id = k.booking_id
               join bookings b on b.id = c.id
               join booking_events e on e.booking_id = c.id and e.sequence = c.sequence
               where c.type = any(case when k.types <> '{}' then k.types
                                       when k.role = 'emergency' then $5::text[] else $6::text[] end)
           ), a as materialized (
               select k.*, a.id, a.channel
               from k
               cross join lateral (
                   select p.id, 'email' as channel from contact_points p
                   where p.kind = 'email' and p.address = lower(k.email)
                   union all
                   select p.id, 'sms' from contact_points p where p.kind = 'phone' and p.address = k.phone
               ) a
           )
           select distinct a.n as "n!", null::uuid as user_id, a.id as "contact_point_id?", a.channel as "channel!",
                  a.organization_id as "organization_id?", a.booking_id as "booking_id?", a.ref_id as "ref_id?",
                  a.recorded_at as "recorded_at?", null::timestamptz as until
           from a
           join contact_consents g on g.contact_point_id = a.id and g.organization_id = a.organization_id
               and g.status = 'AGREED'
           where not exists (select from contact_refusals r where r.contact_point_id = a.id and r.type = a.type)
           order by 1, 3, 4"#,
        &column(causes, |(_, cause)| cause.id),
        &column(causes, |(_, cause)| cause.sequence),
        &column(causes, |(_, cause)| cause.kind.as_str().to_owned()),
        &column(causes, |(n, _)| *n),
        &words(ContactRole::Emergency),
        &words(ContactRole::Notify),
    )
    .fetch_all(db)
    .await
}

/// Returns whoever was notified of a step that was taken back, on the channel by which that went. A notification about the step
/// that still waits is not sent any more.
pub(crate) async fn of_corrected_steps(db: &mut PgSession, causes: &[Cause]) -> sqlx::Result<Vec<Recipient>> {
    let steps = (1_i64..).zip(causes).filter_map(|(n, cause)| Some((n, cause.corrected_message()?)));
    let (places, messages): (Vec<i64>, Vec<String>) = steps.unzip();
    sqlx::query_as!(
        Recipient,
        r#"select c.n as "n!", n.user_id, n.contact_point_id, n.channel, n.organization_id, n.booking_id, n.ref_id,
                  null::timestamptz as recorded_at, null::timestamptz as until
           from unnest($1::bigint[], $2::text[]) as c (n, message_id)
           join notifications n on n.message_id = c.message_id
           where n.status = 'SENT' or n.claimed_until is not null
           order by 1, n.id"#,
        &places,
        &messages,
    )
    .fetch_all(db)
    .await
}
