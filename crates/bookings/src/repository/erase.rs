use std::collections::HashSet;

use loadmaster_kernel::{BookingId, OrganizationId, UserId};
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, allow_long_statements},
};
use serde_json::Value;
use uuid::Uuid;

/// Exports the personal data in a person's bookings, oldest first, and the person's notes elsewhere.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Value> {
    // No request waits for it, and it may cover years of activity.
    allow_long_statements(db).await?;
    sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'bookings', (select coalesce(jsonb_agg(jsonb_build_object(
                   'ref_id', b.ref_id, 'status', b.status, 'origin', b.origin, 'destination', b.destination,
                   'created_at', b.created_at, 'created_by_this_person', b.created_by = $1,
                   'description', t.description, 'customer_reference', t.customer_reference,
                   'shipper', t.shipper, 'consignee', t.consignee,
                   'contacts', (select coalesce(jsonb_agg(jsonb_build_object(
                                    'name', c.name, 'role', c.role, 'email', c.email, 'phone', c.phone,
                                    'language', c.language) order by c.position), '[]')
                                from booking_contacts c where c.booking_id = b.id),
                   'notes', (select coalesce(jsonb_agg(n.notes order by n.sequence), '[]')
                             from booking_event_notes n where n.booking_id = b.id)
               ) order by b.id), '[]')
               from bookings b left join booking_texts t on t.booking_id = b.id
               where b.created_by = $1 or b.organization_id = any($2)),
               'notes_on_other_bookings', (select coalesce(jsonb_agg(jsonb_build_object(
                   'ref_id', b.ref_id, 'noted_at', e.created_at, 'notes', n.notes) order by b.id, n.sequence), '[]')
               from booking_event_notes n
               join booking_events e on e.booking_id = n.booking_id and e.sequence = n.sequence
               join bookings b on b.id = n.booking_id
               where e.actor_id = $1 and b.created_by <> $1 and b.organization_id <> all($2))
           ) as "export!""#,
        person.user_id.uuid(),
        &uuids(&person.organizations),
    )
    .fetch_one(db)
    .await
}

fn uuids(organizations: &[OrganizationId]) -> Vec<Uuid> {
    organizations.iter().map(|id| id.uuid()).collect()
}

/// Returns the bookings with something to blank among the next `limit` bookings of these organizations.
pub(crate) async fn to_blank(
    db: &mut PgSession,
    organizations: &[OrganizationId],
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Window> {
    sqlx::query_as!(
        Window,
        r#"with stretch as (select id from bookings
                            where organization_id = any($1) and id > $2 order by id limit $3)
           select (select id from stretch order by id desc limit 1) as last,
                  array(select s.id from stretch s
                        where exists (select from booking_texts t
                                      where t.booking_id = s.id
                                        and num_nonnulls(t.description, t.customer_reference, t.shipper, t.consignee) > 0)
                           or exists (select from booking_event_notes n where n.booking_id = s.id)
                           or exists (select from booking_contacts c where c.booking_id = s.id)
                        order by s.id) as "bookings!""#,
        &uuids(organizations),
        after,
        limit,
    )
    .fetch_one(db)
    .await
}

/// Returns the references of these organizations' bookings, and the ids of the holds that they were made of: a hold may
/// be a guest's.
pub(crate) async fn references_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
    allow_long_statements(db).await?;
    let names = sqlx::query_scalar!(
        r#"select name as "name!" from bookings b, unnest(array[b.ref_id, b.hold_id::text]) name
           where b.organization_id = any($1) and name is not null"#,
        &uuids(organizations),
    );
    names.fetch_all(db).await
}

/// The bookings found in one range of rows, and the end of the range.
pub(crate) struct Window {
    pub bookings: Vec<Uuid>,
    /// `None`: there are no more.
    pub last: Option<Uuid>,
}

/// Returns the bookings in which a person has written a note. Reads `limit` notes, and all of the last booking. There
/// is no index by author: every booking would pay for it.
pub(crate) async fn noted_by(db: &mut PgSession, author: UserId, after: Uuid, limit: i64) -> sqlx::Result<Window> {
    sqlx::query_as!(
        Window,
        r#"with stretch as (select booking_id, sequence from booking_event_notes
                            where booking_id > $2 order by booking_id fetch first ($3) rows with ties)
           select (select booking_id from stretch order by booking_id desc limit 1) as last,
                  array(select distinct s.booking_id
                        from stretch s
                        join booking_events e on e.booking_id = s.booking_id and e.sequence = s.sequence
                        where e.actor_id = $1 order by s.booking_id) as "bookings!""#,
        author.uuid(),
        after,
        limit,
    )
    .fetch_one(db)
    .await
}

/// Deletes the notes of these bookings: all, or those of one author. Returns the bookings that had any.
pub(crate) async fn delete_notes(
    db: &mut PgSession,
    bookings: &[Uuid],
    author: Option<UserId>,
) -> sqlx::Result<HashSet<BookingId>> {
    let deleted = sqlx::query_scalar!(
        r#"delete from booking_event_notes n
           where n.booking_id = any($1)
             and ($2::uuid is null
                  or exists (select from booking_events e
                             where e.booking_id = n.booking_id and e.sequence = n.sequence and e.actor_id = $2))
           returning n.booking_id as "id: BookingId""#,
        bookings,
        author.map(UserId::uuid),
    );
    Ok(deleted.fetch_all(db).await?.into_iter().collect())
}
