use loadmaster_kernel::{ContactPointId, LetterId};
use loadmaster_platform::{personal::Person, postgres::PgSession};
use serde_json::Value;
use uuid::Uuid;

/// Returns the notifications that are a person's: to its user, to contacts of its organizations, and to guests about bookings
/// that are theirs now.
async fn letters_of(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from notifications
         where user_id = $1 or (contact_point_id is not null and organization_id = any($2))
            or (type = 'guest_booking' and booking_id in (select id from bookings where organization_id = any($2)))",
        person.user_id.uuid(),
        &organizations(person),
    )
    .fetch_all(db)
    .await
}

/// Exports what is kept about a person: preferences, and what was sent. Contacts are exported with their bookings.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Value> {
    let letters = letters_of(&mut *db, person).await?;
    sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'notification_preferences', (select to_jsonb(p) - 'user_id' from notification_preferences p
                                            where p.user_id = $1),
               'notifications', (select coalesce(jsonb_agg(jsonb_build_object(
                   'type', n.type, 'channel', n.channel, 'ref_id', n.ref_id, 'status', n.status, 'reason', n.reason,
                   'created_at', n.created_at, 'sent_at', n.sent_at) order by n.id), '[]')
                   from notifications n where n.id = any($3)),
               'contact_consents', (select coalesce(jsonb_agg(jsonb_build_object(
                   'address', p.address, 'status', c.status, 'asked_at', c.asked_at, 'answered_at', c.answered_at)
                   order by c.asked_at, p.address), '[]')
                   from contact_consents c join contact_points p on p.id = c.contact_point_id
                   where c.organization_id = any($2))
           ) as "export!""#,
        person.user_id.uuid(),
        &organizations(person),
        &letters,
    )
    .fetch_one(db)
    .await
}

fn organizations(person: &Person) -> Vec<Uuid> {
    person.organizations.iter().map(|id| id.uuid()).collect()
}

/// What is left to be removed from the mailbox when rows are deleted.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    pub letters: Vec<LetterId>,
    /// Deleted addresses: all letters to them.
    pub contacts: Vec<ContactPointId>,
}

/// Deletes it. Contacts of bookings are deleted by the room of bookings, before.
pub(crate) async fn erase(db: &mut PgSession, person: &Person) -> sqlx::Result<Leftover> {
    let organizations = organizations(person);
    let preferences = sqlx::query!("delete from notification_preferences where user_id = $1", person.user_id.uuid());
    preferences.execute(&mut *db).await?;
    let notifications = sqlx::query_scalar!(
        r#"delete from notifications where id = any($1) returning letter_id as "letter_id: LetterId""#,
        &letters_of(&mut *db, person).await?,
    );
    let letters = notifications.fetch_all(&mut *db).await?.into_iter().flatten().collect();
    let consents = sqlx::query!("delete from contact_consents where organization_id = any($1)", &organizations);
    consents.execute(&mut *db).await?;
    Ok(Leftover { letters, contacts: delete_unnamed(db).await? })
}

/// Deletes the addresses that no booking names any more, and what they have answered. Returns their ids.
pub(super) async fn delete_unnamed(db: &mut PgSession) -> sqlx::Result<Vec<ContactPointId>> {
    let unnamed = sqlx::query_scalar!(
        "select p.id from contact_points p
         where not exists (select from booking_contacts c where p.kind = 'email' and lower(c.email) = p.address)
           and not exists (select from booking_contacts c where p.kind = 'phone' and c.phone = p.address)
         order by p.id for update",
    );
    let unnamed = unnamed.fetch_all(&mut *db).await?;
    if unnamed.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!("delete from contact_consents where contact_point_id = any($1)", &unnamed).execute(&mut *db).await?;
    sqlx::query!("delete from contact_refusals where contact_point_id = any($1)", &unnamed).execute(&mut *db).await?;
    sqlx::query!(
        "update notifications set status = 'SUPPRESSED', reason = 'erased'
                  where contact_point_id = any($1) and status = 'WAITING'",
        &unnamed
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from contact_points where id = any($1)", &unnamed).execute(db).await?;
    Ok(unnamed.into_iter().map(ContactPointId::from).collect())
}
