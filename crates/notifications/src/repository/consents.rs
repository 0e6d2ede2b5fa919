use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::NotificationType;

/// An address that somebody names to be notified, for an organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub organization_id: Uuid,
    /// `email` or `phone`.
    pub kind: String,
    /// Normalised.
    pub address: String,
    pub language: Option<String>,
    pub booking_id: Option<Uuid>,
    pub ref_id: Option<String>,
}

impl Named {
    pub fn is_phone(&self) -> bool {
        self.kind == "phone"
    }
}

/// Returns the addresses that these bookings name, one for each organization.
pub(crate) async fn named_by(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<Named>> {
    sqlx::query_as!(
        Named,
        r#"select distinct on (b.organization_id, a.kind, a.address)
                  b.organization_id, a.kind as "kind!", a.address as "address!", k.language,
                  k.booking_id as "booking_id?", b.ref_id as "ref_id?"
           from booking_contacts k join bookings b on b.id = k.booking_id
           cross join lateral (values ('email', lower(k.email)), ('phone', k.phone)) as a (kind, address)
           where k.booking_id = any($1) and a.address is not null
           order by b.organization_id, a.kind, a.address, k.booking_id, k.position"#,
        bookings,
    )
    .fetch_all(db)
    .await
}

/// Enters addresses and locks them and the organizations, in one order: questions are counted under these locks. Returns
/// the ids of the addresses, in the order given.
pub(crate) async fn enter(
    db: &mut PgSession,
    named: &[Named],
    hashes: &[Vec<u8>],
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let kinds = column(named, |one| one.kind.clone());
    let addresses = column(named, |one| one.address.clone());
    sqlx::query!(
        "select id from organizations where id = any($1) order by id for no key update",
        &column(named, |one| one.organization_id),
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query!(
        "insert into contact_points (id, kind, address, address_hash, created_at)
         select distinct on (c.kind, c.address) c.id, c.kind, c.address, c.hash, $5
         from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) as c (id, kind, address, hash)
         order by c.kind, c.address
         on conflict (kind, address) do nothing",
        ids,
        &kinds,
        &addresses,
        hashes,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "select p.id from contact_points p
         where (p.kind, p.address) in (select * from unnest($1::text[], $2::text[]))
         order by p.id for update",
        &kinds,
        &addresses,
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"select p.id from unnest($1::text[], $2::text[]) with ordinality as c (kind, address, n)
           join contact_points p on p.kind = c.kind and p.address = c.address order by c.n"#,
        &kinds,
        &addresses,
    )
    .fetch_all(db)
    .await
}

/// How often an address was asked, and what it has answered.
pub(crate) struct AskingHistory {
    pub status: Option<String>,
    /// Questions to this address for this organization since `month`.
    pub of_pair: i64,
    /// Questions to this address since `month`.
    pub of_address: i64,
    /// Questions for this organization since `day`.
    pub of_organization: i64,
    /// Those of them that were asked by text message.
    pub by_text: i64,
}

pub(crate) async fn asked(
    db: &mut PgSession,
    (contact_point, hash, organization): (Uuid, &[u8], Uuid),
    month: DateTime<Utc>,
    day: DateTime<Utc>,
) -> sqlx::Result<AskingHistory> {
    sqlx::query_as!(
        AskingHistory,
        r#"select (select status from contact_consents where contact_point_id = $1 and organization_id = $3) as status,
                  (select count(*) from contact_questions
                   where address_hash = $2 and organization_id = $3 and asked_at > $4) as "of_pair!",
                  (select count(*) from contact_questions where address_hash = $2 and asked_at > $4) as "of_address!",
                  (select count(*) from contact_questions
                   where organization_id = $3 and asked_at > $5) as "of_organization!",
                  (select count(*) from contact_questions
                   where organization_id = $3 and asked_at > $5 and is_text) as "by_text!""#,
        contact_point,
        hash,
        organization,
        month,
        day,
    )
    .fetch_one(db)
    .await
}

/// Returns those of these organizations that have a verified account: that of a member who has shown that its e-mail address
/// is theirs, or of the carrier's staff, who are appointed.
pub(crate) async fn verified(db: &mut PgSession, organizations: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select o.id as "id!" from unnest($1::uuid[]) as o (id)
           where exists (select from users u where u.organization_id = o.id and u.disabled_at is null and u.erased_at is null
                           and (u.email_verified_at is not null or u.role in ('operator', 'admin')))"#,
        organizations,
    )
    .fetch_all(db)
    .await
}

/// Records a question; `is_text`: it goes by text message.
pub(crate) async fn record_question(
    db: &mut PgSession,
    id: Uuid,
    (contact_point, hash, organization): (Uuid, &[u8], Uuid),
    (language, is_text): (Option<&str>, bool),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into contact_consents (contact_point_id, organization_id, status, language, asked_at)
         values ($1, $2, 'ASKED', $3, $4)
         on conflict (contact_point_id, organization_id) do update set asked_at = excluded.asked_at,
             language = excluded.language, status = 'ASKED', answered_at = null",
        contact_point,
        organization,
        language,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into contact_questions (id, address_hash, organization_id, asked_at, is_text) values ($1, $2, $3, $4, $5)",
        id,
        hash,
        organization,
        now,
        is_text,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A question as stored.
pub(crate) struct Consent {
    pub status: String,
    pub asked_at: DateTime<Utc>,
    pub organization: String,
    pub address: String,
    pub address_hash: Vec<u8>,
    pub language: Option<String>,
}

pub(crate) async fn find(db: &mut PgSession, contact_point: Uuid, organization: Uuid) -> sqlx::Result<Option<Consent>> {
    sqlx::query_as!(
        Consent,
        "select g.status, g.asked_at, o.name as organization, p.address, p.address_hash, g.language
         from contact_consents g join organizations o on o.id = g.organization_id
         join contact_points p on p.id = g.contact_point_id
         where g.contact_point_id = $1 and g.organization_id = $2",
        contact_point,
        organization,
    )
    .fetch_optional(db)
    .await
}

/// Records an answer for one organization, or for all (`None`).
pub(crate) async fn answer(
    db: &mut PgSession,
    contact_point: Uuid,
    organization: Option<Uuid>,
    status: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update contact_consents set status = $3, answered_at = $4
         where contact_point_id = $1 and ($2::uuid is null or organization_id = $2) and status <> $3",
        contact_point,
        organization,
        status,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Records that a contact, which must exist, does not want these types any more.
pub(crate) async fn refuse(
    db: &mut PgSession,
    contact_point: Uuid,
    kinds: &[NotificationType],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into contact_refusals (contact_point_id, type, created_at)
         select $1, type, $3 from unnest($2::text[]) as type on conflict do nothing",
        contact_point,
        &column(kinds, |kind| kind.as_str().to_owned()),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
